#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Linux works under load: a broad set of stress-ng's stressors and a make, each for seconds of the machine's own clock, which goes by
# instructions. tests/soak has the long forms, and those with several CPUs.
import sys

import linux_load
import qemu

FILES = 25


def test_stress_and_make():
    result = linux_load.run(linux_load.make(FILES) + linux_load.stress(4, linux_load.STRESSORS), "--cpus", "1", timeout=560)
    result.expect_output(f"^{linux_load.sum_of(FILES)}$")
    linux_load.expect_stress(result)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
