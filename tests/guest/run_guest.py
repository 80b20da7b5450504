#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Boots one guest image in QEMU, as dom0, as a domain that the boot domain builds, or a native one on the bare machine
# (--as native, --on multiboot or pvh), prints its console, and exits by its result: 0 SUCCESS (or, for an image that is no test, an orderly end), 1 FAILURE, 2 ERROR, 3 crashed, 77 SKIP, 124 timed out.
# Invariant: a guest that ends without a RESULT line and was no orderly end is never a success.
import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATUS = {"SUCCESS": 0, "FAILURE": 1, "ERROR": 2, "CRASH": 3, "SKIP": 77, "TIMEOUT": 124}
RESULT = re.compile(r"^RESULT: (SUCCESS|FAILURE|SKIP|ERROR) (\S+)$", re.MULTILINE)
EXPECT_CRASH = re.compile(r"^EXPECT: CRASH \S+$", re.MULTILINE)
CRASH_REPORT = re.compile(r"^\*\*\* CRASH on CPU", re.MULTILINE)
# How the control domain tells the end of a domain that it built.
DOMU_CRASHED = re.compile(r"^xeno: guest: crashed\n?", re.MULTILINE)
DOMU_RUNS = re.compile(r"^guest +\d+ .*$", re.MULTILINE)
LIST = re.compile(r"^(Name +ID +Mem VCPUs|Domain-0 +\d+ ).*\n?", re.MULTILINE)
# Statuses of run.sh (docs/how-to/run.md).
RUN_CRASHED, RUN_TIMEOUT = 3, 124
DOMU_MIB = 32
# Of a native image: where it tells its status, and the last thing that firmware prints.
NATIVE_EXIT_PORT = 0x501
FIRMWARE_END = "Booting from ROM.."
# Around a domU on our hypervisor: what is free before and after it.
ASK_FREE = "echo FREE; info free_pages"
# Between a first life that nobody looks at and the one that counts.
AGAIN = "AGAIN"
FREE = re.compile(r"^FREE\n(\d+)\n", re.MULTILINE)
# The domain beside a test that asks for one: it counts to BESIDE_COUNT, whatever the test does.
BESIDE_COUNT = 5
BESIDE = f'name = "beside"\nkernel = "beside"\nmemory = 8\nextra = "{BESIDE_COUNT}"\n'
BESIDE_SAID = re.compile(r"^hello from \S+\n" + "".join(rf"hello {i}\n" for i in range(1, BESIDE_COUNT + 1)), re.MULTILINE)


class Problem(Exception):
    """One line for the person who typed the command."""


@dataclass
class Options:
    on: str = "xenolith"
    role: str = "dom0"
    args: str = ""
    cpus: int = 1
    vcpus: int = 0  # of a domU; 0: as many as the machine has CPUs
    memory: int = 256
    cpu_model: str = ""
    timeout: int = 120
    build_dir: Path = ROOT / "build"
    beside: bool = False  # another domain runs at the same time, and must not notice
    icount: bool = False  # instructions as the clock: the run is the same every time
    disk_size: int = 0  # bytes of a disk, filled by module_bytes(); 0: none
    module_size: int = 0  # bytes of a module besides the image, filled by module_bytes(); 0: none
    config: str = ""  # more pairs of a domU's configuration
    qemu_args: list = field(default_factory=list)


@dataclass
class Outcome:
    result: str
    console: str
    log: str

    @property
    def observations(self):
        return [line for line in self.console.splitlines() if line.startswith(("TEST ", "EXPECT:", "RESULT:"))]


def module_bytes(size):
    """What a test expects in its module."""
    return bytes(i * 7 % 251 for i in range(size))


