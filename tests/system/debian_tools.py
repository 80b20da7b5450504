# SPDX-License-Identifier: MIT
#
# Debian's tools for its Xen (packages xen-utils-4.17, xen-utils-common), fetched like the kernels of dom0-image and not installed:
# the programs for this machine, and an archive with xl and its daemons for the RAM disk of a control domain.
# Invariant: the libraries are this machine's, which libxen-dev's dependencies have brought.
import contextlib
import re
import subprocess
import tempfile
from pathlib import Path

import linux_cases  # it knows where the next two are
import cpio
import packages
import qemu

PACKAGES = ["xen-utils-4.17", "xen-utils-common"]
# Of the package xenstore-utils, which is installed.
CLIENT = Path("/usr/bin/xenstore")
PLACE = "usr/lib/xen-4.17/bin"
# What `xencommons` and xl start: the rest of the package is left out.
PROGRAMS = ["xl", "oxenstored", "xenconsoled", "xenconsole", "xen-init-dom0"]
CONFIGURATION = ["etc/xen/xl.conf", "etc/xen/oxenstored.conf"]
FOLDERS = ["etc/xen", "run/xen", "run/xenstored", "var/lib/xen", "var/lib/xenstored", "var/log/xen", "var/lock", "var/lib/xen/dump"]


def folder():
    """The packages' files, in a folder of the build's; the test is skipped where they cannot be had."""
    try:
        debs = [packages.fetch(name, qemu.BUILD / "dom0" / "packages") for name in PACKAGES]
    except packages.Unreachable as problem:
        raise qemu.Skip(str(problem)) from problem
    target = qemu.BUILD / "dom0" / debs[0].stem
    if not target.is_dir():
        part = Path(tempfile.mkdtemp(dir=target.parent))
        for deb in debs:
            subprocess.run(["dpkg-deb", "-x", str(deb), str(part)], check=True, timeout=120)
        with contextlib.suppress(OSError):
            part.rename(target)  # another test has been as fast
    return target


def libraries(program):
    """The files that the program's loader maps, and the loader."""
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    if "not found" in said:
        raise qemu.Skip(f"{program.name} lacks a library here: install libxen-dev")
    # The last one is loaded when a thread ends.
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", said)} | {Path("/lib/x86_64-linux-gnu/libgcc_s.so.1")}


def archive(path):
    """Writes a cpio archive with xl, its daemons and their libraries, to be unpacked at a RAM disk's root."""
    top = folder()
    files = set().union(*(libraries(top / PLACE / name) for name in PROGRAMS))
    with open(path, "wb") as out:
        writer = cpio.Writer(out)
        for name in sorted({str(parent) for name in FOLDERS + [f"{PLACE}/x", "lib64/x", "lib/x86_64-linux-gnu/x"]
                            for parent in [*Path(name).parents] + ([Path(name)] if name in FOLDERS else [])} - {".", "lib", "usr"}):
            writer.folder(name)
        for name in PROGRAMS:
            writer.file(f"{PLACE}/{name}", (top / PLACE / name).read_bytes(), 0o755)
        for name in CONFIGURATION:
            writer.file(name, (top / name).read_bytes())
        for library in sorted(files):
            writer.file(str(library).lstrip("/"), library.read_bytes(), 0o755)
        writer.link("usr/bin/xl", f"/{PLACE}/xl")
        writer.end()


# Started in a control domain whose init has started no daemons; the RAM disk's /lib is a link, which cpio leaves alone.
START = f"""
(cd / && cpio -idm <$OLDPWD/debian.cpio) 2>/dev/null
export PATH=$PATH:/{PLACE}
oxenstored --pid-file /run/xen/xenstored.pid >/dev/null
xenconsoled --pid-file=/run/xen/xenconsoled.pid
xen-init-dom0 >/dev/null
"""
