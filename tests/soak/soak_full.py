#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Fully virtualized domains over and over, by both engines: what tests/system does a few times. Invariant: no frame is missing
# at the end.
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "system"))
import qemu  # noqa: E402
import test_full as full  # noqa: E402
import test_full_code as code  # noqa: E402

CYCLES = 200
ROUNDS = 10


def soak_cycles():
    for engine in full.ENGINES:
        full.cycles_leave_no_frame(engine, CYCLES)


def soak_hostile_kernels():
    for _ in range(ROUNDS):
        code.test_kernels_that_end_their_machine()
        code.test_kernels_without_end()
        code.test_two_cpus_race_for_their_tables()


if __name__ == "__main__":
    qemu.main(sys.modules[__name__], "soak_")
