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
    by_turns = ["--one-thread"] if "--cpus" in more and "--icount" not in [*where, *more] else []
    return qemu.run(*where, *by_turns, "-c", command, *more, timeout=timeout)


def program(name):
    """A static test program of tests/linux, as words for run.sh: it is then in the current folder."""
    return ["--add", f"{qemu.BUILD / 'tests' / 'linux' / name}"]


DEVICES_SAY = """privcmd: version 4.17, a call that there is not: Function not implemented
evtchn: event at the far end
evtchn: event at the near end
evtchn: event at the far end
evtchn: 3 events
gntdev: reads 'from the granter'
gntalloc: reads 'from the mapper'
gntdev: unmap done
gntdev: a reference that is not granted: refused
"""
# What is of one hypervisor alone, by its nature.
SYS_FILES_OF_ONE = {"compilation/compile_date", "compilation/compiled_by", "compilation/compiler", "properties/buildid",
                    "properties/capabilities", "properties/changeset", "version/extra"}
NO_COUNTERS = "cat: read error: Operation not supported"
SYS_FILES = {"guest_type": "PV", "properties/features": "000228f0", "properties/pagesize": "1000",
             "properties/virtual_start": "ffff800000000000", "type": "xen", "uuid": "00000000-0000-0000-0000-000000000000",
             "version/major": "4", "version/minor": "17", "pmu/pmu_features": NO_COUNTERS, "pmu/pmu_mode": NO_COUNTERS}


def a_command_says_where_it_runs(where):
    """Its output alone, and its status; the files of /dev/xen do what they are for, /proc/xen and /sys/hypervisor have theirs."""
    result = linux(where, "uname -s; cat /proc/xen/capabilities /sys/hypervisor/type; ./test-devices; ls /proc/xen | tr '\\n' ' '; echo; "
                          "cd /sys/hypervisor; for f in $(find . -type f); do echo \"$f: $(cat $f 2>&1)\"; done; "
                          "xeno info total_memory; xeno info free_memory; printf 'no newline'; exit 5", *program("test-devices"))
    result.expect_status(5).expect("run.sh" not in result.errors, "expected no complaint")
    result.expect(result.output.startswith("Linux\ncontrol_d\nxen\n" + DEVICES_SAY), "expected Linux as Xen's control domain, and its devices")
    result.expect(result.output.endswith("\nno newline"), "expected nothing behind the command's output")
    result.expect_output(r"^capabilities privcmd xenbus xensyms xsd_kva xsd_port $")
    files = dict(re.findall(r"^\./(\S+): (.*)$", result.output, re.MULTILINE))
    result.expect({name: text for name, text in files.items() if name not in SYS_FILES_OF_ONE} == SYS_FILES,
                  f"expected in /sys/hypervisor: {SYS_FILES}")
    result.expect(SYS_FILES_OF_ONE <= set(files), f"expected in /sys/hypervisor also: {SYS_FILES_OF_ONE}")
    return result


# What in a kernel's log tells that it does not like something.
COMPLAINT = re.compile(r"WARNING|\bBUG\b|call trace|\bfail|unable|cannot|could not|\berror\b|\boops|not responding|timed? ?out", re.IGNORECASE)
KNOWN = qemu.ROOT / "docs" / "compat" / "linux.md"


def complaints(result):
    """The complaining lines without their times; numbers and addresses, which differ from boot to boot, are '#'."""
    lines = [re.sub(r"^\[ *\d+\.\d+\] ", "", line) for line in result.output.splitlines()]
    return [re.sub(r"\b(0x)?[0-9a-f]*\d[0-9a-f]*\b", "#", line) for line in lines if COMPLAINT.search(line)]


def known_differences():
    """The first column of the first table in docs/compat/linux.md: pieces of lines, each with its reason."""
    table = KNOWN.read_text(encoding="utf-8").split("| line | reason |\n|---|---|\n")[1]
    return re.findall(r"^\| `([^`]+)` \| \S", table.split("\n\n")[0], re.MULTILINE)


def the_log_has_no_complaint_that_xens_has_not():
    """Linux's log on ours against its log on Debian's Xen, on machines of the same kind."""
    machine = ["--cpu-model", "max,-smap"]
    ours, xen = linux([], "dmesg", *machine), linux(["--xen"], "dmesg", *machine)
    for result in (ours, xen):
        result.expect_status(0).expect_output(r"Linux version \d").expect_output(r"Run /init as init process")
    shared = set(complaints(xen))
    new = [line for line in complaints(ours) if line not in shared]
    known = known_differences()
    for piece in known:
        if not any(piece in line for line in new):
            print(f"note: no such line any more, take it out of {KNOWN.name}: {piece}")
    left = [line for line in new if not any(piece in line for piece in known)]
    ours.expect(not left, "complaints that Debian's Xen does not cause:\n" + "\n".join(left))
