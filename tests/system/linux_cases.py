# SPDX-License-Identifier: MIT
#
# What stock Debian Linux does as the control domain, as cases that take the hypervisor ([] ours, ["--xen"] Debian's).
# Invariant: a case passes on both; what is compared is what Linux itself says.
import sys

import qemu

sys.path[:0] = [str(qemu.ROOT / "dom0-tools" / "dom0-image"), str(qemu.ROOT / "scripts" / "xenorun")]
import make as dom0_image  # noqa: E402
import packages  # noqa: E402


def linux(where, command, *more, timeout=qemu.HANG):
    """run.sh -c COMMAND with Linux, the default; skipped where Debian's packages cannot be had."""
    try:
        dom0_image.make(qemu.BUILD)
    except packages.Unreachable as problem:
        raise qemu.Skip(str(problem)) from problem
    return qemu.run(*where, *more, "-c", command, timeout=timeout)


def a_command_says_where_it_runs(where):
    result = linux(where, "uname -s; cat /proc/xen/capabilities /sys/hypervisor/type; ls /dev/xen; printf 'no newline'; exit 7")
    result.expect_status(7)
    lines = result.output.splitlines()
    result.expect(lines[:3] == ["Linux", "control_d", "xen"], "expected Linux as Xen's control domain, and nothing before it")
    result.expect(lines[-1] == "no newline", "expected nothing behind the command's output")
    for device in ("privcmd", "evtchn", "gntdev", "gntalloc"):
        result.expect_output(rf"\b{device}\b")
