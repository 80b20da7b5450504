# SPDX-License-Identifier: MIT
#
# Debian's Linux as the control domain: from run.sh's options to a kernel, a RAM disk with the command and the files in it,
# and a command line. docs/how-to/linux-dom0.md is the contract.
# Invariant: command and files travel in an archive behind the RAM disk, so neither quoting nor a line's length matters.
import os
import shutil
import sys

import cpio
import machine

# Few messages on the console, which is the command's; a kernel that panics ends the machine at once.
ARGUMENTS = "quiet panic=-1"
EXAMPLES = machine.ROOT / "examples"
# Enough for the tools; the rest of the machine is for guests.
MEMORY_MIB = 256
# The examples lie in dom0's memory, and so does what a packed kernel unpacks to: (dom0's, the machine's).
EXAMPLES_MIB = (384, 768)


def images(options):
    """Debian's kernel, the RAM disk and, with --disk, the disk; made if need be, unless --no-build says to take what is there."""
    build = machine.build_dir(options)
    if options.no_build:
        names = ["vmlinux", "initrd.cpio.gz"] + (["disk.ext4"] if options.disk else [])
        return [machine.image(options, f"dom0/{name}") for name in names]
    # Only here, for most runs need neither.
    sys.path.append(str(machine.ROOT / "dom0-tools" / "dom0-image"))
    import make as dom0_image
    import packages
    try:
        if not (build / "dom0" / ("disk.ext4" if options.disk else "vmlinux")).is_file():
            sys.stderr.write("run.sh: making the control domain's images from Debian's packages\n")
        return [*dom0_image.make(build)] + ([dom0_image.make_disk(build)] if options.disk else [])
    except packages.Problem as problem:
        raise machine.Problem(f"the control domain's images cannot be made: {problem} (--bare does without)") from problem


def examples(options, initrd):
    """
    What /examples has: configurations of domains and what they name, (name, path). In a shell they are always there; a command gets
    them if it names the folder, for they are three times the RAM disk.
    """
    build = machine.build_dir(options)
    files = [("hello", build / "guests" / "hello"), ("vmlinuz", build / "dom0" / "vmlinuz"), ("initrd", initrd)]
    if options.native or (options.command is not None and "/examples" not in options.command) or not all(path.is_file() for _, path in files):
        return []
    return [(path.name, path) for path in sorted(EXAMPLES.glob("*.cfg"))] + files


def ram_disk(options, plain, shown):
    """The RAM disk with the command, the examples and the files of --add, for this run alone."""
    if options.command is None and not options.add and not shown:
        return plain
    target = machine.scratch_dir(options) / f"initrd-{os.getpid()}"
    options.scratch_files.append(target)
    shutil.copyfile(plain, target)
    with open(target, "ab") as out:
        archive = cpio.Writer(out)
        if options.command is not None:
            archive.file("xeno/command", options.command.encode() + b"\n")
        if shown:
            archive.folder("examples")
        for name, path in shown:
            archive.file(f"examples/{name}", path.read_bytes())
        for path, name in options.add:
            archive.file(f"root/{name}", path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644)
        archive.end()
    return target


def prepare(options):
    """Turns the options into those of a --dom0-kernel: what follows needs to know nothing of Linux."""
    kernel, initrd, *disk = images(options)
    console = "ttyS0" if options.native else "hvc0"
    words = [f"console={console}", ARGUMENTS]
    if disk:
        words += ["root=/dev/vda", "systemd.show_status=false"]
        options.devices = ["-drive", f"if=none,id=root,format=raw,file={disk[0]}", "-device", "virtio-blk-pci,drive=root",
                           "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
    shown = examples(options, initrd)
    if shown:
        dom0, machine_mib = EXAMPLES_MIB
        options.memory = options.memory or machine_mib
        options.dom0_memory = options.dom0_memory or (dom0 if options.memory >= machine_mib else None)
    options.dom0_kernel, options.dom0_initrd = kernel, ram_disk(options, initrd, shown)
    options.dom0_args = " ".join(words + [options.dom0_args or ""]).strip()
    options.dom0_memory = options.dom0_memory or MEMORY_MIB
    options.add = []
