#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# How many instructions the decoder of full/ decodes in a second of this machine's CPU time: the code of our own kernels and of
# Debian's Linux, from one instruction to the next. Prints the table of docs/performance.md; the best of some passes counts, for
# others use the machine as well. It judges nothing by time.
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import linux_cases
import qemu

PASSES = 5
INSTRUCTIONS = 20_000_000  # of a pass, about
SOURCES = ["tests/bench/decoder.c", "hypervisor/full/insn.c"]
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-I.", "-Ihypervisor", "-Iinclude"]
CODE_MAX = 8 << 20


def text_of(image, folder):
    """The bytes of .text."""
    target = folder / "text"
    subprocess.run(["objcopy", "-O", "binary", "--only-section=.text", image, target], check=True, stdin=subprocess.DEVNULL)
    return target.read_bytes()[:CODE_MAX]


def passes(program, code):
    """(instructions of a round, bytes that are none, millions of instructions a second)."""
    def one(rounds):
        done = subprocess.run([program, str(rounds)], input=code, capture_output=True, check=True)
        return [int(word) for word in done.stdout.split()]

    decoded, none, _ = one(1)
    rounds = max(1, INSTRUCTIONS // decoded)
    return decoded, none, max(count * 1000 / ns for count, _, ns in (one(rounds) for _ in range(PASSES)))


def main():
    linux, _ = linux_cases.images()
    images = [("hello, native", qemu.BUILD / "guests" / "hello-native"), ("Debian's Linux 6.1", linux)]
    print("| code | instructions | bytes that are none | million a second | goal |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="decoder-") as name:
        folder = Path(name)
        program = folder / "decoder"
        subprocess.run(["gcc", *FLAGS, *SOURCES, "-o", program], cwd=qemu.ROOT, check=True, stdin=subprocess.DEVNULL)
        for title, image in images:
            decoded, none, speed = passes(program, text_of(image, folder))
            print(f"| {title} | {decoded:,} | {none:,} | {speed:.0f} | 20 |")


if __name__ == "__main__":
    sys.exit(main())
