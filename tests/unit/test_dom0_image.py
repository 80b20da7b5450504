#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# dom0-image as far as it needs no package: bzImages of every packing and broken ones, modules and what they depend on.
# Invariant: nothing is fetched and no machine is started.
import gzip
import lzma
import shutil
import struct
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "dom0-tools" / "dom0-image"), str(ROOT / "scripts" / "xenorun")]
import bzimage  # noqa: E402
import modules  # noqa: E402
from packages import Problem  # noqa: E402

KERNEL = b"\x7fELF" + bytes(range(256)) * 64


def bzimage_of(payload, version=0x20f, length=None):
    image = bytearray(1024)
    image[0x1f1] = 1
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, version)
    struct.pack_into("<II", image, 0x248, 16, len(payload) if length is None else length)
    return bytes(image) + bytes(16) + payload


def sized(data):
    return data + struct.pack("<I", len(KERNEL))


def by_program(*words):
    return subprocess.run(words, input=KERNEL, stdout=subprocess.PIPE, check=True).stdout


class BzImage(unittest.TestCase):
    def refused(self, image, why):
        with self.assertRaisesRegex(Problem, why):
            bzimage.unpack(image)

    def test_packings(self):
        payloads = [gzip.compress(KERNEL), sized(lzma.compress(KERNEL, check=lzma.CHECK_CRC32)), KERNEL]
        if shutil.which("zstd"):
            payloads.append(sized(by_program("zstd", "-qc")))
        if shutil.which("lz4"):
            payloads.append(sized(by_program("lz4", "-lqc")))
        for payload in payloads:
            self.assertEqual(bzimage.unpack(bzimage_of(payload)), KERNEL, payload[:4])

    def test_broken_images_are_told(self):
        self.refused(b"\x7fELF", "no bzImage")
        self.refused(bytes(4096), "no bzImage")
        self.refused(bzimage_of(KERNEL, version=0x200), "too old")
        self.refused(bzimage_of(KERNEL, length=len(KERNEL) + 1), "ends before")
        self.refused(bzimage_of(KERNEL, length=0), "ends before")
        self.refused(bzimage_of(b"something else"), "not known here")
        self.refused(bzimage_of(gzip.compress(b"no ELF file")), "no ELF")
        self.refused(bzimage_of(b"\xfd7zXZ\0" + bytes(64)), "broken")
        self.refused(bzimage_of(b"\x1f\x8b" + b"\xff" * 64), "broken")

    def test_a_payload_that_grows_without_end_is_cut_off(self):
        limit, bzimage.LIMIT = bzimage.LIMIT, len(KERNEL) - 1
        try:
            self.refused(bzimage_of(gzip.compress(KERNEL)), "unpacks to more")
            self.refused(bzimage_of(sized(lzma.compress(KERNEL))), "unpacks to more")
        finally:
            bzimage.LIMIT = limit


def module(**said):
    """The least of an ELF file that has a .modinfo."""
    text = b"".join(f"{key}={value}".encode() + b"\0" for key, value in said.items())
    names = b"\0.modinfo\0.shstrtab\0"
    header = bytearray(64)
    header[:5] = b"\x7fELF\x02"
    struct.pack_into("<Q", header, 0x28, 64 + len(text) + len(names))
    struct.pack_into("<HHH", header, 0x3a, 64, 3, 2)
    rows = [(0, 0, 0), (1, 64, len(text)), (10, 64 + len(text), len(names))]
    table = b"".join(modules.SECTION_HEADER.pack(name, 1, 0, 0, at, size, 0, 0, 1, 0) for name, at, size in rows)
    return bytes(header) + text + names + table


class ModuleFiles(unittest.TestCase):
    def setUp(self):
        self.kernel = modules.Modules({
            "kernel/fs/ext4.ko": module(name="ext4", depends="jbd2,mb-cache", alias="fs-ext4", softdep="pre: crc"),
            "kernel/fs/jbd2.ko": module(name="jbd2", depends=""),
            "kernel/lib/mb-cache.ko": module(name="mb_cache", depends="jbd2,builtin-one"),
            "kernel/lib/crc.ko": module(name="crc"),
            "kernel/other.ko": module(name="other"),
        }, "kernel/lib/builtin-one.ko\n")

    def test_all_that_is_needed_comes_before_what_needs_it(self):
        self.assertEqual(self.kernel.closure(["ext4"]),
                         ["kernel/fs/jbd2.ko", "kernel/lib/mb-cache.ko", "kernel/fs/ext4.ko", "kernel/lib/crc.ko"])

    def test_what_is_not_there(self):
        self.assertEqual(self.kernel.closure(["?nothing", "builtin_one"]), [])
        with self.assertRaisesRegex(Problem, "no module nothing"):
            self.kernel.closure(["nothing"])

    def test_what_modprobe_reads(self):
        index = self.kernel.index(["kernel/fs/jbd2.ko", "kernel/lib/mb-cache.ko", "kernel/fs/ext4.ko"])
        self.assertIn("kernel/fs/ext4.ko: kernel/lib/mb-cache.ko kernel/fs/jbd2.ko\n", index["modules.dep"])
        self.assertEqual(index["modules.alias"], "alias fs-ext4 ext4\n")
        self.assertEqual(index["modules.softdep"], "softdep ext4 pre: crc\n")

    def test_what_is_needed_most_is_loaded_first(self):
        kernel = modules.Modules({"ring.ko": module(name="ring"), "bus.ko": module(name="bus", depends="ring"),
                                 "pci.ko": module(name="pci", depends="ring,bus")}, "")
        self.assertIn("pci.ko: bus.ko ring.ko\n", kernel.index(["pci.ko"])["modules.dep"])

    def test_no_module(self):
        with self.assertRaisesRegex(Problem, "no 64-bit ELF"):
            modules.facts(b"text")


if __name__ == "__main__":
    unittest.main()
