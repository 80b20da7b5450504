#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Fully virtualized domains: native images run as they are, by the engine svm; what cannot run is refused in one line; domains that
# have gone leave nothing. QEMU's "max" has SVM with nested paging; every test's end is the domain's, not a time.
import re
import sys

import qemu
import xeno_cases as cases

sys.path.append(str(qemu.ROOT / "tests" / "guest"))
import run_guest  # noqa: E402

CFG = 'name = "f1"\nkernel = "%s"\ntype = "full"\nengine = "svm"\nmemory = %d\nvcpus = %d\ncmdline = "%s"\n'
CYCLES = 200
DISK_BYTES = 20 * 512
GUESTS = ["threads", "memory", "user-mode", "libfdt"]


def files_for(files, kernel, memory=32, vcpus=1, cmdline=""):
    files.words += ["--add", f"{cases.GUESTS / kernel}:{kernel}"]
    files.add("f1.cfg", CFG % (kernel, memory, vcpus, cmdline))


def run_to_end(kernel, *words, **more):
    """What the domain wrote to its serial port, line by line, and the result."""
    with cases.Files() as files:
        files_for(files, kernel, **more)
        result = qemu.run("--bare", *words, *files.words, "-c", "create f1.cfg && console f1; echo ENDED; list")
    result.expect_status(0)
    said, _, after = result.output.partition("ENDED\n")
    result.expect("f1 " not in after, "expected the domain to have gone")
    return said.splitlines(), result


def test_hello_runs_to_its_end():
    lines, result = run_to_end("hello-native", cmdline="2")
    result.expect(lines == ["hello from hello", "hello 1", "hello 2"], f"expected three lines, got {lines}")


def test_guests_on_one_cpu():
    with cases.Files() as files:
        files_for(files, "hello-native")
        for guest in GUESTS:
            files.words += ["--add", f"{cases.GUESTS}/test-{guest}-native:test-{guest}-native"]
        result = cases.xeno([], files, "; ".join(f"create f1.cfg kernel=test-{guest}-native && console f1" for guest in GUESTS))
    result.expect_status(0)
    for guest in GUESTS:
        result.expect_output(f"^RESULT: SUCCESS {guest}$")


def test_a_disk():
    """The same image and the same checks as on a bare machine: tests/guest/disk. A disk that may only be read is not written to."""
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'test-disk-native'}:guest"]
        files.add("disk", run_guest.module_bytes(DISK_BYTES))
        for access in "wr":
            files.add(f"{access}.cfg", CFG % ("guest", 32, 1, "") + f'disk = ["file:disk,raw,hda,{access}"]\n')
        result = cases.xeno([], files, "; ".join(f"create {access}.cfg && console f1" for access in "wr"))
    result.expect_status(0)
    ends = re.findall(r"^RESULT: (\w+) disk$", result.output, re.MULTILINE)
    result.expect(ends == ["SUCCESS", "FAILURE"], f"expected the disk to work, and not to be written to when it may not: {ends}")
    result.expect_output("^TEST disk: FAILED: sectors are written$").expect_output("^TEST disk: ok: single sectors are read$")


def test_two_cpus():
    lines, result = run_to_end("test-two-cpus-native", "--cpus", "2", vcpus=2)
    result.expect(lines[-1:] == ["RESULT: SUCCESS two-cpus"], f"expected the guest's tests to pass: {lines}")


def test_exits_are_counted():
    with cases.Files() as files:
        files_for(files, "hello-native", cmdline="1000")
        result = cases.xeno([], files, "create f1.cfg && sleep 2 && stat f1 && list -l f1")
    result.expect_status(0).expect_output(r"exit +2 halt +\d").expect_output(r"exit +5 port access +\d").expect_output(
        r"exit +6 device memory +\d").expect_output(r"exit +11 device model +\d").expect_output(r"exit +12 interrupt delivered +\d")


def test_refusals_are_one_line():
    with cases.Files() as files:
        files_for(files, "hello-native", memory=1)
        files.add("pv.cfg", CFG % ("hello", 32, 1, ""))
        files.add("engine.cfg", (CFG % ("hello-native", 32, 1, "")).replace("svm", "vmx"))
        result = cases.xeno([], files, "info free_pages; create f1.cfg; create pv.cfg; create engine.cfg; info free_pages; list")
    lines = result.output.splitlines()
    result.expect(len(lines) == 7 and lines[0] == lines[4], f"expected a line each, and as much memory free as before: {lines}")
    result.expect("does not fit" in lines[1] and "no PVH entry note" in lines[2] and "not supported" in lines[3], "expected the reasons")


def test_without_svm():
    with cases.Files() as files:
        files_for(files, "hello-native")
        result = qemu.run("--bare", "--cpu-model", "max,-svm", *files.words, "-c", "info free_pages; create f1.cfg; info free_pages")
    lines = result.output.splitlines()
    result.expect(len(lines) == 3 and lines[0] == lines[2] and "needs a CPU with SVM" in lines[1], f"expected a refusal: {lines}")


def test_cycles_leave_no_frame():
    one = "create f1.cfg && destroy f1"
    with cases.Files() as files:
        files_for(files, "hello-native", memory=4, cmdline="1000")
        result = cases.xeno([], files, f"repeat 3 '{one}' && echo FREE && info free_pages && repeat {CYCLES} '{one}' && echo FREE && "
                            "info free_pages && list")
    result.expect_status(0)
    free = re.findall(r"^FREE\n(\d+)$", result.output, re.MULTILINE)
    result.expect(len(free) == 2 and free[0] == free[1], f"expected free memory as before: {free}")
    result.expect("f1 " not in result.output, "expected Domain-0 alone in the list")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
