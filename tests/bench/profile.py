#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Where instructions go, function by function: QEMU counts them itself, by the plugin profile/count.c, at nearly its usual
# speed, so time that a machine sleeps is not in them. Uses the release build in build/ as it is. --on (native, xen, xenolith)
# says what Linux runs on; of Debian's Xen, which brings no symbols, only the sum is known.
#   profile.py linux [OPERATION]           operations of linux-bench: what user mode, Linux and the hypervisor take; or one's functions
#   profile.py boot                        Linux's boot to its first process
#   profile.py bench OPERATION             an operation of guests/bench
#   profile.py shell COMMAND [WITHOUT]     a command of the control domain (--bare), less another one (default: none)
import argparse
import bisect
import collections
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu
from bench_linux import PLACES, TITLES
from counting import counted, numbers, operations

HV_START, HV_END, LINUX_TEXT = 0xffff800000000000, 0xffff880000000000, 0xffffffff80000000
WHO = ("user mode", "Linux", "hypervisor", "boot domain")
MEMORY = ["--memory", "64", "--hv-args", "bootdom_mem=32"]
SHELL_MEMORY = ["--memory", "96", "--hv-args", "bootdom_mem=24"]
HELLO = 'name = "h"\nkernel = "hello"\nmemory = 8\ncmdline = "0"\n'


def who(address):
    if address < HV_START:
        return "user mode"
    if address < HV_END:
        return "hypervisor"
    return "Linux" if address >= LINUX_TEXT else "boot domain"


class Symbols:
    """Functions of the hypervisor, the boot domain or another guest of ours, and Linux, as far as they are asked for."""

    def __init__(self, *images, linux=False):
        rows = []
        for image in images:
            text = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
            rows += [line.split() for line in text.splitlines()]
        if linux:
            rows += [line.split()[:3] for line in linux_symbols().splitlines() if "[" not in line]
        text = sorted((int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tT")
        self.addresses = [address for address, _ in text]
        self.names = [name for _, name in text]

    def place(self, address):
        """The function's name and the offset in it."""
        at = bisect.bisect_right(self.addresses, address) - 1
        known = at >= 0 and who(address) != "user mode" and who(self.addresses[at]) == who(address)
        return (f"{self.names[at]} ({who(address)})", address - self.addresses[at]) if known else (f"? ({who(address)})", 1)


def linux_symbols():
    """Linux's own table of symbols. Neither we nor QEMU's loader move the kernel, so the addresses are the same everywhere."""
    kernel, kept = qemu.BUILD / "dom0" / "vmlinux", qemu.BUILD / "dom0" / "kallsyms"
    if not kept.is_file() or kept.stat().st_mtime < kernel.stat().st_mtime:
        kept.write_text(qemu.run("--linux", "-c", "cat /proc/kallsyms", timeout=600).expect_status(0).output)
    return kept.read_text()


def print_shares(title, per, counts):
    parts = collections.Counter()
    for address, times in counts.items():
        parts[who(address)] += times
    print(f"{title}: {sum(parts.values()) / per:,.0f} instructions")
    for part in WHO:
        if parts[part]:
            print(f"{parts[part] / per:16,.0f}  {part}")


def print_functions(per, counts, symbols, least=0.002):
    """Instructions, their share, and how often the function was entered at its beginning."""
    functions, calls = collections.Counter(), collections.Counter()
    for address, times in counts.items():
        name, offset = symbols.place(address)
        functions[name] += times
        calls[name] += 0 if offset else times
    total = sum(functions.values())
    for name, times in functions.most_common():
        if times >= total * least:
            print(f"{times / per:16,.1f}  {times / total:6.1%}  {calls[name] / per:12,.1f} calls  {name}")


def profile_linux(options):
    _, found = operations(PLACES[options.on])
    if options.first:
        per, counts = found[options.first]
        print_shares(f"{options.first} on {TITLES[options.on]}", per, counts)
        print_functions(per, counts, Symbols(qemu.BUILD / "xenolith.debug", linux=True))
        return
    print(f"| operation on {TITLES[options.on]} | all | user mode | Linux | hypervisor |\n|---|---|---|---|---|")
    for name, (per, counts) in found.items():
        parts = collections.Counter()
        for address, times in counts.items():
            parts[who(address)] += times / per
        print(f"| {name} | {sum(parts.values()):,.0f} | " + " | ".join(f"{parts[part]:,.0f}" for part in WHO[:3]) + " |")


def profile_boot(options):
    _, windows = counted(*PLACES[options.on], "--dom0-args", "rdinit=/usr/sbin/linux-bench")
    print_shares(f"boot to init on {TITLES[options.on]}", 1, windows[0])
    print_functions(1, windows[0], Symbols(qemu.BUILD / "xenolith.debug", qemu.BUILD / "guests/boot-domain.debug", linux=True))


def profile_bench(options):
    result, windows = counted("--dom0-kernel", qemu.BUILD / "guests/bench", "--dom0-args", f"only={options.first}", *MEMORY)
    result.expect_output(rf"^BENCH {options.first} [1-9]\d*$")
    counts = windows[-1]
    counts.subtract(windows[-2])  # the loop around nothing
    per = sum(counts.values()) / numbers(result)[options.first]  # an operation may do several things a round, or fewer rounds
    print_shares(options.first, per, counts)
    print_functions(per, counts, Symbols(qemu.BUILD / "xenolith.debug", qemu.BUILD / "guests/bench.debug"))


def profile_shell(options):
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        config = Path(folder) / "h.cfg"
        config.write_text(HELLO)
        files = ["--add", f"{qemu.BUILD / 'guests/hello'}:hello", "--add", f"{config}:h.cfg"]
        more, less = (counted("--bare", *files, "-c", command, *SHELL_MEMORY)[1][0] for command in (options.first, options.second or "echo"))
    more.subtract(less)
    print_shares(options.first, 1, more)
    print_functions(1, more, Symbols(qemu.BUILD / "xenolith.debug", qemu.BUILD / "guests/boot-domain.debug"))


def main():
    parser = argparse.ArgumentParser(description="Instructions by function of the hypervisor, of Linux and of the boot domain.")
    kinds = {"linux": profile_linux, "boot": profile_boot, "bench": profile_bench, "shell": profile_shell}
    parser.add_argument("what", choices=kinds)
    parser.add_argument("first", nargs="?", metavar="OPERATION|COMMAND")
    parser.add_argument("second", nargs="?", metavar="WITHOUT")
    parser.add_argument("--on", choices=PLACES, default="xenolith", help="what Linux runs on")
    options = parser.parse_args()
    if options.what in ("bench", "shell") and not options.first:
        parser.error(f"{options.what}: of what?")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    kinds[options.what](options)


if __name__ == "__main__":
    main()