def role_words(image, options, scratch):
    """What tells run.sh to start the image in its role."""
    module = scratch / "module"
    if options.module_size:
        module.write_bytes(module_bytes(options.module_size))
    if options.role == "dom0":
        words = ["--dom0-kernel", image] + (["--dom0-args", options.args] if options.args else [])
        return words + (["--dom0-initrd", module] if options.module_size else [])
    config = [f'name = "guest"\nkernel = "guest"\nmemory = {DOMU_MIB}\nvcpus = {options.vcpus or options.cpus}\nextra = "{options.args}"', options.config]
    words = ["--bare", "--add", f"{image}:guest", "--add", scratch / "guest.cfg"]
    if options.module_size:
        config.append('ramdisk = "module"')
        words += ["--add", module]
    if options.disk_size:
        (scratch / "disk").write_bytes(module_bytes(options.disk_size))
        config.append('disk = ["file:disk,raw,xvda,w"]')
        words += ["--add", scratch / "disk"]
    (scratch / "guest.cfg").write_text("\n".join(config) + "\n", encoding="ascii")
    return words + beside_words(options, scratch) + ["-c", domu_command(options)]


def beside_words(options, scratch):
    (scratch / "beside.cfg").write_text(BESIDE, encoding="ascii")
    return ["--add", f"{options.build_dir / 'guests' / 'hello'}:beside", "--add", scratch / "beside.cfg"] if options.beside else []


def domu_command(options):
    """
    The first life of a domain may leave tables of the hypervisor's behind; from then on every frame has to come back. With a disk it is a
    whole life, for what its backend maps counts too.
    """
    life = "create guest.cfg && console guest"
    commands = [life]
    if options.beside:
        commands = ["create beside.cfg"] + commands + ["console beside"]
    if options.on == "xenolith":
        first = f"{life}; echo {AGAIN}" if options.disk_size else "create -p guest.cfg && destroy guest"
        commands = [first, ASK_FREE] + commands + [ASK_FREE]
    return "; ".join(commands + ["list"])


def command(image, options, scratch):
    words = [sys.executable, "-B", str(ROOT / "scripts" / "xenorun"), "--build-dir", options.build_dir, "--log", scratch / "log",
             "--timeout", options.timeout, "--memory", options.memory, "--cpus", options.cpus]
    words += ["--xen"] if options.on == "xen" else []
    words += ["--cpu-model", options.cpu_model] if options.cpu_model else []
    words += ["--icount"] if options.icount else []
    words += role_words(image, options, scratch)
    return [str(word) for word in words + (["--"] + options.qemu_args if options.qemu_args else [])]


def without_multiboot(image, scratch):
    """QEMU takes the multiboot way wherever it finds the magic: without it the image is started by its PVH note."""
    target = scratch / "image"
    subprocess.run([sys.executable, "-B", str(ROOT / "scripts" / "blank_multiboot1.py"), str(image), str(target)], check=True)
    return target


def native_command(image, options, scratch):
    """QEMU with nothing between it and the image: COM1 is the console, the exit port ends the run."""
    image = without_multiboot(image, scratch) if options.on == "pvh" else image
    words = ["qemu-system-x86_64", "-accel", "tcg", "-m", options.memory, "-smp", options.cpus, "-nodefaults", "-net", "none", "-display", "none",
             "-monitor", "none", "-no-reboot", "-serial", f"file:{scratch / 'console'}", "-device", f"isa-debug-exit,iobase={NATIVE_EXIT_PORT:#x},iosize=2",
             "-kernel", image, "-append", f"{options.args} exit-port={NATIVE_EXIT_PORT:#x}"]
    words += ["-cpu", options.cpu_model] if options.cpu_model else []
    words += ["-icount", "shift=0"] if options.icount else []
    words += ["-initrd", scratch / "module"] if options.module_size else []
    words += ["-drive", f"file={scratch / 'disk'},format=raw,if=ide"] if options.disk_size else []
    return [str(word) for word in words + options.qemu_args]


def run_native(image, options, scratch):
    """The exit port makes QEMU end with 2 * status + 1; a machine that powers off by itself ends with 0."""
    (scratch / "module").write_bytes(module_bytes(options.module_size))
    (scratch / "disk").write_bytes(module_bytes(options.disk_size))
    try:
        status = subprocess.run(native_command(image, options, scratch), stdin=subprocess.DEVNULL, capture_output=True, check=False,
                                timeout=options.timeout)
        errors, status = status.stderr.decode(errors="replace"), status.returncode
    except subprocess.TimeoutExpired:
        errors, status = "", RUN_TIMEOUT
    console = scratch / "console"
    text = console.read_text(errors="replace").replace("\r", "") if console.is_file() else ""
    if status not in (0, RUN_TIMEOUT) and status % 2 == 0:
        raise Problem((errors.strip().splitlines() or [f"QEMU ended with {status}"])[-1])
    # Firmware talks on the same line before the kernel does.
    return text[text.rfind(FIRMWARE_END) + len(FIRMWARE_END):] if FIRMWARE_END in text else text, status >> 1 if status % 2 else status


