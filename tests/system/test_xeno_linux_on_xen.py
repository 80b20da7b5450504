#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno and xenoconsoled in Debian's Linux as the control domain on Debian's Xen: the tools against one that no one here wrote.
import sys

import qemu
import stock_guest_cases
import xeno_linux_cases as cases

XEN = ["--xen"]


def test_a_tour_of_the_verbs():
    cases.a_tour_of_the_verbs(XEN)


def test_consoles_and_ends():
    cases.consoles_and_ends(XEN)


def test_nothing_is_left_behind():
    cases.nothing_is_left_behind(XEN)


def test_viewers_printers_and_cores():
    cases.viewers_printers_and_cores(XEN)


def test_a_stock_guest():
    stock_guest_cases.lives(XEN)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
