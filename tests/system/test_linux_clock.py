#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Linux's clock, with time that instructions make (-icount): what the machine's real-time clock counts and what Linux's clock
# counts come from one source, so the load of the machine that runs the test changes nothing.
# Invariant: at most a thousandth is what a clock may be wrong by; it never goes backwards, whichever CPU reads it.
import re
import sys

import linux_cases
import qemu

SECONDS = 60


def test_time_is_right():
    result = linux_cases.linux([], f"./test-clock drift {SECONDS}; ./test-clock order 100; grep rtc0 /proc/interrupts", "--cpus", "2",
                               "--icount", *linux_cases.program("test-clock"), "--", "-rtc", "clock=vm")
    result.expect_status(0).expect_log(r"clock: TSC (1000\.000|999\.99\d|1000\.00\d) MHz")
    drift, length = (int(word) for word in re.search(r"^drift (-?\d+) ns in (\d+) s$", result.output, re.MULTILINE).groups())
    result.expect(length >= SECONDS // 2 and abs(drift) < length * 100_000, f"{drift} ns in {length} s, at most 0.1 ms a second")
    result.expect_output(r"^order on 2 CPUs: \d+ readings, at least [1-9]\d+ a CPU, 0 backwards")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
