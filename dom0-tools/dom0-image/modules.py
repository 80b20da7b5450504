# SPDX-License-Identifier: MIT
#
# Which kernel modules go into an image, and the files by which modprobe finds them there: what depmod would write, out of
# what each module says about itself (its .modinfo section: NUL-terminated 'key=value').
# Invariant: a module comes with all modules that it depends on, each after those that it needs.
import struct
from pathlib import PurePosixPath

from packages import Problem

SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")


def section(elf, wanted):
    """The bytes of a 64-bit ELF file's section; empty if it has none of that name."""
    if elf[:5] != b"\x7fELF\x02":
        raise Problem("a module is no 64-bit ELF file")
    table, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names_index = struct.unpack_from("<HHH", elf, 0x3a)
    headers = [SECTION_HEADER.unpack_from(elf, table + i * size) for i in range(count)]
    names = headers[names_index][4]
    for header in headers:
        name = elf[names + header[0]:elf.index(b"\0", names + header[0])]
        if name == wanted:
            return elf[header[4]:header[4] + header[5]]
    return b""


def facts(elf):
    """(key, value) pairs of .modinfo."""
    pairs = []
    for text in section(elf, b".modinfo").split(b"\0"):
        key, equals, value = text.decode("latin-1").partition("=")
        if equals:
            pairs.append((key, value))
    return pairs


def module_name(path):
    return PurePosixPath(path).name.removesuffix(".ko").replace("-", "_")


class Modules:
    """The modules of one kernel: path below lib/modules/VERSION -> contents."""

    def __init__(self, files, builtin):
        self.files = files
        self.by_name = {module_name(path): path for path in files}
        self.builtin = {module_name(line) for line in builtin.split()}

    def depends(self, path):
        words = [value for key, value in facts(self.files[path]) if key == "depends"]
        return [name.replace("-", "_") for word in words for name in word.split(",") if name]

    def soft_depends(self, path):
        words = " ".join(value for key, value in facts(self.files[path]) if key == "softdep").split()
        return [word.replace("-", "_") for word in words if not word.endswith(":")]

    def closure(self, wanted):
        """Paths of the wanted modules (by name) and all that they depend on; what is built in or soft may be absent."""
        done = []

        def add(name, must):
            if name in self.builtin:
                return
            path = self.by_name.get(name)
            if path is None:
                if must:
                    raise Problem(f"the kernel has no module {name}")
                return
            if path in done:
                return
            for needed in self.depends(path):
                add(needed, True)
            if path not in done:
                done.append(path)
            for needed in self.soft_depends(path):
                add(needed, False)

        for name in wanted:
            add(name.lstrip("?").replace("-", "_"), not name.startswith("?"))
        return done

    def all_depends(self, path):
        """Every module below this one, each before those that it needs: modprobe loads them from the last to the first."""
        found = []

        def add(above):
            for name in self.depends(above):
                below = self.by_name.get(name)
                if below and below not in found:
                    add(below)
                    found.append(below)

        add(path)
        return found[::-1]

    def index(self, paths):
        """name -> text of the files that modprobe reads."""
        depends = [f"{path}: {' '.join(self.all_depends(path))}".rstrip() for path in paths]
        aliases, soft = [], []
        for path in paths:
            for key, value in facts(self.files[path]):
                if key == "alias":
                    aliases.append(f"alias {value} {module_name(path)}")
                elif key == "softdep":
                    soft.append(f"softdep {module_name(path)} {value}")
        return {"modules.dep": "\n".join(depends) + "\n", "modules.alias": "\n".join(aliases) + "\n",
                "modules.softdep": "\n".join(soft) + "\n"}
