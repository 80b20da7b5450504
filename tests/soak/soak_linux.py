#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Linux as the control domain for minutes: stress-ng, a large make, the clock by the host's, the kernel's own tests, the disk with several
# CPUs. docs/compat/linux.md lists what these are.
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu  # noqa: E402
import kernel_tests  # noqa: E402
import linux_cases  # noqa: E402
import linux_load  # noqa: E402
import test_linux_disk  # noqa: E402

MINUTE = 60


# Of this machine's time, as long as a soak test may take (scripts/testrunner/discover.py); seconds in the machine are of its own clock.
LONG = 3600


def stressed(stressors, seconds, cpus):
    result = linux_load.run(linux_load.stress(seconds, stressors), "--cpus", cpus, timeout=LONG)
    print(result.output[-2000:])
    linux_load.expect_stress(result)


def soak_stress():
    stressed(linux_load.STRESSORS, 150, 1)


def soak_stress_on_two_cpus():
    stressed(linux_load.STRESSORS, 150, 2)


def soak_odd_stress():
    stressed(linux_load.ODD_STRESSORS, 75, 1)


def soak_odd_stress_on_two_cpus():
    stressed(linux_load.ODD_STRESSORS, 75, 2)


def soak_make():
    result = linux_load.run(linux_load.make(600), "--cpus", "4", timeout=LONG).expect_status(0)
    result.expect_output(f"^{linux_load.sum_of(600)}$")
    linux_load.expect_untroubled(result)


def soak_clock():
    """Against the host's clock, in its time; the machine's load only makes single readings late."""
    result = linux_cases.linux([], "./test-clock drift 120 & ./test-clock order 100000; wait", "--cpus", "4",
                               *linux_cases.program("test-clock"), timeout=900)
    print(result.expect_status(0).output)
    drift, length = (int(word) for word in re.search(r"^drift (-?\d+) ns in (\d+) s$", result.output, re.MULTILINE).groups())
    result.expect(length >= MINUTE and abs(drift) < length * 1_000_000, f"{drift} ns in {length} s, at most 1 ms a second")
    result.expect_output(r"^order on 4 CPUs: .* 0 backwards")


def soak_kernel_tests():
    """A test that passes on Debian's Xen passes here; what passes on neither is named, with its last words."""
    ours, result = kernel_tests.run([])
    xen, _ = kernel_tests.run(["--xen"])
    worse = sorted(name for name, status in xen.items() if status == 0 and ours.get(name) not in (0, kernel_tests.SKIPPED))
    print(result.output)
    print(f"{sum(status == 0 for status in ours.values())} of {len(ours)} pass; on Debian's Xen {sum(status == 0 for status in xen.values())}")
    print("on neither: " + " ".join(sorted(name for name in ours if ours[name] and xen.get(name))))
    result.expect(len(ours) > 50 and ours.keys() == xen.keys(), "expected the same tests, and more than 50")
    result.expect(not worse, f"these pass on Debian's Xen alone: {' '.join(worse)}")
    # A test that hands the kernel a damaged frame, and is told so under its own name.
    result.kernel_log = re.sub(r"^.*x86-corrupt_xst\[\d+\] bad frame in rt_sigreturn .*$", "", result.kernel_log, flags=re.MULTILINE)
    linux_load.expect_untroubled(result)


def soak_disk_with_several_cpus():
    test_linux_disk.disk()
    for words in (["--cpus", "2"], ["--cpus", "4", "--cpu-model", "qemu64"]):
        result = qemu.run("--disk", "-c", "ping -c 1 -W 60 10.0.2.2 && systemctl is-active systemd-networkd && nproc", *words, "--dom0-memory", "320",
                          "--", "-snapshot", timeout=900)
        result.expect_status(0).expect_output("1 received").expect_output(rf"^{words[1]}$")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__], "soak_")
