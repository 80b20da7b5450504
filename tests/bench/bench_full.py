#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# CPU-bound code on a machine of its own, in a PV domain and in a fully virtualized one, in instructions (QEMU -icount shift=0): what is
# left of them when all that a hypervisor does beside is timers. Prints the table of docs/performance.md. Fails if a goal is missed.
import re
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("system", "guest")]
import qemu
import run_guest

GUESTS = qemu.BUILD / "guests"
SAID = re.compile(r"^compute: (\d+) ticks for \d+ rounds, ending at (\w+)$", re.MULTILINE)
CFG = 'name = "c"\nkernel = "image"\nmemory = 16\n'
GOAL = 1.01
# What stands in the configuration, and the image.
MECHANISMS = {"PV": ("", "compute"), "svm": ('type = "full"\nengine = "svm"\n', "compute-native"),
              "trap": ('type = "full"\nengine = "trap"\n', "compute-native")}


def native():
    options = run_guest.Options(on="pvh", role="native", icount=True, build_dir=qemu.BUILD, timeout=300)
    return SAID.search(run_guest.run(GUESTS / "compute-native", options).console).groups()


def domain(lines, image):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "c.cfg"
        path.write_text(CFG + lines, encoding="ascii")
        result = qemu.run("--bare", "--icount", "--add", f"{GUESTS / image}:image", "--add", path, "-c", "create c.cfg && console c", timeout=900)
    found = SAID.search(result.output)
    return found.groups() if found else None


def bench_full():
    ticks, end = native()
    print("| mechanism | instructions | of native's | goal |\n|---|---|---|---|")
    print(f"| native | {int(ticks):,} | | |")
    missed = []
    for name, (lines, image) in MECHANISMS.items():
        found = domain(lines, image)
        if not found:
            print(f"| {name} | – | | (not there) |")
            continue
        if found[1] != end:
            sys.exit(f"bench_full: {name} computes something else: {found[1]}, not {end}")
        ratio = int(found[0]) / int(ticks)
        missed += [name] if ratio > GOAL else []
        print(f"| {name} | {int(found[0]):,} | {ratio:.4f} | {GOAL}{' (missed)' if ratio > GOAL else ''} |", flush=True)
    if missed:
        sys.exit(f"bench_full: more than {GOAL} of native's instructions: {', '.join(missed)}")


if __name__ == "__main__":
    bench_full()
