#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The trace and the counters agree: between any two marks of a guest, what the trace shows of each kind is what the hypervisor
# counted, for a PV domain and for each engine of fully virtualized ones. The guest is `contrast`, so each kind of crossing occurs.
import sys

import qemu
import xeno_cases as cases

sys.path.insert(0, str(qemu.ROOT / "scripts" / "contrast"))
import measure  # noqa: E402
import records  # noqa: E402

CFG = 'name = "c"\nkernel = "%s"\nmemory = 32\nvcpus = 2\ncmdline = "n=2"\n'
# An IPI to a CPU in ring 3 is a trap as well; to one in SVM's guest mode it is an exit alone.
KINDS = {"pv": {"hypercall", "trap", "event"}, "trap": {"exit", "event", "trap"}, "svm": {"exit", "event"}}


def run(kind, command, icount=True):
    with cases.Files() as files:
        kernel = "contrast" if kind == "pv" else "contrast-native"
        files.words += ["--add", f"{cases.GUESTS / kernel}:{kernel}"]
        files.add("c.cfg", CFG % kernel + ("" if kind == "pv" else f'type = "full"\nengine = "{kind}"\n'))
        return qemu.run("--bare", "--cpus", "2", "--one-thread", *(["--icount"] if icount else []), *files.words, "-c", command).expect_status(0)


def check(kind):
    """Every interval, and all of them together: from the first mark to the last."""
    result = run(kind, f"create -p c.cfg && {measure.PINS} && trace --on --armed c && unpause c && console c; trace --json --read")
    _, lost, taken = records.load(result.output)
    found = records.intervals(taken)
    result.expect(lost == 0 and len(found) > 10, f"expected a whole trace: {lost} records lost, {len(found)} intervals")
    for number, interval in found.items():
        shown, counted = interval.shown(), interval.counted()
        result.expect(shown == counted, f"interval {number}: the trace shows {dict(shown)}, counted were {dict(counted)}")
    shown = sum((interval.shown() for interval in found.values()), start=records.Counter())
    # A timer of the machine may find the CPU on its way out of guest mode: one trap more.
    kinds = {key[0] for key in shown if kind != "svm" or key != ("trap", "timer and IPI")}
    result.expect(kinds == KINDS[kind], f"expected crossings of the kinds {KINDS[kind]}: {dict(shown)}")


def test_sums_agree_pv():
    check("pv")


def test_sums_agree_trap():
    check("trap")


def test_sums_agree_svm():
    check("svm")


def test_marks_alone_show_no_crossing():
    """As fast as without a trace: the counters are there, and the same crossings as with it."""
    result = run("pv", f"create -p c.cfg && {measure.PINS} && trace --on --marks c && unpause c && console c; trace --json --read")
    found = records.intervals(records.load(result.output)[2])
    result.expect(not any(interval.shown() for interval in found.values()), "expected marks and counters alone")
    with_trace = run("pv", f"create -p c.cfg && {measure.PINS} && trace --on --armed c && unpause c && console c; trace --json --read")
    other = records.intervals(records.load(with_trace.output)[2])
    for number in (1, 4, 7, 9):  # system call, address space, page fault, process switch: the short ways of pv/fast.S
        one, two = found[number].counted(), other[number].counted()
        result.expect(one == two, f"interval {number}: {dict(one)} without crossings in the trace, {dict(two)} with them")


def test_text_summary_and_refusals():
    result = run("pv", "trace --read; create -p c.cfg && trace --on c; unpause c; console c; trace --summary --read; trace 32751; trace nobody; "
                 "create c.cfg && trace c", icount=False)
    lines = result.output.splitlines()
    result.expect(lines[0].startswith("xeno trace: nothing has been traced yet"), "expected the reason why there is nothing to read")
    result.expect_output(r"^ +\d+ +0 hypercall +mmu_update +[1-9]\d* +[1-9]\d*$")
    result.expect_output(r"^xeno trace: a control domain cannot trace itself$").expect_output(r"^xeno trace: nobody: no such domain")
    result.expect_output(r"^ +\d+\.\d{3} +0 +\d+ +0 begin +hypercall +\w+ at [0-9a-f]+$")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
