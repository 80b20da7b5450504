#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Boots one PV guest image in QEMU as the first domain of a hypervisor, prints its console, and exits by its result:
# 0 SUCCESS (or, for an image that is no test, an orderly end), 1 FAILURE, 2 ERROR, 3 crashed, 77 SKIP, 124 timed out.
# Invariant: QEMU never outlives this program.
import argparse
import gzip
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
XEN_IMAGE = Path("/boot/xen-4.17-amd64.gz")
EXIT_PORT = 0x501
STATUS = {"SUCCESS": 0, "FAILURE": 1, "ERROR": 2, "CRASH": 3, "SKIP": 77, "TIMEOUT": 124}
RESULT = re.compile(r"^RESULT: (SUCCESS|FAILURE|SKIP|ERROR) (\S+)$", re.MULTILINE)
EXPECT_CRASH = re.compile(r"^EXPECT: CRASH \S+$", re.MULTILINE)
XEN_LINE = re.compile(r"\(XEN\) [^\n]*\n")
# What each hypervisor says when its first domain has ended.
CRASHED = re.compile(r"Hardware Dom0 crashed|Domain 0 \(vcpu#\d+\) crashed|\bd\d+ crashed|^\*\*\* CRASH on CPU", re.MULTILINE)
HALTED = re.compile(r"Hardware Dom0 (halted|shutdown)")
# A guest that has said its last word has this long to end the machine.
GRACE_SECONDS = 5


class Problem(Exception):
    """One line for the person who typed the command."""


@dataclass
class Options:
    on: str = "xen"
    args: str = ""
    cpus: int = 1
    memory: int = 256
    cpu_model: str = ""
    timeout: float = 60
    build_dir: Path = ROOT / "build"
    module_size: int = 0  # bytes of a module besides the image, filled by module_bytes(); 0: none
    qemu_args: list = field(default_factory=list)


@dataclass
class Outcome:
    result: str
    console: str
    log: str

    @property
    def observations(self):
        return [line for line in self.console.splitlines() if line.startswith(("TEST ", "EXPECT:", "RESULT:"))]


def unpacked_xen(options):
    """QEMU's multiboot loader takes no compressed kernel."""
    if not XEN_IMAGE.is_file():
        raise Problem(f"{XEN_IMAGE} is not there: apt-get install xen-hypervisor-4.17-amd64")
    target = options.build_dir / "guests" / "xen-4.17-amd64"
    if not target.is_file() or target.stat().st_mtime < XEN_IMAGE.stat().st_mtime:
        part = target.with_suffix(f".{os.getpid()}")
        part.write_bytes(gzip.decompress(XEN_IMAGE.read_bytes()))
        part.rename(target)
    return target


def module_bytes(size):
    """What a test expects in its module."""
    return bytes(i * 7 % 251 for i in range(size))


def qemu_command(image, options, log):
    args = " ".join(f"exit-port={EXIT_PORT:#x} {options.args}".split()).replace(",", ",,")
    if options.on == "xen":
        kernel = unpacked_xen(options)
        append = f"console=com1 com1=115200,8n1 dom0_mem={max(options.memory - 128, 32)}M loglvl=warning guest_loglvl=none no-real-mode"
        initrd = f"{image} {args}"
        cpu = options.cpu_model or "max,-smap"
        serial = ["-serial", "stdio"]
    else:
        kernel = options.build_dir / "xenolith.elf"
        if not kernel.is_file():
            raise Problem(f"{kernel} is not there: build it first")
        append = "log=com2 console=com1 exit=debug"
        boot_domain = options.build_dir / "guests" / "boot-domain"
        words = "dom0=dom0-kernel" + (" dom0-initrd=module" if options.module_size else "")
        initrd = f"{boot_domain} boot-domain {words},{image} dom0-kernel {args}"
        cpu = options.cpu_model or "max"
        serial = ["-serial", "stdio", "-serial", f"file:{log}"]
    if options.module_size:
        module = log.with_name("module")
        module.write_bytes(module_bytes(options.module_size))
        initrd += f",{module}" if options.on == "xen" else f",{module} module"
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "pc,accel=tcg", "-cpu", cpu, "-m", str(options.memory),
            "-smp", str(options.cpus), "-display", "none", "-no-reboot", "-device",
            f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=2", *serial, "-kernel", str(kernel), "-append", append,
            "-initrd", initrd, *options.qemu_args]


