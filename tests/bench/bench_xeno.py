#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What an operator's commands take: Debian's Xen with xl and its daemons, and Xenolith with xeno and its, in the same QEMU with the
# same kernel as dom0 and the same guests. Instructions are those that QEMU executes (tests/bench/counting.py), waiting is none,
# and they are told apart by who executes them. Prints the tables of docs/performance.md; it judges nothing by time.
import argparse
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import counting
import debian_tools
import linux_cases
import qemu
from bench_linux import CPU

HYPERVISOR = (0xffff800000000000, 0xffff880000000000)
# name -> (title, run.sh's words, the tool, what starts its daemons)
PLACES = {"xl": ("xl on Debian's Xen", ["--xen", *qemu.XEN_AT_DEFAULTS, *CPU, "--dom0-args", "daemons=none"], "xl", debian_tools.START),
          "xeno-on-xen": ("xeno on Debian's Xen", ["--xen", *qemu.XEN_AT_DEFAULTS, *CPU], "xeno", ""),
          "xeno": ("xeno on Xenolith", CPU, "xeno", "")}
MANY = 200
MEMORY = {"one": (768, 512), "many": (2600, 1536), "stock": (1400, 768)}
GOALS = {"create until hello's first line": ("create", 0.1), "list": ("list", 0.2), "stock ELF until init: tool and hypervisor": (None, 0.2),
         "stock bzImage until init: tool and hypervisor": (None, 0.2), "stock bzImage again, until init: tool and hypervisor": (None, 0.2)}
SHELL = r"""
cfg() { printf 'name = "%s"\nkernel = "/root/%s"\nmemory = %s\n' "$2" "$3" "$4"; }
cfg "" h hello 8 >h.cfg; echo 'cmdline = "100000"' >>h.cfg
cfg "" h0 hello 8 >h0.cfg; echo 'cmdline = "0"' >>h0.cfg
only_dom0() { $X list | awk 'NR > 1 && $1 != "Domain-0" { n++ } END { exit n > 0 }'; }
ends() { until only_dom0; do sleep 1; done; }
calm() { sync; echo 3 >/proc/sys/vm/drop_caches; sleep 2; }
free_kib() { calm; echo "BENCH $1 $(awk '/^MemFree/ { print $2 }' /proc/meminfo)"; }
run() { sleep 1; linux-bench run "$@" || exit 1; }
# What every command does for the first time.
$X create -c h0.cfg </dev/null >/dev/null 2>&1; ends; $X create h.cfg >/dev/null 2>&1; $X destroy h; ends
"""
ONE = r"""
run create $X create h.cfg
run list $X list
run destroy $X destroy h; ends
run -u 'hello from' first-line $X create -c h0.cfg; ends
"""
STOCK = r"""
cfg "" s KERNEL 256 >s.cfg
echo 'ramdisk = "/root/initrd"
cmdline = "console=hvc0 quiet panic=-1 rdinit=/usr/sbin/linux-bench"
on_poweroff = "destroy"' >>s.cfg
run built $X create -p s.cfg
# The guest's first process ends the window.
run -u 'BENCH boot-to-init' booted sh -c "$X unpause s; exec $X console s"; ends
run again $X create -p s.cfg
"""
MANY_SCRIPT = r"""
sed -i 's/8/4/' h.cfg
free_kib free-before
for i in $(seq NR); do
    case $i in
    # Alike for both: what Linux has dropped leaves room in its slabs, which the one that comes next need not fetch and clear.
    1 | NR) calm; run create-$i $X create h.cfg "name=\"m$i\"" ;;
    *) $X create h.cfg "name=\"m$i\"" >/dev/null || exit 1 ;;
    esac
done
run list-of-NR $X list
free_kib free-after
"""


def parts(window):
    """(user, kernel, hypervisor) of a window's counts by address."""
    hypervisor = sum(times for address, times in window.items() if HYPERVISOR[0] <= address < HYPERVISOR[1])
    return window[0], sum(window.values()) - window[0] - hypervisor, hypervisor


