#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Networks of guests that xeno makes in Debian's Linux as the control domain on our hypervisor.
import sys

import network_cases as cases
import qemu

OURS = []


def test_interfaces_of_stock_guests():
    cases.with_scripts(OURS, 8)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
