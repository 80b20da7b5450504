#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# More random requests to xenostored and to Debian's at once than test_xenostored_compare.py has in CI.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu
import test_xenostored_compare

SEEDS = range(2, 12)


def soak_same_replies():
    for seed in SEEDS:
        test_xenostored_compare.compare(seed)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__], "soak_")
