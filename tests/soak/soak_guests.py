#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Guest tests where everyday testing does not run them: all of them on other CPU models, and those of several CPUs again and again,
# because a race shows itself once in many times.
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
import qemu # after the path: it stands with the system tests

GUEST_TESTS = ROOT / "tests" / "guest"
RUNNER = [sys.executable, "-B", str(GUEST_TESTS / "run_guest_test.py")]
MODELS = ["qemu64", "max,-smap,-smep"]
# A million random calls are enough once.
ONCE = {"hypercall-fuzz"}
AGAIN = 25


def run(name, *words):
    done = subprocess.run([*RUNNER, name, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode not in (0, qemu.SKIPPED):
        raise qemu.Failure(f"{name} {' '.join(words)}: status {done.returncode}\n{done.stdout[-6000:]}{done.stderr}")


def names(containing=""):
    return [main_c.parent.name for main_c in sorted(GUEST_TESTS.glob("*/main.c")) if containing in main_c.read_text(encoding="utf-8")]


def soak_on_other_cpus():
    for model in MODELS:
        for name in names():
            if name not in ONCE:
                run(name, "--on", "xenolith", "--cpu-model", model)


def soak_several_cpus_again_and_again():
    for name in names("CPUS: 2\n"):
        for _ in range(AGAIN):
            run(name)


if __name__ == "__main__":
    for function in sys.argv[1:]:
        globals()[function]()