def judge(console, status, role):
    results = RESULT.findall(console)
    crashed = DOMU_CRASHED.search(console) if role == "domu" else status == RUN_CRASHED
    if len(results) > 1:
        return "ERROR"
    if results:
        return results[0][0]
    if status == RUN_TIMEOUT:
        return "TIMEOUT"
    if EXPECT_CRASH.search(console):
        return "SUCCESS" if crashed and not CRASH_REPORT.search(console) else "FAILURE"
    if crashed or CRASH_REPORT.search(console):
        return "CRASH"
    return "SUCCESS" if status == 0 and not DOMU_RUNS.search(console) else "FAILURE"


def judge_rest(result, console, options):
    """What a domU leaves behind: all of the memory, and its neighbour. The result, and the console without what others said."""
    free = FREE.findall(console)
    console = LIST.sub("", DOMU_CRASHED.sub("", FREE.sub("", console)))
    if options.beside and result == "SUCCESS" and not BESIDE_SAID.search(console):
        result, console = "FAILURE", console + "run_guest.py: the domain beside it was disturbed\n"
    if options.on == "xenolith" and result == "SUCCESS" and (len(free) != 2 or free[0] != free[1]):
        result, console = "FAILURE", console + f"run_guest.py: free memory before and after it, in pages: {' '.join(free)}\n"
    return result, console


def run(image, options):
    image = Path(image).absolute()
    if not image.is_file():
        raise Problem(f"{image} is not there: build it first")
    with tempfile.TemporaryDirectory(prefix="guest-test-") as folder:
        scratch = Path(folder)
        if options.role == "native":
            console, status = run_native(image, options, scratch)
            return Outcome(judge(console, status, options.role), console, "")
        done = subprocess.run(command(image, options, scratch), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        log = scratch / "log"
        logged = log.read_text(errors="replace").replace("\r", "") if log.is_file() else ""
    console = done.stdout.decode(errors="replace").replace("\r", "")
    console = console.rpartition(f"{AGAIN}\n")[2]
    result = judge(console, done.returncode, options.role)
    if options.role == "domu":
        result, console = judge_rest(result, console, options)
    errors = done.stderr.decode(errors="replace")
    if not console and errors and done.returncode != RUN_TIMEOUT:
        raise Problem(errors.strip().splitlines()[-1])
    return Outcome(result, console, logged)


def parse(argv):
    parser = argparse.ArgumentParser(description="Boot a PV guest image in QEMU and print its console.")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--on", choices=["xen", "xenolith", "multiboot", "pvh"], default="xenolith")
    parser.add_argument("--as", dest="role", choices=["dom0", "domu", "native"], default="dom0")
    parser.add_argument("--args", default="", help="the guest's command line")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--vcpus", type=int, default=0, help="of a domU (as many as CPUs)")
    parser.add_argument("--memory", type=int, default=256, metavar="MIB", help="of the machine")
    parser.add_argument("--cpu-model", default="")
    parser.add_argument("--icount", action="store_true", help="count instructions: the run is repeatable")
    parser.add_argument("--timeout", type=int, default=120, metavar="S")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build")
    parser.add_argument("--log", action="store_true", help="print the hypervisor's log as well")
    parser.add_argument("qemu_args", nargs="*", metavar="-- QEMU-ARGS")
    return parser.parse_args(argv)


def main():
    found = parse(sys.argv[1:])
    options = Options(found.on, found.role, found.args, found.cpus, found.vcpus, found.memory, found.cpu_model, found.timeout,
                      found.build_dir.absolute(), icount=found.icount, qemu_args=found.qemu_args)
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
