#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno's verbs in the bare control domain on Debian's Xen: the tools against a hypervisor that no one here wrote.
import sys

import qemu
import xeno_cases as cases

XEN = ["--xen"]


def test_create_list_console_destroy():
    cases.create_list_console_destroy(XEN)


def test_a_guest_is_asked_to_end():
    cases.a_guest_is_asked_to_end(XEN)


def test_console_from_the_first_byte_to_the_end():
    cases.console_from_the_first_byte_to_the_end(XEN)


def test_bad_input_is_one_line_and_leaves_nothing():
    cases.bad_input_is_one_line_and_leaves_nothing(XEN)


def test_unknown_keys_are_warned_about():
    cases.unknown_keys_are_warned_about(XEN)


def test_killed_in_every_stage():
    cases.killed_in_every_stage(XEN)


def test_neighbours_die_in_any_order():
    cases.neighbours_die_in_any_order(XEN)


def test_a_build_that_fails_anywhere_leaves_nothing():
    cases.a_build_that_fails_anywhere_leaves_nothing(XEN)


def test_a_hostile_guest_reaches_nobody():
    cases.a_hostile_guest_reaches_nobody(XEN)


def test_two_domains_play_pingpong():
    cases.two_domains_play_pingpong(XEN)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
