#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno's verbs in the bare control domain on our hypervisor: the cases of test_xeno_on_xen.py and those that are ours alone.
import json
import re
import sys

import qemu
import xeno_cases as cases

OURS = []
CYCLES = 1000


def test_create_list_console_destroy():
    cases.create_list_console_destroy(OURS)


def test_a_guest_is_asked_to_end():
    cases.a_guest_is_asked_to_end(OURS)


def test_console_from_the_first_byte_to_the_end():
    cases.console_from_the_first_byte_to_the_end(OURS)


def test_bad_input_is_one_line_and_leaves_nothing():
    cases.bad_input_is_one_line_and_leaves_nothing(OURS)


def test_exit_status_is_the_commands():
    cases.exit_status_is_the_commands(OURS)


def test_unknown_keys_are_warned_about():
    cases.unknown_keys_are_warned_about(OURS)


def test_each_verb_has_its_help():
    """And nothing else is done: debug-keys would press the letters, destroy look for a domain of that name."""
    verbs = ("create", "debug-keys", "destroy", "info", "list", "pause", "stat", "help")
    with cases.Files() as files:
        result = cases.xeno(OURS, files, "; ".join(f"{verb} --help" for verb in verbs)).expect_status(0)
    heads = re.findall(r"^xeno (\S+) ", result.output, re.MULTILINE)
    result.expect(heads == list(verbs), f"expected one usage for each verb: {heads}")
    result.expect(len(result.output.splitlines()) == 2 * len(verbs), "expected two lines for each, and no more")


def test_a_thousand_cycles_leave_no_frame():
    cases.cycles_leave_no_frame(OURS, CYCLES)


def test_idle_time_zeroes_free_frames():
    """What a domain leaves has to be zeroed. Once the machine has been idle nothing is left of that, so a create zeroes nothing."""
    with cases.Files() as files:
        files.add("h1.cfg", cases.CFG)
        for cpus in ("1", "4"):
            result = cases.xeno(OURS, files, "create -p h1.cfg; destroy h1; info scrub_pages; sleep 1; info scrub_pages; "
                                "create -p h1.cfg; info scrub_pages; destroy h1; info scrub_pages", "--icount", "--cpus", cpus)
            left, idled, created, left_again = map(int, result.expect_status(0).output.split())
            result.expect(left > 0 and left_again > 0, "expected a domain to leave frames that have to be zeroed")
            result.expect(idled == 0, f"expected nothing to zero after a second of idle time, found {idled} frames")
            result.expect(created == 0, f"expected a create to leave nothing to zero, found {created} frames")


def test_counters_are_shown():
    with cases.Files() as files:
        files.add("h1.cfg", cases.CFG)
        result = cases.xeno(OURS, files, "create h1.cfg && sleep 1 && stat --json h1", "--icount")
    result.expect_status(0)
    names = {counter["name"]: counter["count"] for counter in json.loads(result.output)[0]["counters"]}
    result.expect(names.get("update_va_mapping", 0) + names.get("mmu_update", 0) > 0, "expected page-table hypercalls")
    result.expect(names.get("switched to", 0) > 0 and names.get("sched_op", 0) > 0, "expected switches and blocks")


def counters_of(result, name):
    """Of a domain of one vCPU: name -> its counter."""
    listed = re.search(rf"^STAT {name}\n(\[.*?^\])$", result.output, re.MULTILINE | re.DOTALL)
    return {counter["name"]: counter for counter in json.loads(listed.group(1))[0]["counters"]}


def test_what_does_not_exist_and_what_is_emulated_is_counted():
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'hostile'}:hostile", "--add", f"{cases.GUESTS / 'test-emulation'}:emulation"]
        cases.add_guest(files, "bad", "hostile", "n=7", 'on_poweroff = "preserve"', 'on_crash = "preserve"')
        cases.add_guest(files, "odd", "emulation", "", 'on_poweroff = "preserve"', 'on_crash = "preserve"')
        run = "create {0}.cfg; console {0}; echo STAT {0}; stat --json {0}"
        result = cases.xeno(OURS, files, f"{run.format('bad')}; {run.format('odd')}")
    result.expect_status(0)
    result.expect(counters_of(result, "bad")["unknown"]["count"] == 7, "expected seven unknown hypercalls")
    counters = counters_of(result, "odd")
    for name in ("MSR access", "CPUID", "control register", "port access"):
        result.expect(counters.get(name, {}).get("count", 0) > 0 and counters[name]["tsc"] > 0, f"expected '{name}' with its time")


def test_killed_in_every_stage():
    cases.killed_in_every_stage(OURS)


def test_neighbours_die_in_any_order():
    cases.neighbours_die_in_any_order(OURS)


def test_a_build_that_fails_anywhere_leaves_nothing():
    cases.a_build_that_fails_anywhere_leaves_nothing(OURS)


def test_what_is_typed_before_the_prompt_is_not_lost():
    with qemu.session("--bare") as machine:
        machine.send("echo early\n")
        machine.expect(r"^early$")


def test_a_hostile_guest_reaches_nobody():
    cases.a_hostile_guest_reaches_nobody(OURS)


def test_two_domains_play_pingpong():
    cases.two_domains_play_pingpong(OURS)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
