#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The hypervisor's last report: why, registers, a backtrace with names, and which domain ran. Its own faults are made with
# selftest=; a machine check, which QEMU injects, finds a domain running.
import json
import socket
import sys
import tempfile

import qemu
import xeno_cases as cases

PANICKED = 4

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


def monitor_command(path, text):
    """One command of QEMU's monitor, by its machine protocol."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        stream = connection.makefile("rw", encoding="utf-8")
        stream.readline() # its greeting
        for command in ({"execute": "qmp_capabilities"},
                        {"execute": "human-monitor-command", "arguments": {"command-line": text}}):
            stream.write(json.dumps(command) + "\n")
            stream.flush()
            while "return" not in json.loads(stream.readline()):
                pass


def test_a_machine_check_names_the_domain_that_ran():
    with cases.Files() as files, tempfile.TemporaryDirectory(prefix="panic-") as folder:
        files.words += ["--add", f"{cases.GUESTS / 'busy'}:busy"]
        cases.add_guest(files, "b", "busy", "spin", 'cpus = "1"')
        words = [*files.words, "--cpus", "2", "--", "-qmp", f"unix:{folder}/qmp,server=on,wait=off"]
        with qemu.session("--bare", *words) as machine:
            machine.expect("xeno> ")
            machine.send("create b.cfg\n")
            machine.expect("xeno> ")
            machine.send("vcpu-list b\n")
            machine.expect(r"\nb +1 +0 +1 +r--")
            # CPU 1, bank 0: valid, not corrected, enabled, context corrupt; the CPU has it in progress.
            monitor_command(f"{folder}/qmp", "mce 1 0 0xb200000000000000 0x4 0 0")
            result = machine.expect_end(PANICKED)
    result.expect_log(r"PANIC on CPU 1: machine check").expect_log(r"running: domain 1 vCPU 0, (kernel|user) mode, rip \w{16}")
    result.expect_log(r"rsp \w{4}:\w{16}  rbp ").expect_log(r"the machine stops here$")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
