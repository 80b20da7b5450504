#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Fully virtualized domains that mean harm (tests/guest/full-hostile): beside each that never ends, on the same single CPU, another domain
# does its work; what ends one is said with its registers and last exits; and nothing of any is left.
import re
import sys

import qemu
import xeno_cases as cases

CFG = 'name = "bad"\nkernel = "bad"\ntype = "full"\nengine = "%s"\nmemory = 8\ncmdline = "%s"\n'
GOOD = 'name = "good"\nkernel = "hello"\nmemory = 8\ncmdline = "1"\n'
ENDLESS = ["ports", "model", "memory", "strings", "exceptions", "virtualization", "registers"]
# Without page tables the guest's next instruction is a fault that cannot be delivered, unless nested paging sees it first.
ENDS = {"triple": {"svm": "triple fault", "trap": "triple fault"}, "tables": {"svm": "page tables outside of memory", "trap": "triple fault"}}
FREE = "echo FREE; info free_pages"


def run(engine, commands):
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'test-full-hostile-native'}:bad"]
        files.add("good.cfg", GOOD)
        for deed in [*ENDLESS, *ENDS]:
            files.add(f"{deed}.cfg", CFG % (engine, deed))
        # What a first domain leaves of tables stays.
        result = cases.xeno([], files, f"create -p ports.cfg; create -p good.cfg; destroy bad; destroy good; {FREE}; {commands}; {FREE}; list")
    free = re.findall(r"^FREE\n(\d+)$", result.output, re.MULTILINE)
    result.expect(len(free) == 2 and free[0] == free[1], f"expected as many free pages as before: {free}")
    last = result.output.rpartition("FREE\n")[2]
    result.expect("Domain-0" in last and not re.search(r"^(bad|good) ", last, re.MULTILINE), "expected no domain but the control domain")
    return result


def others_go_on_beside_them(engine):
    result = run(engine, "; ".join(f"create {deed}.cfg; create -c good.cfg; list; stat bad; destroy bad" for deed in ENDLESS))
    result.expect_status(0)
    result.expect(result.output.count("hello from hello\nhello 1\n") == len(ENDLESS), "expected the other domain to come to its end beside each")
    result.expect(len(re.findall(r"^bad +\d+ +7 +1 +[r-][b-]---- ", result.output, re.MULTILINE)) == len(ENDLESS), "expected each to be still at it")
    # Each in its own way: these are exits by the thousand, the other two stay in the guest.
    for name in ("port access", "device memory", "device model"):
        most = max(int(n) for n in re.findall(rf"exit +\d+ {name} +(\d+)", result.output))
        result.expect(most > 100, f"expected a storm of '{name}': {most}")


def the_end_of_one_is_told(engine):
    result = run(engine, "; ".join(f"create -c {deed}.cfg && echo FINE" for deed in ENDS) + "; dmesg")
    told = re.findall(r"^xeno create: bad crashed: (vCPU 0: .*)\n  d\d v0: rsp .*\n  d\d v0: last exits: ", result.output, re.MULTILINE)
    result.expect(len(told) == len(ENDS) and "FINE" not in result.output, f"expected to be told of each at once: {told}")
    for domid, reasons in zip((3, 4), ENDS.values()):
        reason = reasons[engine]
        report = re.search(rf"^\(hv\) d{domid} crashed: vCPU 0: {reason} at [0-9a-f]{{4}}:[0-9a-f]+\n\(hv\) d{domid} v0: rsp [0-9a-f]{{16}} .* cr3 .*\n"
                           rf"\(hv\) d{domid} v0: last exits: (\S+) ([0-9a-f]+) ", result.output, re.MULTILINE)
        result.expect(report, f"expected the reason '{reason}', the registers and the last exits")
        result.expect(report.group(1) == ("shutdown" if reason == "triple fault" else "memory"), "expected the last exit to be the one that ended it")
    result.expect(result.output.count("bad: crashed\n") == len(ENDS), "expected the operator to be told")


def test_others_go_on_beside_them_under_svm():
    others_go_on_beside_them("svm")


def test_others_go_on_beside_them_under_trap():
    others_go_on_beside_them("trap")


def test_the_end_of_one_is_told_under_svm():
    the_end_of_one_is_told("svm")


def test_the_end_of_one_is_told_under_trap():
    the_end_of_one_is_told("trap")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
