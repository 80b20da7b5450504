#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's Linux as the control domain on Debian's Xen, and without a hypervisor: that images and run.sh do what they should
# where the hypervisor is none of ours.
import sys

import linux_cases as cases
import qemu

XEN = ["--xen"]


def test_a_command_says_where_it_runs():
    cases.a_command_says_where_it_runs(XEN)


def test_native_linux_has_no_hypervisor():
    file = qemu.ROOT / "LICENSE"
    result = cases.linux(["--native"], "uname -s; ls /sys/hypervisor/type /dev/xen 2>/dev/null; cat added", "--add", f"{file}:added")
    result.expect_status(0).expect(result.output == "Linux\n" + file.read_text(), "expected Linux alone, and the file that came along")


def test_a_command_that_never_ends_has_no_status():
    result = cases.linux(["--native"], "echo now; poweroff -f")
    result.expect_status(3).expect(result.output.startswith("now\n"), "expected what the command said")
    result.expect("Linux ended before the command did" in result.errors, "expected the reason")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
