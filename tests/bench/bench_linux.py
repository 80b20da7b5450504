#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Single operations of Debian's Linux and its boot to the first process, counted in instructions (QEMU -icount shift=0) without a
# hypervisor, on Debian's Xen 4.17 and on ours, with the same images. Prints the tables of docs/performance.md; --json FILE
# keeps the numbers. WHERE… (native, xen, xenolith) runs these alone.
# It judges nothing by time; it fails only if something does not run.
import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import counting
import qemu

# The same CPU and the same memory for Linux everywhere, and enough for the hypervisor beside it. Debian's Xen does not run with
# the SMAP of QEMU's TCG; with it, each iretq in ring 3 is a page fault (pv/emul_ret.c), and Linux does 100,000 while it starts.
CPU = ["--cpu-model", "max,-smap"]
PLACES = {"native": ["--native", "--memory", "384", *CPU], "xen": ["--linux", "--xen", *qemu.XEN_AT_DEFAULTS, "--memory", "640", "--dom0-memory", "384", *CPU],
          "xenolith": ["--linux", "--memory", "640", "--dom0-memory", "384", *CPU]}
TITLES = {"native": "native", "xen": "Debian's Xen 4.17", "xenolith": "Xenolith"}
GOAL = 0.8
HALFWAY = {"getpid": 0.7, "null-hypercall-by-privcmd": 0.7, "boot-to-init": 0.75, "boot-to-init-executed": 0.75}
# Linux's Xen clock has no shorter timer than 100 us, and a boot waits for devices: the clock goes on and nothing is executed.
WAITS, EXECUTED = "nanosleep-0", "nanosleep-0-executed"


def operations(where):
    result, windows = counting.operations(where)
    found = {}
    for name, ticks in counting.numbers(result).items():
        found[name] = ticks
        if name == WAITS:
            times, counts = windows[name]
            found[EXECUTED] = sum(counts.values()) // times
    return found


def boot(where):
    """Instructions from the machine's start to the first one of process 1; and seconds of this machine, which are only an idea."""
    words = ["--dom0-args", "rdinit=/usr/sbin/linux-bench"]
    result, windows = counting.counted(*where, *words)
    result.expect_output(r"^BENCH boot-to-init \d+$")
    found = counting.numbers(result)
    found["boot-to-init-executed"] = sum(windows[0].values())
    start = time.monotonic()
    qemu.run(*where, *words, timeout=900).expect_status(0)
    return found, time.monotonic() - start


def ratio(row, over, under):
    return f"{row[over] / row[under]:.2f}" if row.get(over) and row.get(under) else "–"


def table(found):
    places = [place for place in PLACES if place in found]
    print("| operation | " + " | ".join(TITLES[place] for place in places) + " | Xenolith / Xen | goal | Xenolith / native |")
    print("|---" * (len(places) + 4) + "|")
    names = dict.fromkeys(name for place in places for name in found[place])
    for name in names:
        row = {place: found[place].get(name) for place in places}
        goal = HALFWAY.get(name, GOAL)
        missed = row.get("xen") and row.get("xenolith") and row["xenolith"] > goal * row["xen"]
        cells = [f"{row[place]:,}" if row[place] else "–" for place in places]
        print(f"| {name} | " + " | ".join(cells) + f" | {ratio(row, 'xenolith', 'xen')} | {goal}{' (missed)' if missed else ''} | "
              f"{ratio(row, 'xenolith', 'native')} |")


def main():
    parser = argparse.ArgumentParser(description="Linux's operations in instructions: native, on Debian's Xen, on Xenolith.")
    parser.add_argument("places", nargs="*", metavar="WHERE", help="native, xen, xenolith (all three)")
    parser.add_argument("--json", metavar="FILE", help="write the numbers to FILE")
    options = parser.parse_args()
    unknown = set(options.places) - set(PLACES)
    if unknown:
        parser.error(f"no such place: {', '.join(sorted(unknown))}")
    found, seconds = {}, {}
    for place in options.places or PLACES:
        found[place] = operations(PLACES[place])
        booted, seconds[place] = boot(PLACES[place])
        found[place].update(booted)
    table(found)
    print("\nboot to init and power-off, seconds of this machine: " + ", ".join(f"{TITLES[p]} {s:.1f}" for p, s in seconds.items()))
    if options.json:
        Path(options.json).write_text(json.dumps({"instructions": found, "seconds": seconds}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
