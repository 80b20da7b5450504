#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What Linux does with the machine's parts as the control domain on our hypervisor: CPUs that go and come, memory that is given
# back and taken, disks and networks with interrupts of each kind, the text screen, other chip sets, CPUs and sizes of memory.
import hashlib
import random
import re
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


def disk_image(folder, seed):
    content = random.Random(seed).randbytes(DISK_MIB << 20)
    path = Path(folder) / f"disk-{seed}.img"
    path.write_bytes(content)
    return path, content


def test_disks_and_networks_with_interrupts_of_each_kind():
    """By message (virtio), by an edge (IDE) and by a level (e1000 without MSI) of the I/O APIC."""
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        (disk, content), (old_disk, old_content) = disk_image(folder, 1), disk_image(folder, 2)
        result = linux_cases.linux(
            [], "md5sum </dev/sda; md5sum </dev/vda; dd if=/dev/urandom of=/dev/vda bs=1M count=4 2>/dev/null; sync; md5sum </dev/vda; "
                "for i in eth0 eth1; do ip link set $i up; udhcpc -i $i -n -q; done; cat /proc/interrupts",
            "--", "-drive", f"file={disk},if=none,id=d,format=raw", "-device", "virtio-blk-pci,drive=d",
            "-drive", f"file={old_disk},if=ide,format=raw", "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,romfile=",
            "-netdev", "user,id=o,net=10.0.3.0/24", "-device", "e1000,netdev=o,romfile=")
        after = disk.read_bytes()
    result.expect_status(0).expect_output(r"lease of 10\.0\.2\.15 obtained").expect_output(r"lease of 10\.0\.3\.15 obtained")
    sums = [line.split()[0] for line in result.output.splitlines()[:3]]
    result.expect(sums[:2] == [hashlib.md5(data).hexdigest() for data in (old_content, content)], "expected to read what is on the disks")
    result.expect(after != content and sums[2] == hashlib.md5(after).hexdigest(), "expected the disk to have what was written")
    for kind, device in (("-msi-x", "virtio"), ("-ioapic-edge", "ata_piix"), ("-ioapic-level", "eth")):
        result.expect_output(rf"^ *\d+: +[1-9]\d* +xen-pirq +{kind} +.*{device}")


def test_a_shell_on_hvc0_and_the_text_screen():
    """What is written to the first virtual terminal stands in the screen's memory, which the machine's monitor shows."""
    with tempfile.TemporaryDirectory(prefix="screen-") as folder:
        screen, monitor = Path(folder) / "screen", Path(folder) / "monitor"
        with qemu.session("--dom0-args", "console=tty0 console=hvc0", "--", "-vga", "std", "-monitor", f"unix:{monitor},server,nowait") as session:
            session.expect("# ")
            session.send("tty; echo text for the screen >/dev/tty1; cat /proc/consoles; echo $((6 * 7))\n")
            said = session.expect(r"(?s).*^42$").group(0)
            qemu.monitor(monitor, f"pmemsave 0xb8000 4000 \"{screen}\"")
            shown = screen.read_bytes()[::2].decode("ascii", "replace")
            session.send("exit\n")
            result = session.expect_end(0)
    result.expect(re.search(r"^/dev/(hvc0|console)$", said, re.MULTILINE), "expected a terminal")
    result.expect(re.search(r"^hvc0 .*^tty0 |^tty0 .*^hvc0 ", said, re.MULTILINE | re.DOTALL), "expected both consoles")
    result.expect("text for the screen" in shown, f"expected the text on the screen, which shows {shown.split()}")


def test_another_chip_set_and_cpu():
    """One of them has 4 GiB for Linux, more than there is below the devices' addresses."""
    for mib, words in ((4096, ["--cpu-model", "qemu64", "--cpus", "4", "--memory", "5120"]),
                       (256, ["--cpu-model", "max,-smap,-smep", "--", "-machine", "q35"])):
        result = linux_cases.linux([], "cat /sys/hypervisor/type /sys/devices/system/xen_memory/xen_memory0/info/current_kb; "
                                       f"dd if=/dev/zero bs=1M count={mib // 16} of=/tmp/large 2>/dev/null; wc -c </tmp/large",
                                   "--dom0-memory", mib, *words)
        result.expect_status(0)
        result.expect(result.output.split() == ["xen", str(mib << 10), str(mib << 16)], "expected its memory, and to fill a part of it")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
