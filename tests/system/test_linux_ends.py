#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# How a machine with Linux as its control domain ends, and how it does not begin: what cannot be built is one line that says what
# to do and status 1; a kernel that has crashed ends, halts or restarts the machine as 'exit=' on the hypervisor's line says.
# Invariant: no end leaves a CPU that runs.
import re
import sys
import tempfile
from pathlib import Path

import linux_cases
import qemu

PANIC = "echo c >/proc/sysrq-trigger; sleep 600"
INTERRUPTS_ON = 1 << 9
LAUNCH = """/dts-v1/;
/ { chosen { hypervisor { compatible = "hypervisor,xen"; domain@0 { compatible = "xen,domain"; functions = <0x80000000>;
    memory = <0 32768>; cpus = <1>; colour = "blue";
    kernel@1 { compatible = "module,kernel"; module-name = "hello"; bootargs = "1"; }; }; }; }; };
"""


def one_line(said, *words):
    result = qemu.run(*words).expect_status(1).expect_output(said)
    result.expect(len(result.output.splitlines()) == 1, "expected one line")


def test_what_cannot_be_built_is_one_line():
    kernel, ram_disk = linux_cases.images()
    with tempfile.TemporaryDirectory(prefix="ends-") as folder:
        large = Path(folder) / "large"
        with open(large, "wb") as file:
            file.truncate(300 << 20)
        one_line("^xeno boot: dom0=linux: there is no such module: .*", "--bare", "--boot-args", "dom0=linux")
        one_line("no PV support", "--dom0-kernel", "/bin/true")
        one_line("not an ELF file: give the kernel's uncompressed", "--dom0-kernel", qemu.ROOT / "LICENSE")
        one_line("with its RAM disk needs at least 3[0-9]{2} MiB, memory is 256: raise dom0-memory", "--dom0-kernel", kernel,
                 "--dom0-initrd", large, "--dom0-memory", "256", "--memory", "1024")
        one_line(r"needs 4096 MiB, \d+ MiB of the machine are free: lower dom0-memory", "--dom0-kernel", kernel,
                 "--dom0-initrd", ram_disk, "--dom0-memory", "4096")
    result = linux_cases.linux([], "true", "--dom0-memory", "4096")
    result.expect_status(1).expect(re.fullmatch(r"run.sh: Domain-0: needs 4096 MiB, \d+ MiB of the machine are free: lower dom0-memory\n", result.errors),
                                   "expected one line with -c as well")


def test_an_unknown_property_is_a_warning():
    with tempfile.TemporaryDirectory(prefix="ends-") as folder:
        path = Path(folder) / "launch.dts"
        path.write_text(LAUNCH, encoding="utf-8")
        result = qemu.run("--domain", path, "--add", f"{qemu.BUILD / 'guests' / 'hello'}:hello").expect_status(0)
    result.expect_output(r"^xeno boot: warning: .*domain@0: colour: ignored: not known here$").expect_output("^hello 1$")


def test_a_panic_is_told_and_ends_the_machine():
    result = linux_cases.linux([], PANIC)
    result.expect_status(3).expect_log(r"domain 0 has crashed")
    result.expect("the control domain has crashed" in result.errors, "expected run.sh to say so")


# A kernel that crashes at once, and whatever crashes is the hypervisor's to deal with in the same way.
CRASHER = [qemu.BUILD / "guests" / "test-stack-fault"]
LOADED = "Xenolith, loaded by multiboot"


def machine(images, hypervisor="", *more):
    """QEMU's command for a dom0 without the device that ends QEMU, and with its monitor on the console (Ctrl-A C)."""
    words = ["dom0=dom0-kernel", "dom0-initrd=dom0-initrd"][:len(images)]
    modules = [f"{qemu.BUILD / 'guests' / 'boot-domain'} boot-domain {' '.join(words)}", f"{images[0]} dom0-kernel console=hvc0 quiet"]
    modules += [f"{path} dom0-initrd" for path in images[1:]]
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "pc,accel=tcg", "-cpu", "max", "-m", "512",
            "-display", "none", "-serial", "mon:stdio", "-serial", "file:@LOG@", "-kernel", str(qemu.BUILD / "xenolith.elf"),
            "-append", f"log=com2 console=com1 {hypervisor}", "-initrd", ",".join(modules), *more]


def test_a_crashed_machine_halts():
    """All CPUs are asleep with interrupts off, so QEMU does nothing any more."""
    with qemu.session(command=machine(CRASHER, "", "-smp", "2")) as session:
        session.wait_log("domain 0 has crashed")
        session.send("\x01c")
        session.expect(r"\(qemu\) ")
        for _ in range(100):
            session.send("info registers -a\n")
            state = session.expect(r"RIP=(?s:.)*\(qemu\) ").group(0)
            asleep = re.findall(r"RFL=([0-9a-f]{8}) .*HLT=1", state)
            if len(asleep) == 2:
                break
        session.result().expect(len(asleep) == 2 and not any(int(flags, 16) & INTERRUPTS_ON for flags in asleep),
                                "expected two CPUs asleep, with interrupts off")
        session.send("quit\n")
        session.expect_end(0)


def test_a_crashed_machine_starts_anew_if_told():
    with qemu.session(command=machine(CRASHER, "exit=reboot")) as session:
        session.wait_log(rf"domain 0 has crashed(?s:.)*{LOADED}")


def test_linux_reboots():
    with qemu.session(command=machine(linux_cases.images())) as session:
        session.expect("# ")  # the prompt ends with a question about the cursor, which only terminals answer
        session.send("reboot -f\n")
        session.wait_log(rf"domain 0 wants a reboot(?s:.)*{LOADED}")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
