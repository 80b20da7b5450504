#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Makes the control domain's kernel and initial RAM disk, BUILD/dom0/vmlinux and initrd.cpio.gz, out of Debian's packages and
# our programs. make.py --help tells the rest; docs/how-to/linux-dom0.md is its page.
# Invariant: the same packages and programs give the same bytes; nothing is made again that is up to date, and what stands
# in its place is always complete.
import argparse
import fcntl
import functools
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "scripts" / "xenorun")]
import bzimage  # noqa: E402
import cpio  # noqa: E402
import disk  # noqa: E402
import modules  # noqa: E402
import packages  # noqa: E402

UNREACHABLE = 3
# Kind -> metapackage, and whether it is that of backports.
KERNELS = {"": ("linux-image-amd64", False), "-cloud": ("linux-image-cloud-amd64", False),
           "-backports": ("linux-image-amd64", True), "-cloud-backports": ("linux-image-cloud-amd64", True)}
FOLDERS = ["bin", "dev", "etc", "mnt", "proc", "root", "run", "sys", "tmp", "usr", "usr/bin", "usr/sbin", "usr/share",
           "usr/share/udhcpc", "usr/share/xeno", "var", "xeno"]
# Of this folder, with their modes.
SCRIPTS = {"init": ("init", 0o755), "keep": ("usr/sbin/keep", 0o755), "udhcpc.sh": ("usr/share/udhcpc/default.script", 0o755),
           **{name: (f"usr/share/xeno/{name}", 0o644) for name in ("xenostored.service", "xenoconsoled.service")},
           "xeno-kernel-cache": ("usr/share/xeno/xeno-kernel-cache", 0o755)}
LINKS = [("sbin", "bin"), ("lib", "usr/lib"), ("var/run", "/run")]
TEXTS = {
    "etc/passwd": "root::0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\ntty:x:5:\n",
    "etc/hostname": "dom0\n",
    "etc/hosts": "127.0.0.1 localhost dom0\n",
}
MODULES = "lib/modules/"
# The ELF program header type of a dynamic program's interpreter (PT_INTERP).
INTERPRETER = 3


