#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Fully virtualized domains whose kernels do what x86 makes hard, or mean harm: tests/guest/silent and tests/guest/hostile-machine,
# by both engines. Invariant: what a hostile domain does ends with it; others run beside it, and no frame is missing afterwards.
import re
import sys

import qemu
import test_full as full
import xeno_cases as cases

# What a deprivileged kernel sees wrongly when nobody has looked at its code; the last four only where the CPU has no UMIP.
SILENT = {
    "pushf shows what cli did", "popf switches interrupts off", "cs has no privilege bits", "ss neither", "lar shows the kernel's code segment",
    "lsl its limit", "verr and verw know data and code", "far returns have a code segment to go to"
}
WITHOUT_UMIP = {
    "sgdt shows the kernel's own table", "sidt shows the kernel's own table", "sldt: there is none", "str shows the kernel's own task"
}
LETHAL = ["triple", "descriptors", "gates"]
ENDLESS = ["endless", "emulation", "faults", "storm", "tables", "code", "spaces"]


def run_silent(engine, *words, more=""):
    with cases.Files() as files:
        full.files_for(files, engine, "test-silent-native", more=more)
        result = qemu.run("--bare", *words, *files.words, "-c", "create f1.cfg && console f1")
    return result.expect_status(0)


def test_silent_instructions():
    """A kernel sees the machine that it owns: by hardware, and by scanned code, with UMIP and without."""
    seen = [run_silent("svm"), run_silent("trap"), run_silent("trap", "--cpu-model", "max,-umip")]
    for result in seen:
        result.expect_output("^RESULT: SUCCESS silent$")
        result.expect(result.output == seen[0].output, "expected the same lines each time")


def test_without_a_scan():
    """The instructions that x86 does not trap break it: these, and no others."""
    for words, expected in (([], SILENT), (["--cpu-model", "max,-umip"], SILENT | WITHOUT_UMIP)):
        result = run_silent("trap", *words, more="scan = 0\n")
        result.expect_output("^RESULT: FAILURE silent$")
        failed = set(re.findall(r"^TEST silent: FAILED: (.*)$", result.output, re.MULTILINE))
        result.expect(expected <= failed, f"expected these to fail as well: {expected - failed}")
        others = {line for line in failed - expected if not re.search("mov from cs, |read of cs", line)}
        result.expect(not others, f"expected these not to fail: {others}")


def hostile(engine, names, end, cpus=1):
    """Each does its worst while another domain lives its whole life beside it."""
    with cases.Files() as files:
        for kernel in ("test-hostile-machine-native", "hello-native"):
            files.words += ["--add", f"{cases.GUESTS / kernel}:{kernel}"]
        for name in names:
            files.add(name, full.cfg_for(engine, "test-hostile-machine-native", vcpus=cpus, cmdline=f"what={name}"))
        files.add("ok", full.cfg_for(engine, "hello-native", cmdline="1").replace("f1", "ok"))
        files.words += ["--cpus", str(cpus)]
        one = "create %s && create ok && console ok; " + end  # short: a boot module's command line, with its path, has 1,023 bytes
        first = one % names[0] + "; info free_pages; "
        result = qemu.run("--bare", *files.words, "-c", first + "; ".join(one % name for name in names) + "; info free_pages; list")
    result.expect_status(0)
    free = re.findall(r"^\d+$", result.output, re.MULTILINE)
    result.expect(len(free) == 2 and free[0] == free[1], f"{engine}: expected no frame to be missing: {free}")
    result.expect(result.output.count("hello 1\n") == len(names) + 1, f"{engine}: expected the other domain to live each time")
    result.expect("f1 " not in result.output.splitlines()[-1], f"{engine}: expected the hostile domain to have gone")
    return result


def test_kernels_that_end_their_machine():
    for engine in full.ENGINES:
        result = hostile(engine, LETHAL, "console f1")
        result.expect(len(re.findall("triple fault", result.log)) >= len(LETHAL), f"{engine}: expected each to be told as a triple fault")


def test_kernels_without_end():
    for engine in full.ENGINES:
        hostile(engine, ENDLESS, "destroy f1")


def test_two_cpus_race_for_their_tables():
    """Each changes tables that the other one's accesses go through, and writes them where they are mapped; for a while, and without end."""
    full.guests_pass(2, ["hostile-machine"])
    for engine in full.ENGINES:
        result = hostile(engine, ["race"], "list; destroy f1", cpus=2)
        result.expect(len(re.findall(r"^f1 +\d+ +\d+ +2 +[r-][b-]---- ", result.output, re.MULTILINE)) == 2, f"{engine}: expected it to be at it still")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
