#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run.sh --xen: our guest images on Debian's Xen, with run.sh's contract for the console and the exit status.
# Invariant: what these tests show of run.sh holds without our hypervisor, so a failure here is run.sh's or the guest's.
import sys

import qemu

HELLO = qemu.BUILD / "guests" / "hello"


def test_console_is_the_guests_alone():
    result = qemu.run("--xen", "--dom0-kernel", HELLO, "--dom0-args", "2")
    result.expect_status(0).expect(result.output == "hello from hello\nhello 1\nhello 2\n", "expected the guest's lines alone")
    result.expect_log(r"^\(XEN\) .*Hardware Dom0 halted")


def test_memory_and_cpus_reach_the_machine():
    result = qemu.run("--xen", "--dom0-kernel", HELLO, "--dom0-args", "1", "--memory", "300", "--cpus", "2")
    result.expect_status(0).expect_log(r"Dom0 has maximum 2 VCPUs")


def test_timeout_ends_with_124():
    result = qemu.run("--xen", "--dom0-kernel", HELLO, "--dom0-args", "100000", timeout=6)
    result.expect_status(124).expect("--timeout" in result.errors, "expected one line that names --timeout")


def test_too_little_memory_is_said_before_the_start():
    result = qemu.run("--xen", "--dom0-kernel", HELLO, "--memory", "100")
    result.expect_status(1).expect(len(result.errors.splitlines()) == 1, "expected one line")


def test_a_qemu_that_cannot_start_is_125():
    qemu.run("--xen", "--dom0-kernel", HELLO, "--", "-no-such-option").expect_status(125)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
