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


def test_the_hypervisor_says_which_entry_broke_which_rule():
    """Of a guest that tries to write to its page tables: level, table, slot and value, and why not."""
    result = qemu.run("--dom0-kernel", qemu.BUILD / "guests" / "test-table-rights").expect_status(0)
    result.expect_log(r"d0: L1 table \w+, entry \d+ = \w+: writable mapping of a frame that is in use as a table")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
