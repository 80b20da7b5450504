#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Every way to start the machine: boot protocols, CPU models, CPU counts, memory sizes, chip sets, and machines that cannot
# be: those end with one clear line. hello stands in for the boot domain, so the hypervisor alone is under test.
# Invariant: a start counts when the hypervisor has named all CPUs and all memory, not when QEMU has merely ended.
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import qemu

HELLO = qemu.BUILD / "guests" / "hello"
OVMF = "/usr/share/ovmf/OVMF.fd"
CANNOT_BOOT = 5
IMAGE_KIB = 300


def started(loader, *words, cpus=1, mib=512):
    result = qemu.run("--boot-domain", HELLO, "--cpus", cpus, "--memory", mib, *words)
    result.expect_log(rf"Xenolith, loaded by {loader}").expect_log(rf"CPUs: {cpus} of {cpus}")
    check_memory(result, mib)
    return result


def check_memory(result, mib):
    result.expect_log(r"memory: \d+ MiB")
    found = int(re.search(r"memory: (\d+) MiB", result.log).group(1))
    result.expect(mib * 0.98 - 8 <= found <= mib, f"{found} MiB found of {mib}")


def test_the_image_is_small():
    size = (qemu.BUILD / "xenolith.elf").stat().st_size
    if size > IMAGE_KIB << 10:
        raise qemu.Failure(f"xenolith.elf has {size} bytes, the goal is {IMAGE_KIB} KiB")


def test_multiboot1():
    started("multiboot")


def test_pvh():
    started("PVH", "--pvh")


def test_q35():
    started("multiboot", "--", "-machine", "q35")


def test_old_cpu():
    started("multiboot", "--cpu-model", "qemu64")


def test_without_smap_and_smep():
    started("multiboot", "--cpu-model", "max,-smap,-smep")


def test_two_cpus():
    started("multiboot", cpus=2)


def test_four_cpus():
    started("multiboot", "--cpu-model", "qemu64", cpus=4)


def test_smallest_memory():
    started("multiboot", mib=64)


def test_memory_above_4_gib():
    started("multiboot", mib=6144)


def test_16_gib():
    started("multiboot", "--", "-machine", "q35", mib=16384)


def test_too_little_memory_is_said():
    result = qemu.run("--boot-domain", HELLO, "--memory", "32").expect_status(CANNOT_BOOT)
    result.expect_log(r"31 MiB of memory are too little: at least 64 MiB")


def said_on_the_console(pattern, *words):
    """These are found before there is a log: one line on COM1, then the CPU is halted."""
    with qemu.session("--boot-domain", HELLO, *words) as machine:
        machine.expect(pattern)


def test_no_long_mode_is_said():
    said_on_the_console(r"no long mode", "--cpu-model", "qemu64,-lm")


def test_no_nx_is_said():
    said_on_the_console(r"no NX", "--cpu-model", "qemu64,-nx")


def qemu_command(*words):
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35,accel=tcg", "-cpu", "max", "-m", "512",
            "-display", "none", "-no-reboot", "-serial", "stdio", "-serial", "file:@LOG@", "-device",
            "isa-debug-exit,iobase=0x501,iosize=2"] + list(words)


def test_no_boot_domain_is_said():
    command = qemu_command("-kernel", str(qemu.BUILD / "xenolith.elf"), "-append", "log=com2 console=com1 exit=debug")
    with qemu.session(command=command) as machine:
        machine.expect_end(2 * CANNOT_BOOT + 1).expect_log(r"cannot boot: .*no boot domain")


def boots_from_iso(*firmware):
    with tempfile.TemporaryDirectory(prefix="iso-") as folder:
        guests = Path(folder) / "guests"
        guests.mkdir()
        (Path(folder) / "xenolith.elf").symlink_to(qemu.BUILD / "xenolith.elf")
        (guests / "boot-domain").symlink_to(HELLO)
        iso = f"{folder}/xenolith.iso"
        subprocess.run(["sh", str(qemu.ROOT / "scripts" / "make-iso.sh"), "--build-dir", folder, "-o", iso], check=True)
        with qemu.session(command=qemu_command(*firmware, "-cdrom", iso)) as machine:
            machine.wait_log(r"loaded by multiboot2 from GRUB")
            machine.wait_log(r"CPUs: 1 of 1")


def test_iso_under_bios():
    boots_from_iso()


def test_iso_under_uefi():
    boots_from_iso("-bios", OVMF)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
