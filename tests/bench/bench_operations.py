#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Single operations and whole lives of domains, counted in instructions (QEMU -icount shift=0: exact and repeatable) on
# Debian's Xen 4.17 and on ours, one after the other with the same images. Prints the table of docs/performance.md.
# It judges nothing by time; it fails only if something does not run.
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu

GUESTS = qemu.BUILD / "guests"
GOAL = 0.7
HALF = {"unknown-hypercall", "exception-and-iret", "page-fault-and-iret"}
CONFIG = 'name = "h"\nkernel = "hello"\nmemory = 8\ncmdline = "0"\n'


def operations(where):
    result = qemu.run(*where, "--icount", "--dom0-kernel", GUESTS / "bench", timeout=600)
    result.expect_status(0).expect_output(r"^BENCH done 0$")
    return {name: int(ticks) for name, ticks in re.findall(r"^BENCH (\S+) (\d+)$", result.output, re.MULTILINE) if name != "done"}


def lives(where):
    """Instructions from `create` to the end of a guest that says one line, and of a create alone: the first and the 200th."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = Path(folder) / "h.cfg"
        config.write_text(CONFIG)
        command = ("time 'create h.cfg && console h'; time 'create -p h.cfg'; time 'destroy h'; repeat 198 'create -p h.cfg && destroy h';"
                   " time 'create -p h.cfg'; destroy h")
        result = qemu.run(*where, "--bare", "--icount", "--add", f"{GUESTS / 'hello'}:hello", "--add", f"{config}:h.cfg", "-c", command, timeout=900)
    result.expect_status(0)
    names = ("create to the end of a one-line guest", "create, first", "destroy", "create, 200th")
    return dict(zip(names, (int(ns) for ns in re.findall(r"^TIME (\d+) ns$", result.output, re.MULTILINE))))


def table(xen, ours):
    print("| operation | Debian's Xen 4.17 | Xenolith | ratio | goal |")
    print("|---|---|---|---|---|")
    for name in xen:
        ratio = ours[name] / xen[name] if xen[name] else 0
        goal = 0.5 if name in HALF else GOAL
        print(f"| {name} | {xen[name]:,} | {ours[name]:,} | {ratio:.2f} | {goal}{'' if ratio <= goal else ' (missed)'} |")


def main():
    xen, ours = operations(["--xen"]), operations([])
    xen.update(lives(["--xen"]))
    ours.update(lives([]))
    table(xen, ours)
    images = {name: (qemu.BUILD / name).stat().st_size for name in ("xenolith.elf", "guests/boot-domain", "guests/hello")}
    print("\n" + "\n".join(f"{name}: {size / 1024:.0f} KiB" for name, size in images.items()))


if __name__ == "__main__":
    main()
