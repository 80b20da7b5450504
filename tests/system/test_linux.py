#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's Linux as the control domain on our hypervisor: what ./run.sh does by default.
import sys

import linux_cases as cases
import qemu

OURS = []


def test_a_command_says_where_it_runs():
    cases.a_command_says_where_it_runs(OURS)


def test_the_log_has_no_complaint_that_xens_has_not():
    cases.the_log_has_no_complaint_that_xens_has_not()


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