def measure(place, size, script, files=()):
    """{name: (user, kernel, hypervisor)} of the script's runs, and {name: number} of the other lines that it prints."""
    title, words, tool, start = PLACES[place]
    linux_cases.images()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "script"
        path.write_text(f"{start}\nX={tool}\n{SHELL}{script}", encoding="utf-8")
        more = ["--add", f"{path}:script", "--add", f"{qemu.BUILD / 'guests' / 'hello'}:hello"]
        more += [word for source, name in files for word in ("--add", f"{source}:{name}")]
        if start:
            debian_tools.archive(f"{folder}/debian.cpio")
            more += ["--add", f"{folder}/debian.cpio"]
        memory, dom0 = MEMORY[size]
        result, windows = counting.counted(*words, "--memory", memory, "--dom0-memory", dom0, *more, "-c", "sh script", timeout=2400)
    said = re.findall(r"^BENCH (\S+) (\d+)$", result.output, re.MULTILINE)
    plain = {name: int(number) for name, number in said if name.startswith("free-")}
    names = [name for name, _ in said if name not in plain and name != "boot-to-init"]
    result.expect(len(windows) == len(names), f"expected a window for each of {names}, found {len(windows)}")
    found = [parts(window) for window in windows]
    print(f"{title}: {dict(zip(names, found))} {plain}", file=sys.stderr, flush=True)
    return dict(zip(names, found)), plain


def one(place, rows):
    found, _ = measure(place, "one", ONE)
    rows.update({"create": found["create"], "create until hello's first line": found["first-line"], "list": found["list"],
                 "destroy": found["destroy"]})


def stock(place, rows):
    """Until init; and of it what is not the guest's own: building it, and the hypervisor's part while it boots. Again: the kernel was used before."""
    elf, initrd = linux_cases.images()
    for kind, kernel in (("ELF", elf), ("bzImage", elf.with_name("vmlinuz"))):
        found, _ = measure(place, "stock", STOCK.replace("KERNEL", kernel.name), [(kernel, kernel.name), (initrd, "initrd")])
        booted = found["booted"]
        for name, built in ((f"stock {kind}", found["built"]), (f"stock {kind} again,", found["again"])):
            rows[f"{name.rstrip(',')}, create"] = built
            rows[f"{name} until init"] = tuple(a + b for a, b in zip(built, booted))
            rows[f"{name} until init: tool and hypervisor"] = (*built[:2], built[2] + booted[2])


def many(place, rows, nr):
    found, free = measure(place, "many", MANY_SCRIPT.replace("NR", str(nr)))
    rows["create, 1st"], rows[f"create, {nr}th"] = found["create-1"], found[f"create-{nr}"]
    rows[f"list of {nr}"] = found[f"list-of-{nr}"]
    rows["dom0's memory for a domain, KiB"] = (free["free-before"] - free["free-after"]) // nr


def millions(sums):
    return f"{sum(sums) / 1e6:,.2f}" if isinstance(sums, tuple) else f"{sums:,}"


def table(results):
    places = [place for place in PLACES if place in results]
    print("| command | " + " | ".join(PLACES[place][0] for place in places) + " | xeno / xl | goal |")
    print("|---" * (len(places) + 3) + "|")
    for name in dict.fromkeys(name for place in places for name in results[place]):
        cells = [millions(results[place][name]) if name in results[place] else "–" for place in places]
        against, goal = GOALS.get(name, (None, None))
        under = results.get("xl", {}).get(against or name)
        over = results.get("xeno", {}).get(name)
        ratio = (sum(over) / sum(under) if isinstance(over, tuple) else over / under) if over and under else None
        print(f"| {name} | " + " | ".join(cells) + f" | {f'{ratio:.3f}' if ratio is not None else '–'} | "
              f"{goal or '–'}{' (missed)' if goal and ratio and ratio > goal else ''} |")
    print("\n| command, on Xenolith | programs | Linux | Xenolith |\n|---|---|---|---|")
    for name, sums in results.get("xeno", {}).items():
        if isinstance(sums, tuple):
            print(f"| {name} | " + " | ".join(f"{part / 1e6:,.2f}" for part in sums) + " |")


def main():
    parser = argparse.ArgumentParser(description="xeno and xl, in millions of instructions.")
    parser.add_argument("places", nargs="*", metavar="WHERE", help=f"{', '.join(PLACES)} (all)")
    parser.add_argument("--only", choices=["one", "stock", "many"], help="these rows alone")
    parser.add_argument("--many", type=int, default=MANY, metavar="N", help=f"domains at once ({MANY})")
    options = parser.parse_args()
    unknown = set(options.places) - set(PLACES)
    if unknown:
        parser.error(f"no such place: {', '.join(sorted(unknown))}")
    results = {}
    for place in options.places or PLACES:
        rows = results[place] = {}
        if options.only in (None, "one"):
            one(place, rows)
        if options.only in (None, "stock"):
            stock(place, rows)
        if options.only in (None, "many"):
            many(place, rows, options.many)
    table(results)


if __name__ == "__main__":
    main()
