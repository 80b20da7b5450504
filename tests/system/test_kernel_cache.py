#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno kernel-cache, and the hook by which Debian's kernel packages call it, on the machine itself: neither needs a hypervisor. That
# create takes what they keep is in the tour of the verbs (xeno_linux_cases.py), on both hypervisors.
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import qemu
from xeno_linux_cases import HELLO, bzimage_of_hello

TOOLS = qemu.BUILD / "tools"
HOOK = qemu.ROOT / "dom0-tools" / "dom0-image" / "xeno-kernel-cache"


class Place:
    """A folder with a packed kernel and a cache of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.cache = self.folder / "cache"
        self.cache.mkdir(mode=0o700)
        self.packed = self.folder / "vmlinuz"
        self.packed.write_bytes(bzimage_of_hello())
        self.broken = self.folder / "broken"
        self.broken.write_bytes(bzimage_of_hello()[:-9])

    def run(self, *words, path=TOOLS):
        environment = {"PATH": f"{path}:/usr/bin:/bin", "XENO_KERNEL_CACHE": str(self.cache)}
        done = subprocess.run([str(word) for word in words], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=qemu.HANG, check=False)
        return done.returncode, done.stdout, done.stderr

    def kept(self):
        return [path.read_bytes() for path in self.cache.iterdir()]


def expect(found, wanted):
    if found != wanted:
        raise qemu.Failure(f"expected {wanted}, found {found}")


def the_verb(place):
    xeno = (TOOLS / "xeno", "kernel-cache")
    expect(place.run(*xeno, "vmlinuz"), (0, "vmlinuz is kept now\n", ""))
    expect(place.kept(), [HELLO.read_bytes()])
    status, said, errors = place.run(*xeno, "nothing", "broken", HELLO, "vmlinuz")
    expect((status, said), (1, f"{HELLO} is not packed: nothing to do\nvmlinuz is kept already\n"))
    expect(errors, "xeno kernel-cache: nothing: No such file or directory\nxeno kernel-cache: broken: the bzImage ends before its kernel does: it is cut short\n")
    expect(place.run(*xeno, "--forget", "vmlinuz"), (0, "vmlinuz is not kept any more\n", ""))
    expect(place.run(*xeno, "--forget", "vmlinuz"), (0, "vmlinuz is not kept\n", ""))
    expect(place.kept(), [])
    for words in ((), ("--forget",), ("--verbose", "vmlinuz")):
        expect(place.run(*xeno, *words)[0], 2)
    place.cache.chmod(0o777)
    status, said, errors = place.run(*xeno, "vmlinuz")
    expect((status, said, errors.count("\n")), (1, "", 1))
    expect(place.kept(), [])
    place.cache.chmod(0o700)


def the_hook(place):
    """As a kernel package's scripts run it: each program of a folder, with the version and the image's path."""
    for when in ("postinst.d", "prerm.d"):
        (place.folder / when).mkdir()
        shutil.copy(HOOK, place.folder / when)

    def hooks(when, image, **more):
        return place.run("run-parts", "--exit-on-error", "--arg=6.1.0", f"--arg={image}", place.folder / when, **more)

    expect(hooks("postinst.d", place.packed), (0, f"{place.packed} is kept now\n", ""))
    expect(place.kept(), [HELLO.read_bytes()])
    expect(hooks("prerm.d", place.packed), (0, f"{place.packed} is not kept any more\n", ""))
    expect(place.kept(), [])
    # Whatever goes wrong, the package is installed.
    expect(hooks("postinst.d", place.packed, path=place.cache), (0, "", ""))
    expect(hooks("postinst.d", "/nowhere"), (0, "", ""))
    status, said, errors = hooks("postinst.d", place.broken)
    expect((status, said, errors.count("\n")), (0, "", 1))


def test_unpacked_before_it_is_needed():
    """By hand and by a kernel's package. A file that has just come is waited for, three seconds, once."""
    with tempfile.TemporaryDirectory(prefix="kernels-") as folder:
        place = Place(folder)
        the_verb(place)
        the_hook(place)


def test_installed():
    """Into the folder for configuration: /etc, where kernel packages look, if whoever configures the build says so."""
    with tempfile.TemporaryDirectory(prefix="kernels-") as folder:
        environment = {**os.environ, "DESTDIR": folder}
        done = subprocess.run(["cmake", "--install", str(qemu.BUILD), "--prefix", "/usr"], env=environment, capture_output=True, text=True,
                              timeout=qemu.HANG, check=False)
        expect((done.returncode, done.stderr), (0, ""))
        for when in ("postinst.d", "prerm.d"):
            found = Path(folder) / "usr" / "etc" / "kernel" / when / HOOK.name
            if not os.access(found, os.X_OK) or found.read_bytes() != HOOK.read_bytes():
                raise qemu.Failure(f"{found} is not the hook, or cannot be run")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
