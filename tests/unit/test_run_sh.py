#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run.sh's contract, as far as it holds without a machine: options, the QEMU command, modules' lines, the console's filter.
# Invariant: QEMU is never started; a build folder with empty images stands in for a built tree.
import io
import os
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "xenorun"))
import console  # noqa: E402
import cpio  # noqa: E402
import linux  # noqa: E402
import options as command_line  # noqa: E402


class RunSh(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="run-sh-")
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        for name in ("dom0/vmlinux", "dom0/initrd.cpio.gz", "xenolith.elf", "xenolith-pvh.elf", "guests/boot-domain", "hello.elf", "vm linux", "launch.dts"):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("/dts-v1/; / { };\n" if name.endswith(".dts") else "")

    def run_sh(self, *words):
        command = [sys.executable, "-B", str(ROOT / "scripts" / "xenorun"), "--build-dir", str(self.folder)] + list(words)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, stdin=subprocess.DEVNULL,
                              env={**os.environ, "TMPDIR": str(self.folder)})

    def qemu(self, *words):
        result = self.run_sh("--print", *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        line = [line for line in result.stdout.splitlines() if line.startswith("command: ")]
        self.assertEqual(len(line), 1, result.stdout)
        return shlex.split(line[0][len("command: "):])

    def value(self, command, option):
        return command[command.index(option) + 1]

    def modules(self, command):
        text = self.value(command, "-initrd").replace(",,", "\0")
        return [module.replace("\0", ",") for module in text.split(",")]

    def refused(self, status, *words):
        result = self.run_sh(*words)
        self.assertEqual(result.returncode, status, (words, result.stderr))
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        return result.stderr

    def test_wrong_options_end_with_2_and_one_line(self):
        for words in (["--unknown"], ["--mem", "64"], ["word"], ["-c"], ["--memory", "0"], ["--memory", "12k"], ["--cpus", "-1"],
                      ["--timeout", "x"], ["--release", "--debug"], ["--xen", "--pvh"],
                      ["--dom0-kernel", str(self.folder / "hello.elf"), "-c", "list"],
                      ["--add", str(self.folder / "vm linux")], ["--add", f"{self.folder}/hello.elf:a/b"],
                      ["--add", f"{self.folder}/hello.elf", "--add", f"{self.folder}/launch.dts:hello.elf"]):
            self.refused(2, *words)

    def test_missing_files_end_with_1_and_one_line(self):
        for words in (["--dom0-kernel", "/none"], ["--add", "/none:x"], ["--domain", "/none.dts"], ["--boot-domain", "/none"],
                      ["--add", f"{self.folder}:x"]):
            self.refused(1, *words)

    def test_missing_image_is_named(self):
        (self.folder / "xenolith.elf").unlink()
        self.assertIn("xenolith.elf", self.refused(1, "--bare"))

    def test_defaults(self):
        command = self.qemu("--bare")
        self.assertEqual(self.value(command, "-kernel"), str(self.folder / "xenolith.elf"))
        self.assertEqual(self.value(command, "-m"), "512")
        self.assertEqual(self.value(command, "-smp"), "1")
        self.assertEqual(self.value(command, "-cpu"), "max")
        self.assertIn("-no-reboot", command)
        self.assertEqual(self.value(command, "-append"), "log=com2 console=com1 exit=debug")
        boot = self.modules(command)[0].split(" ")
        self.assertEqual(boot[:3], [str(self.folder / "guests/boot-domain"), "boot-domain", "exit-port=0x501"])

    def test_machine_options(self):
        command = self.qemu("--bare", "--memory", "96", "--cpus", "4", "--cpu-model", "qemu64", "--icount", "--gdb", "--", "-machine", "q35")
        self.assertEqual((self.value(command, "-m"), self.value(command, "-smp"), self.value(command, "-cpu")), ("96", "4", "qemu64"))
        self.assertIn("shift=0,sleep=off", command)
        self.assertIn("-S", command)
        self.assertEqual(command[-2:], ["-machine", "q35"])

    def test_command_is_one_word(self):
        boot = self.modules(self.qemu("--bare", "-c", "create a.cfg 'x, y' 100%"))[0]
        self.assertIn(" command=create%20a.cfg%20%27x%2C%20y%27%20100%25", boot)

    def test_modules_keep_their_order_and_names(self):
        modules = self.modules(self.qemu("--add", f"{self.folder}/hello.elf", "--add", f"{self.folder}/launch.dts:two-2",
                                         "--domain", f"{self.folder}/launch.dts"))
        self.assertEqual([module.split(" ")[1] for module in modules], ["boot-domain", "hello.elf", "two-2", "launch.dtb"])
        self.assertIn("launch=launch.dtb", modules[0])

    def test_dom0_arguments_may_have_commas_and_blanks(self):
        modules = self.modules(self.qemu("--dom0-kernel", f"{self.folder}/vm linux", "--dom0-initrd", f"{self.folder}/hello.elf",
                                         "--dom0-args", "console=hvc0,9600 root=/dev/xvda"))
        self.assertIn("dom0=dom0-kernel dom0-initrd=dom0-initrd", modules[0])
        path, _, rest = modules[1].partition(" ")
        self.assertEqual(rest, "dom0-kernel console=hvc0,9600 root=/dev/xvda")
        self.assertEqual(os.path.realpath(path), os.path.realpath(self.folder / "vm linux"))

    def test_a_line_that_is_too_long_is_refused(self):
        self.assertIn("limit is 1023", self.refused(1, "--print", "--bare", "-c", "x" * 1100))

    def test_a_long_path_takes_no_room_of_the_arguments(self):
        folder = self.folder / "/".join(["deep" * 20] * 6)
        folder.mkdir(parents=True)
        (folder / "kernel").write_bytes(b"kernel")
        arguments = "x" * 900
        module = self.modules(self.qemu("--dom0-kernel", f"{folder}/kernel", "--dom0-args", arguments))[1]
        path, _, rest = module.partition(" ")
        self.assertEqual(rest, f"dom0-kernel {arguments}")
        self.assertEqual(os.path.realpath(path), os.path.realpath(folder / "kernel"))

    def linux(self, *words):
        return self.qemu("--no-build", *words)

    def test_linux_is_a_dom0_kernel(self):
        modules = self.modules(self.linux("--dom0-args", "loglevel=7"))
        self.assertEqual([module.split(" ")[1] for module in modules], ["boot-domain", "dom0-kernel", "dom0-initrd"])
        self.assertTrue(modules[1].startswith(f"{self.folder}/dom0/vmlinux dom0-kernel console=hvc0 "), modules[1])
        self.assertTrue(modules[1].endswith(" loglevel=7"), modules[1])
        self.assertTrue(modules[0].endswith(" dom0-memory=256"), modules[0])
        self.assertIn("dom0-memory=400", self.modules(self.linux("--dom0-memory", "400"))[0])

    def test_what_concerns_the_boot_domain_alone_keeps_it(self):
        for words in (["--bare"], ["--pvh"], ["--boot-domain", str(self.folder / "hello.elf")], ["--domain", f"{self.folder}/launch.dts"]):
            self.assertNotIn("vmlinux", " ".join(self.qemu(*words)), words)

    def test_linux_gets_command_and_files_in_its_ram_disk(self):
        (self.folder / "dom0" / "initrd.cpio.gz").write_bytes(b"1234")
        options = command_line.parse(["--linux", "--no-build", "--build-dir", str(self.folder), "-c", "echo 'a, b' 100% " + "x" * 2000,
                                      "--add", f"{self.folder}/launch.dts:two"])
        linux.prepare(options)
        data = options.dom0_initrd.read_bytes()
        self.assertTrue(data.startswith(b"1234070701"))
        self.assertIn(b"xeno/command\0", data)
        self.assertIn(b"echo 'a, b' 100% " + b"x" * 2000 + b"\n", data)
        self.assertIn(b"root/two\0", data)
        self.assertEqual((options.add, options.scratch_files), ([], [options.dom0_initrd]))

    def test_a_disk_comes_with_a_network(self):
        self.assertIn("disk.ext4", self.refused(1, "--no-build", "--disk"))
        (self.folder / "dom0" / "disk.ext4").write_bytes(b"")
        command = self.qemu("--no-build", "--native", "--disk")
        self.assertIn("root=/dev/vda", self.value(command, "-append"))
        self.assertIn("virtio-blk-pci,drive=root", command)
        self.assertIn(f"file={self.folder}/dom0/disk.ext4", " ".join(command))
        self.refused(2, "--bare", "--disk")

    def test_native_has_no_hypervisor(self):
        command = self.qemu("--no-build", "--native")
        self.assertEqual(self.value(command, "-kernel"), str(self.folder / "dom0/vmlinux"))
        self.assertEqual(self.value(command, "-initrd"), str(self.folder / "dom0/initrd.cpio.gz"))
        self.assertIn("console=ttyS0", self.value(command, "-append"))

    def test_missing_linux_is_named(self):
        (self.folder / "dom0/vmlinux").unlink()
        self.assertIn("dom0/vmlinux", self.refused(1, "--no-build", "--linux"))

    def test_pvh_passes_the_line_by_the_hypervisor(self):
        command = self.qemu("--pvh", "-c", "list")
        self.assertEqual(self.value(command, "-kernel"), str(self.folder / "xenolith-pvh.elf"))
        self.assertTrue(self.value(command, "-append").endswith(" -- exit-port=0x501 command=list"))
        self.refused(1, "--pvh", "--add", f"{self.folder}/hello.elf")

    def test_broken_launch_description(self):
        (self.folder / "bad.dts").write_text("/dts-v1/; / {\n")
        self.assertIn("bad.dts", self.refused(1, "--domain", str(self.folder / "bad.dts")))


class Console(unittest.TestCase):
    def filtered(self, chunks):
        shown, log = io.BytesIO(), io.BytesIO()
        xen_filter = console.XenFilter(shown.write, log)
        for chunk in chunks:
            xen_filter.feed(chunk)
        xen_filter.finish()
        return shown.getvalue(), log.getvalue(), xen_filter.ended

    def test_lines_of_xen_are_taken_out_however_they_are_cut(self):
        text = b"(XEN) one\nab(X(XEN) two\ncd\n(XE"
        for size in range(1, len(text) + 1):
            chunks = [text[i:i + size] for i in range(0, len(text), size)]
            self.assertEqual(self.filtered(chunks), (b"ab(Xcd\n(XE", b"(XEN) one\n(XEN) two\n", None), size)

    def test_line_ends_become_plain_however_they_are_cut(self):
        text = b"a\r\nb\r\r\nc\rd\r"
        for size in range(1, len(text) + 1):
            out = io.BytesIO()
            plain = console.PlainText(out)
            for i in range(0, len(text), size):
                plain.write(text[i:i + size])
            plain.finish()
            self.assertEqual(out.getvalue(), b"a\nb\nc\rd\r", size)

    def marked(self, chunks):
        shown, marks = io.BytesIO(), console.CommandFilter()
        marks.write = shown.write
        for chunk in chunks:
            marks.feed(chunk)
        marks.finish()
        return shown.getvalue(), marks.begun, marks.status

    def test_a_commands_output_and_status_however_they_are_cut(self):
        text = b"boot\x1e\r\n\x1exeno begin\x1e\r\none\x1e\r\ntw\x1exeno o\x1exeno status 107\x1e\r\nPower down\r\n"
        for size in range(1, len(text) + 1):
            chunks = [text[i:i + size] for i in range(0, len(text), size)]
            self.assertEqual(self.marked(chunks), (b"one\x1e\r\ntw\x1exeno o", True, 107), size)

    def test_a_command_that_never_ends_or_never_begins(self):
        self.assertEqual(self.marked([b"\x1exeno begin\x1e\nabc\n\x1exeno sta"]), (b"abc\n\x1exeno sta", True, None))
        self.assertEqual(self.marked([b"Kernel panic\n"]), (b"", False, None))

    def test_end_of_dom0(self):
        self.assertEqual(self.filtered([b"x(XEN) Hardware Dom0 halted: halting machine\n"])[2], 0)
        self.assertEqual(self.filtered([b"(XEN) Hardware Dom0 crashed: rebooting\n"])[2], 3)

    def test_statuses_of_qemu(self):
        with tempfile.NamedTemporaryFile() as log:
            self.assertEqual(console.translate(1, Path(log.name)), console.QEMU_FAILED)
            log.write(b"Xenolith\n")
            log.flush()
            for status, expected in ((0, 0), (1, 0), (3, 1), (7, 3), (255, 127), (2, console.QEMU_FAILED), (-9, 137)):
                self.assertEqual(console.translate(status, Path(log.name)), expected)


class Cpio(unittest.TestCase):
    def test_cpio_reads_it_back(self):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "a"
            source.write_bytes(b"12345")
            cpio.write(Path(folder) / "x.cpio", [("one", source), ("two.cfg", source)])
            data = (Path(folder) / "x.cpio").read_bytes()
        self.assertEqual(len(data) % 4, 0)
        names, at = [], 0
        while True:
            self.assertEqual(data[at:at + 6], b"070701")
            fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
            size, name_size = fields[6], fields[11]
            name = data[at + 110:at + 110 + name_size - 1].decode()
            at = (at + 110 + name_size + 3) & ~3
            if name == "TRAILER!!!":
                break
            names.append(name)
            self.assertEqual(data[at:at + size], b"12345")
            at = (at + size + 3) & ~3
        self.assertEqual(names, ["one", "two.cfg"])


if __name__ == "__main__":
    unittest.main()
