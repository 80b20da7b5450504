# SPDX-License-Identifier: MIT
#
# The command line of run.sh. Its options are a contract that scripts hang on: none changes its meaning.
# Invariant: whatever is wrong with the command line is told in one line before anything is done: status 2, or 1 where a file
# that it names is not there.
import argparse
import re
import sys
from pathlib import Path

PROGRAM = "run.sh"
NAME = re.compile(r"^[A-Za-z0-9._+-]{1,63}$")
INPUT_ERROR = 1
USAGE_ERROR = 2


class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.stderr.write(f"{PROGRAM}: {message} (--help tells the options)\n")
        sys.exit(USAGE_ERROR)


def positive(text):
    value = int(text, 10) if text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return value


def cpus(text):
    value = positive(text)
    if value > 255:
        raise argparse.ArgumentTypeError(f"{value} CPUs are more than QEMU's pc machine has")
    return value


def build_parser():
    parser = Parser(prog=PROGRAM, allow_abbrev=False, usage=f"{PROGRAM} [OPTIONS] [-- QEMU-ARGS]",
                    description="Boots Xenolith in QEMU. Without options: Linux as the control domain; Ctrl-A X ends it.")
    add = parser.add_argument
    add("-c", dest="command", metavar="COMMAND", help="run COMMAND in the control domain, print its output, exit with its status")
    add("--disk", action="store_true", help="Linux with its root on a disk: a minimal Debian with network, which keeps what is written")
    add("--dom0-kernel", metavar="FILE", help="boot this PV kernel as dom0; ends when it does (0 shut down, 3 crashed)")
    add("--dom0-initrd", metavar="FILE", help="its initial RAM disk")
    add("--dom0-args", metavar="STRING", help="its command line; with Linux: more words for it")
    add("--dom0-memory", metavar="MIB", type=positive, help="its memory (Linux: 256; with /examples 384)")
    add("--bare", action="store_true", help="the boot domain stays as the control domain")
    add("--linux", action="store_true", help="Debian's Linux is the control domain (the default)")
    add("--native", action="store_true", help="that Linux on the machine itself, without a hypervisor")
    add("--add", metavar="FILE[:NAME]", action="append", default=[], help="hand a file to the control domain (repeatable)")
    add("--domain", metavar="FILE.dts", help="boot a launch description (.dts, or a compiled .dtb)")
    add("--memory", metavar="MIB", type=positive, help="the machine's memory (512; with /examples in Linux 768)")
    add("--cpus", metavar="N", type=cpus, default=1, help="the machine's CPUs (1)")
    add("--cpu-model", metavar="STR", help="QEMU's -cpu (max; with --xen: max,-smap)")
    add("--one-thread", action="store_true", help="QEMU runs all CPUs by turns: for several CPUs and a kernel that patches itself (docs/compat/linux.md)")
    add("--icount", action="store_true", help="count instructions: one a virtual nanosecond, repeatable")
    add("--timeout", metavar="S", type=positive, help="end the run after S seconds with status 124")
    add("--gdb", action="store_true", help="wait for gdb on localhost:1234 before the first instruction")
    add("--log", metavar="FILE", help="keep the hypervisor's log in FILE")
    add("--print", dest="print_only", action="store_true", help="print the images' paths and the QEMU command, run nothing")
    add("--xen", action="store_true", help="the same on Debian's Xen 4.17 instead of Xenolith")
    add("--pvh", action="store_true", help="start Xenolith by its PVH entry instead of multiboot1")
    add("--boot-domain", metavar="FILE", help="this ELF as the boot domain instead of the one that was built")
    add("--boot-args", metavar="STRING", default="", help="more words for the boot domain's command line")
    add("--hv-args", metavar="STRING", default="", help="more words for the hypervisor's command line")
    add("--build-dir", metavar="DIR", help="take the images from DIR, build nothing")
    add("--no-build", action="store_true", help="take the images as they are")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--release", dest="preset", action="store_const", const="release", help="optimized images, build/ (default)")
    kind.add_argument("--debug", dest="preset", action="store_const", const="debug", help="images with checks, build-debug/")
    parser.set_defaults(preset="release")
    return parser


def split_add(parser, text):
    """FILE[:NAME]; a file whose own name has a colon is taken as it is."""
    path, colon, name = text.rpartition(":")
    if not colon or Path(text).exists():
        path, name = text, Path(text).name
    if not NAME.match(name):
        parser.error(f"--add {text}: the name '{name}' may have letters, digits and ._+- only: give one by FILE:NAME")
    return Path(path), name


def need_file(option, path):
    if path is not None and not Path(path).is_file():
        what = "is a folder" if Path(path).is_dir() else "no such file"
        sys.stderr.write(f"{PROGRAM}: {option} {path}: {what}\n")
        sys.exit(INPUT_ERROR)


def parse(arguments):
    parser = build_parser()
    qemu_args = []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, qemu_args = arguments[:cut], arguments[cut + 1:]
    options = parser.parse_args(arguments)
    options.qemu_args = qemu_args
    options.scratch_files, options.devices = [], []
    options.add = [split_add(parser, text) for text in options.add]
    names = [name for _, name in options.add]
    for name in set(names):
        if names.count(name) > 1:
            parser.error(f"--add: the name '{name}' is given twice")
    for path, _ in options.add:
        need_file("--add", path)
    for option in ("dom0_kernel", "dom0_initrd", "domain", "boot_domain"):
        need_file("--" + option.replace("_", "-"), getattr(options, option))
    choose_control(parser, options)
    return options


def choose_control(parser, options):
    """Who is the control domain: Linux, a kernel that is named, or the boot domain. Whatever contradicts it is refused."""
    named = [option for option in ("--bare", "--linux", "--native", "--dom0-kernel") if getattr(options, option[2:].replace("-", "_"))]
    if len(named) > 1:
        parser.error(f"{' and '.join(named)} name different control domains: give one of them")
    # What is the boot domain's own business keeps it as the control domain.
    alone = options.domain or options.boot_domain or options.pvh
    options.bare = options.bare or not named and bool(alone)
    options.linux = options.linux or options.native or not (options.bare or options.dom0_kernel)
    if options.disk and not options.linux:
        parser.error("--disk is Linux's: not with --bare and --dom0-kernel")
    if options.linux and (options.domain or options.pvh):
        parser.error("--domain and --pvh are for the boot domain alone: give them with --bare")
    if options.dom0_memory is not None and (options.native or (options.bare and not options.xen)):
        parser.error("--dom0-memory is for a dom0 that is built at boot, or --xen; --memory is the machine's")
    if options.dom0_kernel is None and options.dom0_initrd:
        parser.error("--dom0-initrd needs --dom0-kernel")
    if options.bare and options.dom0_args is not None:
        parser.error("--dom0-args needs --dom0-kernel or --linux")
    if options.dom0_kernel and options.command is not None:
        parser.error("-c runs in the control domain that run.sh knows, which a --dom0-kernel replaces: give one of the two")
    if options.native and (options.xen or options.pvh or options.hv_args):
        parser.error("--native is without a hypervisor: no --xen, --pvh, --hv-args")
    if options.dom0_kernel and options.domain:
        parser.error("--domain and --dom0-kernel: name the kernel in the launch description and hand it over by --add")
    if options.xen and options.pvh:
        parser.error("--pvh is an entry of Xenolith's, not for --xen")
    if options.xen and options.dom0_kernel and options.add:
        parser.error("--xen hands a dom0 kernel its initrd and nothing else: no --add")
