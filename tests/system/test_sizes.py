#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# How large what is shipped may be: the control domain's tools and a demo kernel, as the release build leaves them.
import sys

import linux_cases
import qemu

KIB = 1024
TOOLS = ("xeno", "xenostored", "xenoconsoled", "xeno-unpack")


def fits(path, limit):
    size = path.stat().st_size
    print(f"{path.relative_to(qemu.BUILD)}: {size / KIB:.0f} KiB of {limit}")
    if size > limit * KIB:
        raise qemu.Failure(f"{path}: {size} bytes, the limit is {limit} KiB")


def test_tools_are_static_and_small():
    for name in TOOLS:
        path = qemu.BUILD / "tools" / name
        fits(path, 600)
        if not linux_cases.dom0_image.is_static(path.read_bytes()):
            raise qemu.Failure(f"{path} needs a loader")


def test_a_demo_kernel_is_small():
    fits(qemu.BUILD / "guests" / "hello", 200)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