def collect(process, timeout, log):
    """Everything that came out of the serial port; True if the time was up."""
    text = b""
    deadline = time.monotonic() + timeout
    ending = False
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return text, not ending
        ready, _, _ = select.select([process.stdout], [], [], min(left, 1))
        if ready:
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return text, False
            text += data
        seen = text.decode(errors="replace").replace("\r", "")
        if log.is_file():
            seen += "\n" + log.read_text(errors="replace")
        if not ending and (RESULT.search(seen) or CRASHED.search(seen) or HALTED.search(seen)):
            ending = True
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)


def judge(console, log, timed_out, qemu_status):
    both = console + "\n" + log
    results = RESULT.findall(console)
    if len(results) > 1:
        return "ERROR"
    if results:
        return results[0][0]
    if timed_out:
        return "TIMEOUT"
    if EXPECT_CRASH.search(console):
        return "SUCCESS" if CRASHED.search(both) else "FAILURE"
    if CRASHED.search(both):
        return "CRASH"
    # No test: the guest's own exit status, 2v+1, or an orderly end.
    return "SUCCESS" if qemu_status in (0, 1) or HALTED.search(both) else "FAILURE"


def run(image, options):
    image = Path(image).absolute()
    if not image.is_file():
        raise Problem(f"{image} is not there: build it first")
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        process = subprocess.Popen(qemu_command(image, options, log), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            raw, timed_out = collect(process, options.timeout, log)
        finally:
            process.kill()
            errors = process.stderr.read().decode(errors="replace")
            process.wait()
        logged = log.read_text(errors="replace").replace("\r", "") if log.is_file() else ""
    text = raw.decode(errors="replace").replace("\r", "")
    console = text
    if options.on == "xen":
        console = XEN_LINE.sub("", text)
        logged = "".join(XEN_LINE.findall(text))
    if not raw and errors:
        raise Problem(f"QEMU: {errors.strip().splitlines()[0]}")
    return Outcome(judge(console, logged, timed_out, process.returncode), console, logged)


def parse(argv):
    parser = argparse.ArgumentParser(description="Boot a PV guest image as the first domain of a hypervisor, in QEMU.")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--on", choices=["xen", "xenolith"], default="xenolith")
    parser.add_argument("--args", default="", help="the guest's command line")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--memory", type=int, default=256, metavar="MIB")
    parser.add_argument("--cpu-model", default="")
    parser.add_argument("--timeout", type=float, default=60, metavar="S")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build")
    parser.add_argument("--log", action="store_true", help="print the hypervisor's log as well")
    parser.add_argument("qemu_args", nargs="*", metavar="-- QEMU-ARGS")
    return parser.parse_args(argv)


def main():
    found = parse(sys.argv[1:])
    options = Options(found.on, found.args, found.cpus, found.memory, found.cpu_model, found.timeout, found.build_dir.absolute(),
                      found.qemu_args)
    try:
        outcome = run(found.image, options)
    except Problem as problem:
        sys.exit(f"run_guest.py: {problem}")
    sys.stdout.write(outcome.console)
    if found.log or outcome.result in ("CRASH", "TIMEOUT"):
        sys.stdout.write(outcome.log if found.log else "".join(outcome.log.splitlines(keepends=True)[-25:]))
    if outcome.result in ("CRASH", "TIMEOUT"):
        print(f"run_guest.py: {outcome.result}")
    sys.exit(STATUS[outcome.result])


if __name__ == "__main__":
    main()
