#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What the README tells to try first does what it says there: the command is taken out of it.
import re
import sys

import linux_cases
import qemu


def test_the_readmes_first_command():
    readme = (qemu.ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^\./run\.sh -c '(.*)'$", readme, re.MULTILINE).group(1)
    result = linux_cases.linux([], command).expect_status(0)
    result.expect_output(r"^Domain-0 +0 +\d+ ").expect_output(r"^debian +1 +128 +1 +[r-][b-]---- +\d+\.\d$")
    result.expect(len(result.output.splitlines()) == 3, "expected the list and nothing else")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
