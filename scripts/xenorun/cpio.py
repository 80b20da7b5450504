# SPDX-License-Identifier: MIT
#
# Writes 'newc' cpio archives (the format is that of cpio(5), magic 070701), as Xen's boot modules and Linux's initial RAM
# disks want them.
# Invariant: the archive depends on names, contents and order alone: no times, owners or inode numbers of this machine.
import stat
from pathlib import Path


def pad(data):
    return data + b"\0" * (-len(data) % 4)


class Writer:
    """Appends entries to out (a binary file); end() closes the archive, not the file."""

    def __init__(self, out):
        self.out, self.inode = out, 0

    def entry(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = [self.inode if mode else 0, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1], len(path), 0]
        self.out.write(pad(b"070701" + b"".join(b"%08X" % value for value in fields) + path))
        self.out.write(pad(data))

    def folder(self, name, mode=0o755):
        self.entry(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self.entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self.entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self.entry(name, stat.S_IFCHR | mode, device=(major, minor))

    def end(self):
        self.entry("TRAILER!!!", 0)


def write(target, files):
    """An archive of regular files: (name, path)."""
    with open(target, "wb") as out:
        archive = Writer(out)
        for name, path in files:
            archive.file(name, Path(path).read_bytes())
        archive.end()
