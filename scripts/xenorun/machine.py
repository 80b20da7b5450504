# SPDX-License-Identifier: MIT
#
# From options to a QEMU command: which images, which modules with which command lines, which serial port is whose.
# Invariant: COM1 is the control domain's console and COM2 the hypervisor's log on Xenolith; on Debian's Xen both come out of
# COM2, because dom0 writes to Xen's own console. A module's line is 'PATH NAME ARGUMENTS'; module 0 is the boot domain.
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import cpio

ROOT = Path(__file__).resolve().parents[2]
XEN_IMAGE = Path("/boot/xen-4.17-amd64.gz")
QEMU = "qemu-system-x86_64"
EXIT_PORT = 0x501
# As long as the hypervisor keeps of a module's line, without the NUL.
LINE_LIMIT = 1023
XEN_OWN_MIB = 128
MEMORY_MIB = 512


class Problem(Exception):
    """Something that the person who typed the command can mend; one line."""


@dataclass
class Module:
    path: Path
    name: str
    args: str = ""


@dataclass
class Machine:
    kernel: Path
    append: str
    modules: list
    qemu: list = field(default_factory=list)
    log_port_is_console: bool = False


def build_dir(options):
    if options.build_dir:
        return Path(options.build_dir).absolute()
    return ROOT / ("build" if options.preset == "release" else "build-debug")


def scratch_dir(options):
    folder = build_dir(options) / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def image(options, name):
    path = build_dir(options) / name
    if not path.is_file():
        raise Problem(f"{path} is not there: build it first (./run.sh without --no-build and --build-dir does)")
    return path


def boot_domain(options):
    return Path(options.boot_domain).absolute() if options.boot_domain else image(options, "guests/boot-domain")


def compile_launch(options):
    """The launch description as a .dtb; dtc's first complaint is the error."""
    source = Path(options.domain).absolute()
    if source.suffix == ".dtb":
        return source
    target = scratch_dir(options) / f"{re.sub(r'[^A-Za-z0-9._+-]', '_', source.stem)}-{os.getpid()}.dtb"
    options.scratch_files.append(target)
    result = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(target), str(source)], capture_output=True,
                            text=True, check=False)
    if result.returncode:
        raise Problem(f"--domain {options.domain}: {(result.stderr.strip().splitlines() or ['dtc fails'])[0]}")
    return target


def boot_words(options):
    words = [f"exit-port={EXIT_PORT:#x}"]
    if options.command is not None and not options.linux:
        words.append("command=" + quote(options.command, safe="/:=@+-._~"))
    if options.domain:
        words.append("launch=launch.dtb")
    if options.dom0_kernel:
        words.append("dom0=dom0-kernel")
    if options.dom0_initrd:
        words.append("dom0-initrd=dom0-initrd")
    if options.dom0_memory:
        words.append(f"dom0-memory={options.dom0_memory}")
    return " ".join(words + options.boot_args.split())


def extra_modules(options):
    """What follows the boot domain, in the order that a launch description's mb-index counts: 1 is the first --add."""
    modules = [Module(path.absolute(), name) for path, name in options.add]
    if options.dom0_kernel:
        modules.append(Module(Path(options.dom0_kernel).absolute(), "dom0-kernel", options.dom0_args or ""))
    if options.dom0_initrd:
        modules.append(Module(Path(options.dom0_initrd).absolute(), "dom0-initrd"))
    if options.domain:
        modules.append(Module(compile_launch(options), "launch.dtb"))
    return modules


def short_path(options, path):
    """A link to it from the folder for temporary files; QEMU ends a module's path at a blank."""
    folder = Path(tempfile.mkdtemp(prefix="xeno-"))
    if re.search(r"\s", str(folder)):
        raise Problem(f"{folder.parent}: QEMU takes no module from a folder with a blank in its path: set TMPDIR")
    link = folder / "m"
    link.symlink_to(path)
    options.scratch_files += [link, folder]
    return link


def module_line(options, module, named):
    """The path counts too for the hypervisor: a long one does not take the room of the arguments."""
    words = ([module.name] if named else []) + ([module.args] if module.args else [])
    line = " ".join([str(module.path)] + words)
    if re.search(r"\s", str(module.path)) or len(line.encode()) > LINE_LIMIT:
        line = " ".join([str(short_path(options, module.path))] + words)
    if len(line.encode()) > LINE_LIMIT:
        raise Problem(f"the command line of module '{module.name}' has {len(line.encode())} bytes, the limit is {LINE_LIMIT}")
    return line


def initrd(options, modules, named):
    """QEMU's -initrd for multiboot: a comma ends a module, two are one."""
    return ",".join(module_line(options, module, named).replace(",", ",,") for module in modules)


