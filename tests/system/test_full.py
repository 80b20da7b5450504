#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Fully virtualized domains: native images run as they are, by both engines; what cannot run is refused in one line; domains that
# have gone leave nothing. QEMU's "max" has SVM with nested paging; every test's end is the domain's, not a time.
import re
import sys

import qemu
import xeno_cases as cases

sys.path.append(str(qemu.ROOT / "tests" / "guest"))
import run_guest  # noqa: E402

CFG = 'name = "f1"\nkernel = "%s"\ntype = "full"\nengine = "svm"\nmemory = %d\nvcpus = %d\ncmdline = "%s"\n'
ENGINES = ["svm", "trap"]
CYCLES = 30  # tests/soak has more
DISK_BYTES = 20 * 512
MODULE_BYTES = 12345
GUESTS = ["threads", "memory", "user-mode", "libfdt", "string-ports"]


def cfg_for(engine, kernel, memory=32, vcpus=1, cmdline="", more=""):
    return (CFG % (kernel, memory, vcpus, cmdline)).replace("svm", engine) + more


def files_for(files, engine, kernel, **more):
    files.words += ["--add", f"{cases.GUESTS / kernel}:{kernel}"]
    files.add("f1.cfg", cfg_for(engine, kernel, **more))


def run_to_end(engine, kernel, *words, **more):
    """What the domain wrote to its serial port, line by line, and the result."""
    with cases.Files() as files:
        files_for(files, engine, kernel, **more)
        result = qemu.run("--bare", *words, *files.words, "-c", "create f1.cfg && console f1; echo ENDED; list")
    result.expect_status(0)
    said, _, after = result.output.partition("ENDED\n")
    result.expect("f1 " not in after, "expected the domain to have gone")
    return said.splitlines(), result


def test_hello_runs_to_its_end():
    for engine in ENGINES:
        lines, result = run_to_end(engine, "hello-native", cmdline="2")
        result.expect(lines == ["hello from hello", "hello 1", "hello 2"], f"{engine}: expected three lines, got {lines}")


def guests_pass(cpus, guests, *words):
    """By both engines on one machine; what a guest has seen is the same, line by line."""
    with cases.Files() as files:
        for engine in ENGINES:
            files.add(f"{engine}.cfg", cfg_for(engine, "hello-native", vcpus=cpus))
        for guest in guests:
            files.words += ["--add", f"{cases.GUESTS}/test-{guest}-native:{guest}"]
        runs = [(engine, guest) for engine in ENGINES for guest in guests]
        result = qemu.run("--bare", "--cpus", str(cpus), *words, *files.words, "-c", "; ".join(
            f"create -c {engine}.cfg kernel={guest}; echo ENDED" for engine, guest in runs))
    result.expect_status(0)
    said = dict(zip(runs, result.output.split("ENDED\n")))
    for guest in guests:
        svm, trap = (said.get((engine, guest), "") for engine in ENGINES)
        result.expect(trap.endswith(f"RESULT: SUCCESS {guest}\n"), f"expected {guest} to pass by trap")
        result.expect(svm == trap, f"expected {guest} to see the same by both engines: {svm!r}")


def test_guests_on_one_cpu():
    guests_pass(1, GUESTS)


def test_a_disk():
    """The same image and the same checks as on a bare machine: tests/guest/disk. A disk that may only be read is not written to."""
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'test-disk-native'}:guest"]
        files.add("disk", run_guest.module_bytes(DISK_BYTES))
        for access in "wr":
            for engine in ENGINES:
                files.add(f"{engine}-{access}.cfg", cfg_for(engine, "guest", more=f'disk = ["file:disk,raw,hda,{access}"]\n'))
        result = cases.xeno([], files, "; ".join(f"create {engine}-{access}.cfg && console f1" for engine in ENGINES for access in "wr"))
    result.expect_status(0)
    ends = re.findall(r"^RESULT: (\w+) disk$", result.output, re.MULTILINE)
    result.expect(ends == ["SUCCESS", "FAILURE"] * 2, f"expected the disk to work, and not to be written to when it may not: {ends}")
    result.expect_output("^TEST disk: FAILED: sectors are written$").expect_output("^TEST disk: ok: single sectors are read$")


def test_guests_on_two_cpus():
    guests_pass(2, GUESTS + ["two-cpus"])


def test_no_wake_up_is_lost():
    """Instructions are the clock, so that interrupts come where they are wanted on a busy host too."""
    guests_pass(1, ["wake-ups"], "--icount")


def test_debug_registers():
    """Breakpoints and steps as natively; the engine trap detects uses of the registers as well, which QEMU's CPU does not."""
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'test-debug-registers-native'}:guest"]
        files.add("svm.cfg", cfg_for("svm", "guest"))
        files.add("trap.cfg", cfg_for("trap", "guest", cmdline="detects"))
        result = cases.xeno([], files, "create -c svm.cfg; echo ENDED; create -c trap.cfg")
    svm, _, trap = result.expect_status(0).output.partition("ENDED\n")
    result.expect(svm == trap and trap.endswith("RESULT: SUCCESS debug-registers\n"), "expected the same by both engines")


