#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's Linux as the control domain on our hypervisor: what ./run.sh does by default.
import sys

import linux_cases as cases
import qemu

OURS = []


def test_a_command_says_where_it_runs():
    """And the boot domain's memory has come back: what is not Linux's is free, but for 8 MiB of the hypervisor's at most."""
    result = cases.a_command_says_where_it_runs(OURS)
    total, free = (int(line) for line in result.output.splitlines() if line.isdigit())
    result.expect(total >= 500 and free >= total - 256 - 8, f"{free} MiB are free of {total}, of which Linux has 256")


def test_the_log_has_no_complaint_that_xens_has_not():
    cases.the_log_has_no_complaint_that_xens_has_not()


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