def xenolith(options):
    modules = [Module(boot_domain(options), "boot-domain", boot_words(options))] + extra_modules(options)
    append = " ".join(["log=com2 console=com1 exit=debug"] + options.hv_args.split())
    if options.pvh:
        # QEMU's PVH loader hands over one module and no line for it: the hypervisor passes on what follows '--'.
        if len(modules) > 1:
            raise Problem("--pvh: QEMU's PVH loader carries one module, the boot domain: no --add, --domain, --dom0-kernel")
        machine = Machine(image(options, "xenolith-pvh.elf"), f"{append} -- {modules[0].args}", modules)
        machine.qemu = ["-initrd", str(modules[0].path)]
        return machine
    machine = Machine(image(options, "xenolith.elf"), append, modules)
    machine.qemu = ["-initrd", initrd(options, modules, named=True)]
    return machine


def unpacked_xen(options):
    """QEMU's multiboot loader takes no compressed kernel."""
    if not XEN_IMAGE.is_file():
        raise Problem(f"{XEN_IMAGE} is not there: apt-get install xen-hypervisor-4.17-amd64")
    target = scratch_dir(options) / "xen-4.17-amd64"
    if not target.is_file() or target.stat().st_mtime < XEN_IMAGE.stat().st_mtime:
        part = target.with_suffix(f".{os.getpid()}")
        with gzip.open(XEN_IMAGE) as packed, open(part, "wb") as plain:
            shutil.copyfileobj(packed, plain)
        part.rename(target)
    return target


def takes_input(options):
    """
    Whether someone may type. If not, Xen's serial port goes without an interrupt: then each byte is sent before the hypercall
    returns, and none is left in Xen's buffer when the guest ends QEMU.
    """
    return options.command is None and not os.path.samestat(os.fstat(0), os.stat(os.devnull))


def debian_xen(options):
    """Debian's Xen hands dom0 its kernel's line and one initrd; for the boot domain that is a cpio archive of the modules."""
    if options.dom0_kernel:
        modules = [Module(Path(options.dom0_kernel).absolute(), "dom0-kernel", options.dom0_args or "")]
        if options.dom0_initrd:
            modules.append(Module(Path(options.dom0_initrd).absolute(), "dom0-initrd"))
    else:
        modules = [Module(boot_domain(options), "boot-domain", boot_words(options))]
        extra = extra_modules(options)
        if extra:
            archive = scratch_dir(options) / f"modules-{os.getpid()}.cpio"
            options.scratch_files.append(archive)
            cpio.write(archive, [(module.name, module.path) for module in extra])
            modules.append(Module(archive, "modules.cpio"))
    dom0_mib = min(options.dom0_memory or options.memory, options.memory - XEN_OWN_MIB)
    if dom0_mib < 32:
        raise Problem(f"--xen --memory {options.memory}: Xen keeps {XEN_OWN_MIB} MiB and dom0 needs 32: give {XEN_OWN_MIB + 32} or more")
    port = "115200,8n1" if takes_input(options) else "115200,8n1,0x2f8,-1"
    # Eager, because lazily restored registers get lost under QEMU's XSAVE (docs/compat/linux.md); --hv-args can take it back.
    append = (f"console=com2 com2={port} dom0_mem={dom0_mib}M,max:{dom0_mib}M loglvl=warning guest_loglvl=none no-real-mode "
              "spec-ctrl=eager-fpu")
    machine = Machine(unpacked_xen(options), " ".join([append] + options.hv_args.split()), modules, log_port_is_console=True)
    machine.qemu = ["-initrd", initrd(options, modules, named=False)]
    return machine


def native(options):
    """No hypervisor: QEMU starts Linux by its PVH entry, and COM1 is its console."""
    machine = Machine(Path(options.dom0_kernel), options.dom0_args, [Module(Path(options.dom0_initrd), "dom0-initrd")])
    machine.qemu = ["-initrd", str(options.dom0_initrd)]
    return machine


def qemu_command(options, machine, console, log):
    """console and log are QEMU's names of character devices."""
    cpu = options.cpu_model or ("max,-smap" if options.xen else "max")
    accel = "tcg,thread=single" if options.one_thread else "tcg"
    first, second = ("null", console) if machine.log_port_is_console else (console, f"file:{log}")
    command = [QEMU, "-nodefaults", "-no-user-config", "-machine", "pc", "-accel", accel, "-cpu", cpu, "-m", str(options.memory),
               "-smp", str(options.cpus), "-display", "none", "-no-reboot", "-serial", first, "-serial", second,
               "-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=2"]
    if options.icount:
        command += ["-icount", "shift=0,sleep=off"]
    if options.gdb:
        command += ["-S", "-gdb", "tcp:127.0.0.1:1234"]
    command += ["-kernel", str(machine.kernel), "-append", machine.append] + machine.qemu
    return command + options.devices + options.qemu_args


def plan(options):
    options.memory = options.memory or MEMORY_MIB
    if options.native:
        return native(options)
    return debian_xen(options) if options.xen else xenolith(options)


def clean(options):
    for path in options.scratch_files:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


def fail(message):
    sys.stderr.write(f"run.sh: {message}\n")
