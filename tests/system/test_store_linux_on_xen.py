#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xenostored in Debian's Linux as the control domain on Debian's Xen.
import sys

import qemu
import store_linux_cases as cases

XEN = ["--xen"]


def test_debians_clients():
    cases.debians_clients(XEN)


def test_killed_under_load():
    cases.killed_under_load(XEN)


def test_xeno_with_debians_daemons():
    cases.xeno_with_debians_daemons()


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
