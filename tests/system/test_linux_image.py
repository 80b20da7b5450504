#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The control domain's images: the same packages and programs give the same bytes, wherever, whenever and by whomever they are made,
# and what is up to date is left alone.
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import linux_cases
import qemu

MAKE = qemu.ROOT / "dom0-tools" / "dom0-image" / "make.py"


def make(folder):
    """As another user's shell would: other umask, time zone, order of hashes."""
    environment = {**os.environ, "XENO_PACKAGES": str(qemu.BUILD / "dom0" / "packages"), "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}
    done = subprocess.run([str(MAKE), "--build-dir", str(folder)], env=environment, umask=0o077, cwd="/", stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise qemu.Failure(f"make.py ends with {done.returncode}: {done.stderr}")
    return [Path(line) for line in done.stdout.splitlines()]


def test_the_same_bytes_again():
    first = linux_cases.images()
    with tempfile.TemporaryDirectory(prefix="image-", dir=qemu.BUILD) as folder:
        for tools in ("tools", "screen"):
            (Path(folder) / tools).symlink_to(qemu.BUILD / tools)
        (Path(folder) / "dom0").mkdir()
        shutil.copyfile(qemu.BUILD / "dom0" / "packages.json", Path(folder) / "dom0" / "packages.json")
        second = make(folder)
        if len(second) != 2 or any(a.read_bytes() != b.read_bytes() for a, b in zip(first, second)):
            raise qemu.Failure(f"{second} differ from {first}")
        made = [(path.stat().st_ino, path.stat().st_mtime_ns) for path in second]
        if made != [(path.stat().st_ino, path.stat().st_mtime_ns) for path in make(folder)]:
            raise qemu.Failure("what was up to date was made again")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