def test_a_module():
    """What a configuration calls a RAM disk is a module to the kernel: tests/guest/modules."""
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'test-modules-native'}:guest"]
        files.add("blob", run_guest.module_bytes(MODULE_BYTES))
        for engine in ENGINES:
            files.add(f"{engine}.cfg", cfg_for(engine, "guest", more='ramdisk = "blob"\n'))
        result = cases.xeno([], files, "; ".join(f"create {engine}.cfg && console f1" for engine in ENGINES))
    result.expect_status(0)
    ends = re.findall(r"^RESULT: (\w+) modules$", result.output, re.MULTILINE)
    result.expect(ends == ["SUCCESS"] * 2, f"expected the module to be whole: {ends}")


def test_its_buttons():
    """
    Power: the kernel hears of it and switches off. Reset: it does not, and the domain is made anew. Instructions are the clock, so
    that a second is long enough on a busy host too.
    """
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'hello-native'}:guest"]
        for engine in ENGINES:
            files.add(f"{engine}.cfg", cfg_for(engine, "guest", cmdline="1000").replace("f1", engine))
        press = [" && ".join(f"{verb} {engine}" for engine in ENGINES) for verb in ("reboot", "domid", "shutdown -w")]
        result = cases.xeno([], files, "; ".join(f"create {engine}.cfg" for engine in ENGINES) + f"; sleep 2; {'; sleep 3; '.join(press)}; sleep 1; list --json", "--icount")
    result.expect_status(0)
    ids = dict(zip(ENGINES, re.findall(r"^(\d+)$", result.output, re.MULTILINE)))
    result.expect(set(ids.values()) == {"3", "4"}, f"expected both to have been made anew: {ids}")
    for engine in ENGINES:
        result.expect_output(rf'"{engine}", "domid": {ids[engine]}, "ended": "shut down"')


def test_exits_are_counted():
    """After two seconds by the clock of the machine's own instructions."""
    by_both = ["2 halt", "3 CPUID", "4 MSR access", "5 port access", "6 device memory", "11 device model", "12 interrupt delivered"]
    by_trap = ["13 shadow page table", "14 privileged instruction", "15 interrupt flag", "16 control register", "17 system call"]
    for engine, reasons in (("svm", by_both), ("trap", by_both + by_trap)):
        with cases.Files() as files:
            files_for(files, engine, "hello-native", cmdline="1000")
            result = cases.xeno([], files, "create f1.cfg && sleep 2 && stat f1 && list -l f1", "--icount")
        result.expect_status(0)
        for reason in reasons:
            number, text = reason.split(" ", 1)
            result.expect_output(rf"exit +{number} {text} +\d")


def test_refusals_are_one_line():
    with cases.Files() as files:
        files_for(files, "trap", "hello-native", memory=1)
        files.add("pv.cfg", cfg_for("trap", "hello"))
        files.add("engine.cfg", cfg_for("vmx", "hello-native"))
        files.add("scan.cfg", cfg_for("svm", "hello-native", more="scan = 0\n"))
        result = cases.xeno([], files, "info free_pages; create f1.cfg; create pv.cfg; create engine.cfg; create scan.cfg; info free_pages; list")
    lines = result.output.splitlines()
    result.expect(len(lines) == 8 and lines[0] == lines[5], f"expected a line each, and as much memory free as before: {lines}")
    result.expect("does not fit" in lines[1] and "no PVH entry note" in lines[2], "expected the reasons")
    result.expect("not supported" in lines[3] and 'engine="trap" only' in lines[4], "expected the reasons")


def test_without_svm():
    with cases.Files() as files:
        files_for(files, "svm", "hello-native")
        files.add("trap.cfg", cfg_for("trap", "hello-native", cmdline="1"))
        result = qemu.run("--bare", "--cpu-model", "max,-svm", *files.words, "-c",
                          "info free_pages; create f1.cfg; info free_pages; create trap.cfg && console f1")
    lines = result.output.splitlines()
    result.expect(len(lines) == 5 and lines[0] == lines[2] and "needs a CPU with SVM" in lines[1], f"expected a refusal: {lines}")
    result.expect(lines[3:] == ["hello from hello", "hello 1"], f"expected the other engine to need none: {lines}")


def cycles_leave_no_frame(engine, cycles):
    one = "create f1.cfg && destroy f1"
    with cases.Files() as files:
        files_for(files, engine, "hello-native", memory=4, cmdline="1000")
        result = cases.xeno([], files, f"repeat 3 '{one}' && echo FREE && info free_pages && repeat {cycles} '{one}' && echo FREE && "
                            "info free_pages && list")
    result.expect_status(0)
    free = re.findall(r"^FREE\n(\d+)$", result.output, re.MULTILINE)
    result.expect(len(free) == 2 and free[0] == free[1], f"{engine}: expected free memory as before: {free}")
    result.expect("f1 " not in result.output, f"{engine}: expected Domain-0 alone in the list")


def test_cycles_leave_no_frame():
    for engine in ENGINES:
        cycles_leave_no_frame(engine, CYCLES)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
