#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno and xenoconsoled in Debian's Linux as the control domain on our hypervisor.
import sys

import qemu
import stock_guest_cases
import xeno_linux_cases as cases

OURS = []


def test_a_tour_of_the_verbs():
    cases.a_tour_of_the_verbs(OURS)


def test_consoles_and_ends():
    cases.consoles_and_ends(OURS)


def test_nothing_is_left_behind():
    cases.nothing_is_left_behind(OURS)


def test_viewers_printers_and_cores():
    cases.viewers_printers_and_cores(OURS)


def test_a_stock_guest():
    stock_guest_cases.lives(OURS)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
