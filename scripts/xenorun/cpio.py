# SPDX-License-Identifier: MIT
#
# Writes a 'newc' cpio archive of regular files (the format is that of cpio(5), magic 070701).
# Invariant: the archive depends on names and contents alone: no times, owners or inode numbers of this machine.
from pathlib import Path


def entry(name, data, inode, mode):
    path = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0]
    head = b"070701" + b"".join(b"%08X" % value for value in fields) + path
    return pad(head) + pad(data)


def pad(data):
    return data + b"\0" * (-len(data) % 4)


def write(target, files):
    """files: (name, path)."""
    with open(target, "wb") as out:
        for inode, (name, path) in enumerate(files, 1):
            out.write(entry(name, Path(path).read_bytes(), inode, 0o100644))
        out.write(entry("TRAILER!!!", b"", 0, 0))
