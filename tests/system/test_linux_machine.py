#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What Linux does with the machine's parts as the control domain on our hypervisor: CPUs that go and come, memory that is given
# back and taken, disks and networks with message interrupts, other chip sets and CPUs, and its end when it panics.
import hashlib
import random
import sys
import tempfile
from pathlib import Path

import linux_cases
import qemu

DISK_MIB = 8


def test_cpus_go_and_come_and_memory_is_given_back():
    result = linux_cases.linux([], """
        cd /sys/devices/system/cpu && cat online && echo 0 >cpu1/online && cat online && echo 1 >cpu1/online && cat online
        cd /sys/devices/system/xen_memory/xen_memory0 && echo 196608 >target_kb
        until [ "$(cat info/current_kb)" = 196608 ]; do usleep 50000; done
        echo given back; echo 262144 >target_kb
        until [ "$(cat info/current_kb)" = 262144 ]; do usleep 50000; done
        echo taken again""", "--cpus", "2")
    result.expect_status(0)
    result.expect(result.output.split("\n")[:5] == ["0-1", "0", "0-1", "given back", "taken again"], "expected each in its turn")


def test_a_disk_and_a_network_with_message_interrupts():
    content = random.Random(1).randbytes(DISK_MIB << 20)
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        disk = Path(folder) / "disk.img"
        disk.write_bytes(content)
        result = linux_cases.linux(
            [], "md5sum </dev/vda; dd if=/dev/urandom of=/dev/vda bs=1M count=4 2>/dev/null; sync; md5sum </dev/vda; "
                "ip link set eth0 up; udhcpc -i eth0 -n -q; grep -c 'xen-pirq  *-msi-x  *virtio' /proc/interrupts",
            "--", "-drive", f"file={disk},if=none,id=d,format=raw", "-device", "virtio-blk-pci,drive=d",
            "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n")
        after = disk.read_bytes()
    result.expect_status(0).expect_output(r"lease of 10\.0\.2\.15 obtained").expect_output("^[1-9]$")
    lines = result.output.splitlines()
    result.expect(lines[0].split()[0] == hashlib.md5(content).hexdigest(), "expected to read what is on the disk")
    result.expect(after != content and lines[1].split()[0] == hashlib.md5(after).hexdigest(), "expected the disk to have what was written")


def test_another_chip_set_and_cpu():
    for words in (["--cpu-model", "qemu64", "--cpus", "4"], ["--cpu-model", "max,-smap,-smep", "--", "-machine", "q35"]):
        linux_cases.linux([], "cat /sys/hypervisor/type", *words).expect_status(0).expect_output("^xen$")


def test_a_panic_ends_the_machine():
    result = linux_cases.linux([], "echo c >/proc/sysrq-trigger; sleep 60")
    result.expect_status(3).expect_log(r"domain 0 has crashed")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
