#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's kernels as unprivileged guests: from a launch description to a command in the guest, on our hypervisor and on Debian's
# Xen; the stable kernels and those of backports, each as the general and as the cloud build.
import shutil
import sys
import tempfile
from pathlib import Path

import linux_cases
import qemu
import cpio  # found where linux_cases has looked for it

DESCRIPTION = """/dts-v1/;
/ { chosen { hypervisor { compatible = "hypervisor,xen"; domain@1 { compatible = "xen,domain"; memory = <0 262144>; cpus = <2>;
    domain-name = "linux";
    kernel@1 { compatible = "module,kernel"; module-name = "vmlinux"; bootargs = "console=hvc0 panic=-1"; };
    ramdisk@2 { compatible = "module,ramdisk"; module-name = "initrd"; }; }; }; }; };
"""
COMMAND = 'echo "guest: $(uname -r), $(nproc) CPUs, $(cat /sys/hypervisor/type), capabilities \'$(cat /proc/xen/capabilities)\'"\n'


def to_a_command(kind, release, where, *more):
    """The images' RAM disk runs /xeno/command if there is one, and powers off: then the console ends, and run.sh with it."""
    kernel, initrd = linux_cases.images(kind)
    with tempfile.TemporaryDirectory(prefix="guest-") as folder:
        description, ram_disk = Path(folder) / "linux.dts", Path(folder) / "initrd"
        description.write_text(DESCRIPTION, encoding="utf-8")
        shutil.copyfile(initrd, ram_disk)
        with open(ram_disk, "ab") as out:
            archive = cpio.Writer(out)
            archive.file("xeno/command", COMMAND.encode())
            archive.end()
        result = qemu.run(*where, "--memory", "640", "--domain", description, "--add", f"{kernel}:vmlinux", "--add", f"{ram_disk}:initrd",
                          "-c", "console linux", *more)
    result.expect_status(0).expect_output(rf"guest: {release}, 2 CPUs, xen, capabilities ''")


def test_the_stable_kernel():
    to_a_command("", r"6\.1\.\S*-amd64", [])


def test_the_cloud_kernel():
    to_a_command("-cloud", r"6\.1\.\S*-cloud-amd64", [])


def test_the_cloud_kernel_on_debian_xen():
    to_a_command("-cloud", r"6\.1\.\S*-cloud-amd64", ["--xen"], "--dom0-memory", "160")


# Without CMPXCHG16B: QEMU 7.2 makes mistakes with it that these kernels do not survive, on no hypervisor either.
NEWER = ["--cpu-model", "max,-cx16"]


def test_the_kernel_of_backports():
    to_a_command("-backports", r"6\.1\d\.\S*-amd64", NEWER)


def test_the_cloud_kernel_of_backports_on_four_cpus():
    to_a_command("-cloud-backports", r"6\.1\d\.\S*-cloud-amd64", [*NEWER, "--cpus", "4", "--one-thread"])


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
