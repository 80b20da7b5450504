#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Where the hypervisor's instructions go, function by function: QEMU runs one instruction at a time and logs the address of
# each that lies in the hypervisor's text. Two runs that differ only in how often something is done are subtracted, so that
# what is left belongs to it alone. Uses the release build in build/ as it is.
#   profile_hypervisor.py bench OPERATION [N]         an operation of guests/bench, per operation
#   profile_hypervisor.py shell COMMAND [WITHOUT]     a command of the control domain, less another one (default: none)
import argparse
import bisect
import collections
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu

IMAGE = qemu.BUILD / "xenolith.elf"
# Each instruction is a line of the log, so what the boot spends most on is kept out: the loops that measure the clock, and of
# the function that fills a frame with zeros all but the first instruction, which then counts for all.
BOOT_ONLY = {"pit_run", "time_init"}
ZERO_FRAME, ZERO_FRAME_COST = "zero_frame", 520
MEMORY = ["--memory", "64", "--hv-args", "bootdom_mem=32"]
SHELL_MEMORY = ["--memory", "96", "--hv-args", "bootdom_mem=24"]
HELLO = 'name = "h"\nkernel = "hello"\nmemory = 8\ncmdline = "0"\n'


class Symbols:
    def __init__(self):
        rows = (line.split() for line in subprocess.run(["nm", "-n", str(IMAGE)], capture_output=True, text=True, check=True).stdout.splitlines())
        text = [(int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tT"]
        self.addresses = [address for address, _ in text]
        self.names = [name for _, name in text]

    def spans(self):
        """QEMU's -dfilter: the text without what is kept out."""
        start, spans = self.addresses[0], []
        for address, name, end in zip(self.addresses, self.names, self.addresses[1:] + [self.addresses[-1] + 0x1000]):
            if name in BOOT_ONLY or name == ZERO_FRAME:
                spans.append((start, address if name == ZERO_FRAME else address - 1))
                start = end
        spans.append((start, self.addresses[-1] + 0xfff))
        return ",".join(f"{first:#x}..{last:#x}" for first, last in spans if first <= last)

    def name(self, address):
        return self.names[bisect.bisect_right(self.addresses, address) - 1]


def count(symbols, words, memory):
    """{function: instructions} of one run."""
    addresses = collections.Counter()

    def read(path):
        with open(path, "rb", buffering=1 << 20) as log:
            for line in log:
                if line.startswith(b"Trace"):
                    addresses[line.split(b"/", 2)[1]] += 1

    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        pipe = Path(folder) / "log"
        os.mkfifo(pipe)
        reader = threading.Thread(target=read, args=(pipe,))
        reader.start()
        result = qemu.run(*words, "--icount", *memory, "--", "-singlestep",
                          "-d", "exec,nochain", "-dfilter", symbols.spans(), "-D", pipe, timeout=1200)
        reader.join()
    result.expect_status(0)
    functions = collections.Counter()
    for address, times in addresses.items():
        functions[symbols.name(int(address, 16))] += times
    functions[ZERO_FRAME] *= ZERO_FRAME_COST
    return functions


def shell_words(folder, command):
    config = Path(folder) / "h.cfg"
    config.write_text(HELLO)
    return ["--bare", "--add", f"{qemu.BUILD / 'guests/hello'}:hello", "--add", f"{config}:h.cfg", "-c", command]


def main():
    parser = argparse.ArgumentParser(description="Profile of the hypervisor by function, in instructions.")
    parser.add_argument("what", choices=("bench", "shell"))
    parser.add_argument("first", metavar="OPERATION|COMMAND")
    parser.add_argument("second", nargs="?", metavar="N|WITHOUT")
    args = parser.parse_args()
    symbols = Symbols()
    if args.what == "bench":
        per = int(args.second or 200)
        more, less = (count(symbols, ["--dom0-kernel", qemu.BUILD / "guests/bench", "--dom0-args", f"only={args.first} n={n}"], MEMORY)
                      for n in (2 * per, per))
        per *= 2  # every operation is done once more to warm up
    else:
        per = 1
        with tempfile.TemporaryDirectory(prefix="profile-") as folder:
            more, less = (count(symbols, shell_words(folder, command), SHELL_MEMORY) for command in (args.first, args.second or "echo"))
    more.subtract(less)
    total = sum(more.values())
    print(f"{total / per:12,.1f}  in the hypervisor")
    for name, times in more.most_common():
        if times >= total / 200:
            print(f"{times / per:12,.1f}  {times / total:6.1%}  {name}")


if __name__ == "__main__":
    main()
