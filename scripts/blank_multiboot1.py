#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Copies an image with its multiboot1 magic blanked. QEMU's -kernel takes the multiboot1 way for every image that has the
# magic in its first 8 KiB; without it the same image is started by its PVH note.
import shutil
import struct
import sys

MAGIC = 0x1BADB002  # Multiboot Specification 0.6.96, section 3.1.1
SEARCH = 8192


def main():
    source, target = sys.argv[1:3]
    with open(source, "rb") as image:
        data = bytearray(image.read())
    for offset in range(0, min(SEARCH, len(data)) - 11, 4):
        magic, flags, checksum = struct.unpack_from("<III", data, offset)
        if magic == MAGIC and (magic + flags + checksum) & 0xFFFFFFFF == 0:
            struct.pack_into("<I", data, offset, 0)
            break
    else:
        sys.exit(f"blank_multiboot1: {source} has no multiboot1 header in its first {SEARCH} bytes")
    with open(target, "wb") as image:
        image.write(data)
    shutil.copymode(source, target)


if __name__ == "__main__":
    main()
