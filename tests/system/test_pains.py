#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The answers of docs/pains.md that other tests do not give.
import sys

import pain_cases as cases
import qemu


def test_pains_of_other_tools():
    cases.pains([])


def test_booted_without_the_hypervisor():
    cases.without_the_hypervisor()


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
