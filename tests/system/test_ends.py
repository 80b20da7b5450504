#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# How domains end in Debian's Linux as the control domain on our hypervisor; on Debian's Xen, and two verbs at once, in tests/soak.
import sys

import end_cases as cases
import qemu


def test_each_action_for_each_end():
    cases.each_action_for_each_end([], cases.ENDINGS[:3])


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
