#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno and xenoconsoled in Debian's Linux as the control domain on our hypervisor.
import sys

import qemu
import xeno_linux_cases as cases

OURS = []


def test_a_tour_of_the_verbs():
    cases.a_tour_of_the_verbs(OURS)


def test_consoles_and_ends():
    cases.consoles_and_ends(OURS)


def test_nothing_is_left_behind():
    cases.nothing_is_left_behind(OURS)


def test_core_files():
    cases.core_files(OURS)


def test_viewers_and_printers():
    cases.viewers_and_printers(OURS)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
