# SPDX-License-Identifier: MIT
#
# What stock Debian Linux does as the control domain, as cases that take the hypervisor ([] ours, ["--xen"] Debian's).
# Invariant: a case passes on both; what is compared is what Linux itself says.
import re
import sys

import qemu

sys.path[:0] = [str(qemu.ROOT / "dom0-tools" / "dom0-image"), str(qemu.ROOT / "scripts" / "xenorun")]
import make as dom0_image  # noqa: E402
import packages  # noqa: E402


def images(kind=""):
    """Kernel and RAM disk of a kind of dom0-image's; the test is skipped where Debian's packages cannot be had."""
    try:
        return dom0_image.make(qemu.BUILD, kind)
    except packages.Unreachable as problem:
        raise qemu.Skip(str(problem)) from problem


def linux(where, command, *more, timeout=qemu.HANG):
    """run.sh -c COMMAND with Linux, the default."""
    images()
    return qemu.run(*where, "-c", command, *more, timeout=timeout)


def a_command_says_where_it_runs(where):
    result = linux(where, "uname -s; cat /proc/xen/capabilities /sys/hypervisor/type; ls /dev/xen; printf 'no newline'; exit 7")
    result.expect_status(7)
    lines = result.output.splitlines()
    result.expect(lines[:3] == ["Linux", "control_d", "xen"], "expected Linux as Xen's control domain, and nothing before it")
    result.expect(lines[-1] == "no newline", "expected nothing behind the command's output")
    for device in ("privcmd", "evtchn", "gntdev", "gntalloc"):
        result.expect_output(rf"\b{device}\b")


# What in a kernel's log tells that it does not like something.
COMPLAINT = re.compile(r"WARNING|\bBUG\b|call trace|\bfail|unable|cannot|could not|\berror\b|\boops|not responding|timed? ?out", re.IGNORECASE)
KNOWN = qemu.ROOT / "docs" / "compat" / "linux.md"


def complaints(result):
    """The complaining lines without their times; numbers and addresses, which differ from boot to boot, are '#'."""
    lines = [re.sub(r"^\[ *\d+\.\d+\] ", "", line) for line in result.output.splitlines()]
    return [re.sub(r"\b(0x)?[0-9a-f]*\d[0-9a-f]*\b", "#", line) for line in lines if COMPLAINT.search(line)]


def known_differences():
    """The first column of the table in docs/compat/linux.md: pieces of lines, each with its reason."""
    return re.findall(r"^\| `([^`]+)` \| \S", KNOWN.read_text(encoding="utf-8"), re.MULTILINE)


def the_log_has_no_complaint_that_xens_has_not():
    """Linux's log on ours against its log on Debian's Xen, on machines of the same kind."""
    machine = ["--cpu-model", "max,-smap"]
    ours, xen = linux([], "dmesg", *machine), linux(["--xen"], "dmesg", *machine)
    for result in (ours, xen):
        result.expect_status(0).expect_output(r"Linux version \d").expect_output(r"Run /init as init process")
    shared = set(complaints(xen))
    new = [line for line in complaints(ours) if line not in shared]
    known = known_differences()
    ours.expect(known, f"{KNOWN} lists nothing: has its table changed?")
    for piece in known:
        if not any(piece in line for line in new):
            print(f"note: no such line any more, take it out of {KNOWN.name}: {piece}")
    left = [line for line in new if not any(piece in line for piece in known)]
    ours.expect(not left, "complaints that Debian's Xen does not cause:\n" + "\n".join(left))