def words_of(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def is_static(elf):
    """What is no ELF file is a script, and needs the shell that is there."""
    if elf[:4] != b"\x7fELF":
        return True
    offset = int.from_bytes(elf[0x20:0x28], "little")
    size, count = int.from_bytes(elf[0x36:0x38], "little"), int.from_bytes(elf[0x38:0x3a], "little")
    return all(int.from_bytes(elf[offset + i * size:offset + i * size + 4], "little") != INTERPRETER for i in range(count))


def programs(build):
    """name -> (contents, False) of our programs, as the build made them; (target, True) of what is a link there."""
    found = {}
    for path in sorted((build / "tools").glob("*")):
        if path.is_symlink():
            found[path.name] = (os.readlink(path).encode(), True)
        elif path.is_file() and os.access(path, os.X_OK) and path.suffix != ".debug":
            found[path.name] = (path.read_bytes(), False)
            if not is_static(found[path.name][0]):
                raise packages.Problem(f"{path} is not static: it cannot run in the RAM disk")
    return found


def screen(build):
    """What needs libraries that the RAM disk has not: it comes along for a disk. Contents, or nothing where it was not built."""
    path = build / "screen" / "xeno-top"
    return path.read_bytes() if path.is_file() else b""


def fingerprint(parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def sources():
    files = sorted(path for path in HERE.iterdir() if path.is_file()) + [Path(cpio.__file__)]
    return [path.read_bytes() for path in files]


class Stamps:
    """What each product was made of; a product is up to date if its file is there and made of the same."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "stamps.json"
        self.made = json.loads(self.path.read_text(encoding="utf-8")) if self.path.is_file() else {}

    def fresh(self, name, of):
        return self.made.get(name) == of and (self.folder / name).is_file()

    def put(self, name, data, of):
        put(self.folder / name, data)
        self.made[name] = of
        put(self.path, (json.dumps(self.made, indent=1, sort_keys=True) + "\n").encode())


def put(path, data):
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "wb") as out:
        out.write(data)
    os.chmod(part, 0o644)
    os.replace(part, path)


def resolve(folder, kind, refresh):
    """The package files that images of this kind are made of: as they were the first time, until asked to look anew."""
    known = folder / f"packages{kind}.json"
    store = Path(os.environ.get("XENO_PACKAGES") or folder / "packages")
    if known.is_file() and not refresh:
        names = json.loads(known.read_text(encoding="utf-8"))
        if all((store / name).is_file() for name in names.values()):
            return {what: store / name for what, name in names.items()}
    name, newer = KERNELS[kind]
    archive = packages.backports(folder) if newer else ()
    found = {"linux": packages.fetch(packages.real_name(name, archive), store, archive), "busybox": packages.fetch("busybox-static", store)}
    put(known, (json.dumps({what: path.name for what, path in found.items()}) + "\n").encode())
    return found


def applets(busybox):
    """The names by which busybox wants to be called; it runs here as well as there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "busybox"
        path.write_bytes(busybox)
        path.chmod(0o755)
        return sorted(set(subprocess.run([str(path), "--list"], capture_output=True, text=True, check=True).stdout.split()) - {"busybox"})


@functools.lru_cache(maxsize=1)
def linux_files(deb):
    """The kernel and its modules; unpacking the package is most of the work, so it is done once for both products."""
    found = packages.contents(deb, lambda name: name.startswith("boot/vmlinuz-") or name.endswith((".ko", ".ko.xz", "/modules.builtin")))
    # Newer kernels' modules come packed one by one; the RAM disk is packed as a whole.
    return {name.removesuffix(".xz"): lzma.decompress(data) if name.endswith(".xz") else data for name, data in found.items()}


def bzimage_of(debs):
    image, = (data for name, data in linux_files(debs["linux"]).items() if name.startswith("boot/"))
    return image


def add_modules(archive, deb):
    found = {path: data for path, data in linux_files(deb).items() if path.startswith(MODULES)}
    if not found:
        raise packages.Problem(f"{deb} has no modules")
    version = next(iter(found))[len(MODULES):].split("/")[0]
    below = {name[len(MODULES) + len(version) + 1:]: data for name, data in found.items()}
    builtin = below.pop("modules.builtin").decode()
    kernel = modules.Modules(below, builtin)
    paths = kernel.closure(words_of("modules.list"))
    top = f"usr/{MODULES}{version}"
    folders = {str(parent) for path in paths for parent in Path(top, path).parents} - {".", "usr"}
    for folder in sorted(folders | {top}):
        archive.folder(folder)
    for path in paths:
        archive.file(f"{top}/{path}", below[path])
    for name, text in sorted(kernel.index(paths).items()):
        archive.file(f"{top}/{name}", text.encode())
    archive.file(f"{top}/modules.builtin", builtin.encode())


def make_initrd(debs, ours, top):
    busybox, = packages.contents(debs["busybox"], lambda name: name in ("bin/busybox", "usr/bin/busybox")).values()
    plain = io.BytesIO()
    archive = cpio.Writer(plain)
    for folder in FOLDERS:
        archive.folder(folder, 0o1777 if folder == "tmp" else 0o700 if folder == "root" else 0o755)
    for name, target in LINKS:
        archive.link(name, target)
    archive.character_device("dev/console", 5, 1)
    for name, (place, mode) in SCRIPTS.items():
        archive.file(place, (HERE / name).read_bytes(), mode)
    for name, text in TEXTS.items():
        archive.file(name, text.encode())
    archive.file("bin/busybox", busybox, 0o755)
    for applet in applets(busybox):
        archive.link(f"bin/{applet}", "busybox")
    for name, (data, is_link) in sorted(ours.items()):
        if is_link:
            archive.link(f"usr/sbin/{name}", data.decode())
        else:
            archive.file(f"usr/sbin/{name}", data, 0o755)
    add_modules(archive, debs["linux"])
    if top:
        archive.folder("usr/lib/xeno")
        archive.file("usr/lib/xeno/xeno-top", top, 0o755)
    archive.end()
    packed = gzip.compress(plain.getvalue(), 6, mtime=0)
    # Linux looks for a further archive behind this one at a multiple of four bytes.
    return packed + bytes(-len(packed) % 4)


def make(build, kind="", refresh=False):
    """
    The paths of the kernel and the initrd of that kind (a key of KERNELS), made if need be. Beside them lies vmlinuz, the kernel as
    the package has it: what an operator's domain is built from.
    """
    folder = Path(build).absolute() / "dom0"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        debs = resolve(folder, kind, refresh)
        stamps = Stamps(folder)
        ours, top = programs(Path(build)), screen(Path(build))
        base = sources() + [path.name.encode() for _, path in sorted(debs.items())]
        kernel, image, initrd = f"vmlinux{kind}", f"vmlinuz{kind}", f"initrd{kind}.cpio.gz"
        of = fingerprint([(HERE / "bzimage.py").read_bytes(), debs["linux"].name.encode()])
        if not stamps.fresh(kernel, of):
            stamps.put(kernel, bzimage.unpack(bzimage_of(debs)), of)
        if not stamps.fresh(image, of):
            stamps.put(image, bzimage_of(debs), of)
        of = fingerprint(base + [top] + [part for name, (data, _) in sorted(ours.items()) for part in (name.encode(), data)])
        if not stamps.fresh(initrd, of):
            stamps.put(initrd, make_initrd(debs, ours, top), of)
    return folder / kernel, folder / initrd


def make_disk(build, refresh=False):
    """The path of the control domain's disk, made if there is none of this recipe; what was written to it is kept."""
    folder = Path(build).absolute() / "dom0"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock-disk", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, of = folder / "disk.stamp", fingerprint([disk.recipe()])
        if refresh or not (folder / "disk.ext4").is_file() or not stamp.is_file() or stamp.read_text(encoding="ascii") != of:
            disk.make(folder / "disk.ext4")
            put(stamp, of.encode())
    return folder / "disk.ext4"


def main():
    parser = argparse.ArgumentParser(description="Makes the control domain's kernel and initial RAM disk.")
    parser.add_argument("--build-dir", default=str(ROOT / "build"), help="where our programs are and the images go (build)")
    parser.add_argument("--cloud", action="store_true", help="of Debian's cloud kernel: vmlinux-cloud, initrd-cloud.cpio.gz")
    parser.add_argument("--backports", action="store_true", help="of the kernel that backports have: vmlinux-backports, …")
    parser.add_argument("--disk", action="store_true", help="also the disk with a minimal Debian: disk.ext4")
    parser.add_argument("--refresh", action="store_true", help="look for newer packages")
    options = parser.parse_args()
    kind = "-cloud" * options.cloud + "-backports" * options.backports
    try:
        for path in make(options.build_dir, kind, options.refresh):
            print(path)
        if options.disk:
            print(make_disk(options.build_dir, options.refresh))
    except packages.Problem as problem:
        sys.stderr.write(f"dom0-image: {problem}\n")
        return UNREACHABLE if isinstance(problem, packages.Unreachable) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
