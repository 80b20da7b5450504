#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Launch descriptions: what they name runs from the start, on our hypervisor and on Debian's Xen; a bad one is one line and status 1.
import re
import sys
import tempfile
from pathlib import Path

import qemu

HELLO = qemu.BUILD / "guests" / "hello"
EXAMPLE = qemu.ROOT / "examples" / "two-guests.dts"
DOMAIN = """/dts-v1/;
/ { chosen { hypervisor { compatible = "hypervisor,xen"; domain@0 { compatible = "xen,domain"; %s
    kernel@1 { compatible = "module,kernel"; module-name = "%s"; bootargs = "1"; }; }; }; }; };
"""


def launch(text, *words, suffix=".dts"):
    with tempfile.TemporaryDirectory(prefix="launch-") as folder:
        path = Path(folder) / f"case{suffix}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return qemu.run("--domain", path, "--add", f"{HELLO}:hello", *words)


def two_guests(*where):
    result = qemu.run(*where, "--domain", EXAMPLE, "--add", f"{HELLO}:hello", "-c", "list first second && console first && console second")
    result.expect_status(0).expect_output(r"^first +1 +16 +1 ").expect_output(r"^second +2 +16 +[12] ")
    result.expect_output(r"^hello from hello$[^$]*^hello 3$").expect_output("^hello 5$")


def test_two_guests():
    two_guests()


def test_two_guests_on_debian_xen():
    two_guests("--xen")


def test_a_control_domain_is_dom0():
    result = launch(DOMAIN % ("permissions = <3>; memory = <0 32768>; cpus = <1>;", "hello"))
    result.expect_status(0).expect_output("^hello 1$")


def bad(text, said, **more):
    result = launch(text, "-c", "list", **more)
    result.expect_status(1).expect(re.search(said, result.output), f"expected '{said}'")
    result.expect(len(result.output.splitlines()) == 1, "expected one line")


def test_bad_descriptions_are_one_line():
    bad(b"no tree at all", r"^xeno boot: launch\.dtb: ", suffix=".dtb")
    bad(DOMAIN % ("memory = <0 32768>; cpus = <1>;", "nothing"), "kernel nothing: .*give a file that is there")
    bad(DOMAIN % ("memory = <0 32768>; cpus = <100000>;", "hello"), "domain@0: cpus")
    bad(DOMAIN % ("memory = <1000 0>; cpus = <1>;", "hello"), "memory")
    bad("/dts-v1/; / { };", "launch.dtb: ")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
