#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# docs/how-to/write-a-pv-guest.md, followed to the letter in a copy of the tree: each file is what the page says, each command is
# the page's own, but that run.sh takes the hypervisor that is built already.
# Invariant: code and commands are nowhere but on the page; what is not there any more fails here.
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import qemu

PAGE = qemu.ROOT / "docs" / "how-to" / "write-a-pv-guest.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Reader:
    """Someone who reads the page and types; the folder is a copy of the tree."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.blocks = [(match.group(1), match.group(2)) for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]
        files = subprocess.run(["git", "ls-files", "-z"], cwd=qemu.ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, files):
            if (qemu.ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(qemu.ROOT / name, self.folder / name)

    def block(self, language, pattern):
        """The one block of that kind with something in it."""
        found = [text for kind, text in self.blocks if kind == language and re.search(pattern, text, re.MULTILINE)]
        if len(found) != 1:
            raise qemu.Failure(f"{PAGE.name}: {len(found)} blocks with {pattern!r}")
        return found[0]

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def type(self, pattern, without=""):
        """The page's command that matches; its status and what it printed."""
        lines = [line for kind, text in self.blocks if kind in ("", "sh") for line in text.splitlines() if re.search(pattern, line)]
        if len(lines) != 1:
            raise qemu.Failure(f"{PAGE.name}: {len(lines)} commands like {pattern!r}")
        words = [word for word in shlex.split(lines[0]) if word != without]
        if words[0] == "./run.sh":
            words[0:1] = [sys.executable, "-B", str(qemu.ROOT / "scripts" / "xenorun"), "--build-dir", str(qemu.BUILD), "--no-build", "--timeout",
                          "100"]
        done = subprocess.run(words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=500, check=False)
        return qemu.Result(words, done.returncode, done.stdout, "", "")


def reader_of_the_page():
    return tempfile.TemporaryDirectory(prefix="how-to-")


def test_the_smallest_guest():
    with reader_of_the_page() as folder:
        reader = Reader(folder)
        reader.write("tiny.S", reader.block("asm", "NOTE"))
        reader.type("^gcc .*tiny").expect_status(0)
        for without in ("", "--xen"):
            reader.type(r"^\./run\.sh .*tiny\.elf", without).expect_status(0).expect_output("^I am a domain$")


def test_the_same_in_c():
    with reader_of_the_page() as folder:
        reader = Reader(folder)
        mine, build = "guest-pv-kernel/apps/mine.c", r"^python3 scripts/build\.py"
        source = reader.block("c", "My first guest")
        reader.write(mine, source)
        reader.type(build).expect_status(0)
        for without in ("", "--xen"):
            reader.type(r"^\./run\.sh .*--dom0-kernel build/guests/mine", without).expect_status(0).expect_output(
                r"mine has \d+ frames, \d+ of them free, and 2 words on its command line$")
        reader.write("mine.cfg", reader.block("", '^name = "mine"'))
        reader.type(r"create mine\.cfg").expect_status(0).expect_output(r"^mine has 4096 frames, .* 2 words")
        # 4: the crash, and its report as the page shows it.
        line = re.search(r"for instance `(.*?;)`", PAGE.read_text(encoding="utf-8")).group(1)
        reader.write(mine, source.replace("    printf(", f"    {line}\n    printf(", 1))
        reader.type(build).expect_status(0)
        result = reader.type(r"^\./run\.sh .*--dom0-kernel build/guests/mine", "--xen").expect_status(3)
        shown = reader.block("", r"^\*\*\* CRASH")
        for text in re.findall(r"^(\*\*\* CRASH.*|  #PF.*|  the write of.*|  no hypercall.*)$", shown, re.MULTILINE):
            result.expect(text in result.output, f"expected {text!r}")
        for function in re.findall(r"0x\w+  (\w+)\+0x", shown):
            result.expect_output(rf"  (at  |from) +0x\w+  {function}\+0x")
        # 5 and 6: the pieces of code do what the page says of them.
        reader.write(mine, pieces(reader))
        reader.type(build).expect_status(0)
        reader.type(r"^\./run\.sh .*--dom0-kernel build/guests/mine", "--xen").expect_status(0).expect_output(r"^read-only: 0, ticks: \d\d+$")


def pieces(reader):
    code = reader.block("c", "make_read_only") + reader.block("c", "wait_for_ten_ticks")
    main = 'int main(void)\n{\n    int rc = make_read_only(page_alloc(0));\n\n    wait_for_ten_ticks();\n    printf("read-only: %d, ticks: %u\\n", rc, ticks);\n    return 0;\n}\n'
    return "#include <stdio.h>\n" + code + main


def test_the_other_guests():
    with reader_of_the_page() as folder:
        reader = Reader(folder)
        (reader.folder / "build").symlink_to(qemu.BUILD)
        for without in ("", "--xen"):
            reader.type("guests/usermode", without).expect_status(0).expect_output(r"^usermode: 3000 switches user to kernel and back")
            reader.type("pingpong .*self", without).expect_status(0).expect_output(r"^pingpong: 5000 round trips")
        for name in ("left", "right"):
            reader.write(f"{name}.cfg", reader.block("", f'^name = "{name}"'))
        reader.type(r"create left\.cfg").expect_status(0).expect_output("^pingpong: 2000 round trips").expect_output("answered 2000 pings")
        reader.type("^qemu-system-x86_64 .*hello-native").expect_status(0).expect_output("^hello 3")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
