#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The hypervisor's last report: why, registers, a backtrace with names, and which domain ran. Its own faults are made with
# selftest=; a machine check, which QEMU injects, finds a domain running. That one failed on a slow machine: it looked once at a domain that
# was not on its CPU at that moment, and took the machine's end for an error of QEMU's monitor, which had no time to answer.
import sys
import tempfile

import qemu
import xeno_cases as cases

PANICKED = 4
LEAVE = "\x1d" # a domain's console

# selftest=, why, where the backtrace begins and which function it comes from (words that look like return addresses are marked).
FAULTS = [
    ("fault", r"page fault at 0000000000000010 \(write\)", r"selftest_die\+0x", "boot_start"),
    ("write", r"page fault at ffff8280\w+ \(write\)", r"selftest_die\+0x", "boot_start"),
    ("exec", r"page fault at ffff8280\w+ \(read, fetch\)", r"\?\+0x0", "boot_start"),
    ("stack", r"double fault in the hypervisor", r"deeper\S*\+0x", "deeper"),
    ("assert", r"\S*selftest\.c:\d+: BUG: ", r"selftest_die\+0x", "boot_start"),
]


def test_own_faults_are_reported():
    for how, why, first, caller in FAULTS:
        result = qemu.run("--boot-domain", cases.HELLO, "--hv-args", f"selftest={how}").expect_status(PANICKED)
        result.expect_log(rf"PANIC on CPU 0: {why}").expect_log(r"running: no domain")
        result.expect_log(rf"backtrace:\n\(hv\) error:   \w{{16}} {first}").expect_log(rf"\?? \w{{16}} {caller}\S*\+0x")
        result.expect_log(r"the machine stops here$")
        if how != "assert":
            result.expect_log(r"rip e008:\w{16}  rflags \w{8}  vector \d+ ").expect_log(r"r15 \w{16}  cr0 \w{8}  cr2 \w{16}  cr3 \w{16}")


def test_a_machine_check_names_the_domain_that_ran():
    with cases.Files() as files, tempfile.TemporaryDirectory(prefix="panic-") as folder:
        files.words += ["--add", f"{cases.GUESTS / 'busy'}:busy"]
        cases.add_guest(files, "b", "busy", "spin", 'cpus = "1"')
        with qemu.session("--bare", *files.words, "--cpus", "2", "--", "-monitor", f"unix:{folder}/monitor,server,nowait") as machine:
            # CPU 1 is b's alone, and b never blocks once it has said that it is at work.
            machine.expect("xeno> ")
            machine.send("vcpu-pin 0 all 0; create b.cfg; console b\n")
            machine.expect(r"^busy: 1 CPU\n")
            machine.send(LEAVE)
            machine.expect("xeno> ")
            machine.send("vcpu-list b\n")
            machine.expect(r"\nb +1 +0 +1 +r--")
            # CPU 1, bank 0: valid, not corrected, enabled, context corrupt; the CPU has it in progress.
            qemu.monitor(f"{folder}/monitor", "mce 1 0 0xb200000000000000 0x4 0 0", ends=True)
            result = machine.expect_end(PANICKED)
    result.expect_log(r"PANIC on CPU 1: machine check").expect_log(r"running: domain 1 vCPU 0, (kernel|user) mode, rip \w{16}")
    result.expect_log(r"rsp \w{4}:\w{16}  rbp ").expect_log(r"the machine stops here$")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
