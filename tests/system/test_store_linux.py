#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xenostored in Debian's Linux as the control domain on our hypervisor.
import sys

import qemu
import store_linux_cases as cases

OURS = []


def test_debians_clients():
    cases.debians_clients(OURS)


def test_killed_under_load():
    cases.killed_under_load(OURS)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
