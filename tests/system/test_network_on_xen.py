#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Networks of guests that xeno makes in Debian's Linux as the control domain on Debian's Xen.
import sys

import network_cases as cases
import qemu

XEN = ["--xen"]


def test_interfaces_of_stock_guests():
    cases.traffic(XEN)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
