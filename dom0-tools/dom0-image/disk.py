# SPDX-License-Identifier: MIT
#
# A disk with a minimal Debian for the control domain: systemd, a login, network by DHCP. Made by mmdebstrap out of packages,
# so it asks for no machine; kernel, modules and our programs come from the RAM disk at each boot.
# Invariant: the disk is moved into place when it is whole; what a later boot writes stays until it is made anew.
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from packages import Problem, Unreachable

SUITE = "bookworm"
PACKAGES = ["systemd-sysv", "udev", "dbus", "login", "iproute2", "iputils-ping", "kmod", "libncursesw6"]
SIZE = "2G"
# All times in the file system are at most this one, whenever it is made.
EPOCH = "1700000000"
FILES = {
    "etc/hostname": "dom0\n",
    "etc/hosts": "127.0.0.1 localhost dom0\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",
    "etc/systemd/network/80-dhcp.network": "[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n",
    "etc/systemd/system/run-sh-command.service": """[Unit]
Description=The command of run.sh -c
ConditionPathExists=/run/xeno/command
Wants=systemd-networkd-wait-online.service
After=systemd-networkd-wait-online.service systemd-user-sessions.service
Before=getty.target serial-getty@hvc0.service serial-getty@ttyS0.service
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=oneshot
TimeoutStartSec=infinity
WorkingDirectory=/root
StandardInput=null
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
ExecStart=/usr/local/sbin/run-sh-command
""",
}
# The marks are those of the RAM disk's init.
COMMAND = r"""#!/bin/sh
printf '\036xeno begin\036\n'
sh /run/xeno/command
printf '\036xeno status %d\036\n' $?
"""
# Run with the new root as its first argument.
CUSTOMIZE = [
    'chroot "$1" passwd -q -d root',
    'chroot "$1" systemctl -q enable systemd-networkd.service systemd-networkd-wait-online.service',
    'mkdir -p "$1/etc/systemd/system/multi-user.target.wants"',
    'ln -sf ../run-sh-command.service "$1/etc/systemd/system/multi-user.target.wants/"',
    'rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/* "$1"/var/log/*.log',
    'rm -f "$1/etc/machine-id"; : >"$1/etc/machine-id"',
]


def recipe():
    """All that the disk depends on and that is written here."""
    return Path(__file__).read_bytes()


def run(words, what):
    said = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "LC_ALL": "C.UTF-8"})
    if said.returncode:
        why = [line for line in said.stderr.splitlines() if line.startswith("E:") or "rror" in line] or said.stderr.splitlines()[-1:]
        raise Unreachable(f"{what}: {(why or ['no reason given'])[0]}")


def stage(folder):
    """What is laid over the packages, with its modes."""
    for name, text in {**FILES, "usr/local/sbin/run-sh-command": COMMAND}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)


def make(target):
    for program in ("mmdebstrap", "genext2fs", "resize2fs", "tune2fs"):
        if not shutil.which(program) and not Path("/usr/sbin", program).exists():
            raise Problem(f"{program} is not there: scripts/setup.sh disk installs it")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    with tempfile.TemporaryDirectory(prefix="disk-", dir=target.parent) as folder:
        overlay, image = Path(folder) / "overlay", Path(folder) / "disk.ext2"
        stage(overlay)
        hooks = [f"--customize-hook=cp -r --preserve=mode {overlay}/. \"$1/\""] + [f"--customize-hook={line}" for line in CUSTOMIZE]
        # apt's sandbox user cannot read what is below a private folder.
        run(["mmdebstrap", "--quiet", "--variant=minbase", "--format=ext2", f"--include={','.join(PACKAGES)}"] + hooks +
            [SUITE, str(image)], "mmdebstrap")
        with open(image, "ab") as disk:
            disk.truncate(max(2 << 30, disk.tell()))
        run(["tune2fs", "-j", "-O", "extent,dir_index", "-L", "dom0", str(image)], "tune2fs")
        # What the features changed is put right; 1 says that it was.
        subprocess.run(["e2fsck", "-fyD", str(image)], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        run(["resize2fs", str(image), SIZE], "resize2fs")
        image.chmod(0o644)
        os.replace(image, target)
