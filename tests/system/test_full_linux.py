#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Fully virtualized domains, and disks of both kinds of domains, with Debian's Linux as the control domain: the device model is a process
# there. It is killed and another one goes on; what cannot run is refused in one line. One boot, in parts (xeno_linux_cases.py).
import json
import re
import struct
import sys

import qemu
import xeno_linux_cases as cases

sys.path.append(str(qemu.ROOT / "tests" / "guest"))
import run_guest  # noqa: E402

GUESTS = qemu.BUILD / "guests"
SECTORS = 20

SCRIPT = r"""
full() { printf 'name = "%s"\nkernel = "%s"\ntype = "full"\nmemory = 16\ncmdline = "%s"\n' $1 $2 $3 >$1.cfg; }
model() { xeno device-model | awk -v name=$1 '$1 == name { print $3 }'; }
# Until the console's log has the line; what says it never comes is the whole test's time limit.
said() { until xeno console --log $1 | grep -q "^$2"; do :; done; }
full f1 hello-native 3
full f2 hello-native 1000
part warm; xeno create f1.cfg && xeno console f1; ends
part life; before=$(free_pages); try xeno create f1.cfg; xeno list; try xeno console f1; ends; ls /run/xeno/dm; try xeno console --log f1; as_before life
part killed; try xeno create f2.cfg; said f2 'hello 1'; kill -9 $(model f2); until test "$(model f2)" = died; do :; done
try xeno list f2; xeno list --json f2; xeno device-model --json; until xeno dmesg | grep 'does not answer'; do :; done
try xeno device-model f2; try xeno device-model f2; last=$(xeno console --log f2 | grep -c hello); said f2 "hello $((last + 1))"; xeno console --log f2
try xeno list f2; try xeno destroy f2; ends; ls /run/xeno/dm
part buttons; try xeno create f2.cfg; said f2 'hello 1'; id=$(xeno domid f2); try xeno reboot f2; while xeno list | awk '{ print $2 }' | grep -qx "$id"; do xeno service; done
until test "$(model f2)" -gt 0 2>/dev/null; do xeno service; done; said f2 'hello 1'; try xeno shutdown -w f2; ends; xeno list --json | grep '"f2"'
full t1 test-full-hostile-native triple
full b1 broken
part crashed; for engine in svm trap; do try xeno create -F t1.cfg engine=$engine; ends; done; before=$(free_pages)
for engine in svm trap; do try xeno create --wait b1.cfg engine=$engine; ends; done; as_before crashed
printf 'name = "p1"\nkernel = "test-disk"\nmemory = 16\ndisk = ["file:disk,raw,xvda,w", "file:disk.two,raw,xvdb,w"]\n' >p1.cfg
full d1 test-disk-native; printf 'disk = ["file:disk,raw,hda,w", "file:disk.two,raw,hdb,w"]\n' >>d1.cfg
part disks; for name in p1 d1; do try xeno create $name.cfg; xeno console $name; ends; done; cmp disk disk.before; cmp disk.two disk.before; ls /run/xeno/dm; xenostore-ls /local/domain/0/backend 2>/dev/null
part backend; before=$(free_pages)
xeno create -p p1.cfg; kill -9 $(model p1); until test "$(model p1)" = died; do :; done
try xeno unpause p1; try xeno device-model p1; xeno console p1; ends
xeno create p1.cfg; kill -9 $(model p1); while test "$(model p1)" -gt 0 2>/dev/null; do :; done
xeno device-model p1; ends; xeno console --log p1; cmp disk disk.before; cmp disk.two disk.before; as_before backend
full t1 hello-native 1000; printf 'engine = "trap"\n' >>t1.cfg
for name in h1 t1; do
    part trace_$name; xeno create -p $name.cfg; try xeno trace --on $name; xeno unpause $name; said $name 'hello 2'; xeno pause $name
    xeno trace --summary --read; xeno stat $name; xeno trace --off; try xeno destroy $name; ends
done
part refused; before=$(free_pages)
full none test-disk-native; printf 'disk = ["file:nowhere,raw,hda,w"]\n' >>none.cfg; try xeno create none.cfg
full pv hello; try xeno create pv.cfg
full script script; try xeno create script.cfg
full vmx hello-native; printf 'engine = "vmx"\n' >>vmx.cfg; try xeno create vmx.cfg
try xeno create -p p1.cfg; try xeno create d1.cfg; try xeno device-model p1; try xeno destroy p1
mv /usr/sbin/xeno-dm /usr/sbin/gone; try xeno create f1.cfg; mv /usr/sbin/gone /usr/sbin/xeno-dm
try xeno create -p h1.cfg; try xeno device-model h1; xeno destroy h1; try xeno device-model nobody
ends; ls /run/xeno/dm /run/xeno/domains; as_before refused
"""

# What is tried in the part "refused", in its order: the line, and the status.
REFUSALS = [(r"xeno create: none: disk nowhere: No such file or directory", 1),
            (r"xeno create: pv: kernel \S+: no PVH entry note: .*", 1),
            (r"xeno create: script: kernel \S+: .*", 1),
            (r'xeno create: vmx\.cfg: engine="vmx" is not supported: .*', 1),
            (r"", 0),
            (r"xeno create: d1: disk /root/disk: another domain has it: .*", 1),
            (r"xeno device-model: p1 has one already, process \d+", 1),
            (r"", 0),
            (r"xeno create: f1: it needs a device model, and xeno-dm is not installed beside xeno", 1),
            (r"", 0),
            (r"xeno device-model: h1 needs none: .*", 1),
            (r"xeno device-model: nobody: no such domain: .*", 1)]


# What is tried in the part "crashed": a kernel that triple-faults after its first words, and one whose first instruction is none.
LAST_WORDS = r"  d\d+ v0: rsp [0-9a-f]{16} .*\n  d\d+ v0: last exits: \S+ [0-9a-f]+.*\n<1>\n"
CRASHES = [r"xeno create: t1 crashed: vCPU 0: triple fault at [0-9a-f]{4}:[0-9a-f]+\n" + LAST_WORDS] * 2 + [
    r"xeno create: b1 crashed before it had said a word: .*\n  vCPU 0: " + why + r" at [0-9a-f]{4}:[0-9a-f]+\n" + LAST_WORDS
    for why in ("triple fault", "exception outside of long mode")]


def broken_image():
    """hello-native with an undefined instruction where it is entered: the address is in an ELF note, its file offset in a program header."""
    image = bytearray((GUESTS / "hello-native").read_bytes())
    at = re.search(struct.pack("<I", 4) + b"[\x04\x08]\\0{3}" + struct.pack("<I", 18) + b"Xen\\0", image).end()
    entry = struct.unpack_from("<I", image, at)[0]
    first, nr = struct.unpack_from("<Q", image, 32)[0], struct.unpack_from("<H", image, 56)[0]
    for kind, _, offset, _, paddr, size in (struct.unpack_from("<IIQQQQ", image, first + 56 * i) for i in range(nr)):
        if kind == 1 and paddr <= entry < paddr + size:
            image[offset + entry - paddr:offset + entry - paddr + 2] = b"\x0f\x0b"
    return bytes(image)


def check_crashes(result, said):
    for pattern in CRASHES:
        match = re.search("^" + pattern, said, re.MULTILINE)
        result.expect(match, f"expected a crash with its reason, registers and last exits, {pattern!r}: {said}")
        said = said[match.end():]
    result.expect("frames" not in said, "expected nothing to be left")


def check_refusals(result, said):
    tried = re.findall(r"((?:.*\n)*?)<(\d+)>\n", said)
    result.expect(len(tried) == len(REFUSALS), f"expected {len(REFUSALS)} commands: {tried}")
    for (text, status), (pattern, wanted) in zip(tried, REFUSALS):
        result.expect(int(status) == wanted and re.fullmatch(pattern, text.strip()), f"expected one line like {pattern!r} and {wanted}: {text!r} {status}")
    result.expect("frames" not in said and not re.search(r"^\d+\.", said, re.MULTILINE), f"expected nothing to be left: {said}")


def check_sums(result, said, kinds):
    """What the trace has of a domain from its first instruction on, and what the hypervisor has counted."""
    shown = {tuple(key[1:]): int(count) for *key, count in re.findall(r"^ +(\d+) +0 (\w+) +(\S.*?) +(\d+) +\d+$", said, re.MULTILINE)}
    counted = {tuple(key): int(count) for *key, count in re.findall(r"^ +0 (\w+) +\d+ (\S.*?) +(\d+) +\d+$", said, re.MULTILINE)}
    shown, counted = ({tuple(key): n for key, n in of.items() if key[0] in kinds} for of in (shown, counted))
    result.expect(shown and shown == counted, f"expected the trace to show what was counted: {shown}, {counted}")


def test_domains_and_their_device_models():
    words = []
    for name in ("hello-native", "test-disk", "test-disk-native", "test-full-hostile-native"):
        words += ["--add", f"{GUESTS / name}:{name}"]
    with cases.tempfile.TemporaryDirectory(prefix="full-") as folder:
        for name in ("disk", "disk.two", "disk.before"):
            path = cases.Path(folder) / name
            path.write_bytes(run_guest.module_bytes(SECTORS * 512))
            words += ["--add", path]
        (cases.Path(folder) / "broken").write_bytes(broken_image())
        result, parts = cases.run([], SCRIPT, *words, "--add", cases.Path(folder) / "broken")
    said = parts["life"]
    result.expect(re.search(r"^f1 +\d+ +15 +1 ", said, re.MULTILINE), "expected f1 in the list")
    result.expect(said.count("hello from hello\nhello 1\nhello 2\nhello 3\n<0>") == 2, "expected the console twice, live and its log")
    result.expect("frames" not in said and "lock" not in said, "expected f1 to leave nothing")
    said = parts["killed"]
    result.expect(re.search(r"^xeno list: f2: its device model has died", said, re.MULTILINE), "expected the list to say so")
    result.expect(re.search(r"^\(hv\) d\d+ v0: its device model does not answer", said, re.MULTILINE), "expected the hypervisor to say so")
    listed, models = (json.loads(text) for text in re.findall(r"^\[\n(?:.*\n)*?\]$", said, re.MULTILINE))
    result.expect("died" in listed[0]["trouble"], "expected the reason as JSON")
    result.expect(models == [{"name": "f2", "domid": listed[0]["domid"], "pid": None}], f"expected a device model that has died: {models}")
    result.expect(re.search(r"f2 has one already, process \d+\n<1>", said), "expected no second device model")
    counted = [int(n) for n in re.findall(r"^hello (\d+)$", said, re.MULTILINE)]
    result.expect(counted == list(range(1, len(counted) + 1)) and len(counted) >= 2, f"expected f2 to count on without a gap: {counted}")
    said = parts["buttons"]
    result.expect(said.count("<0>") == 3, "expected the buttons to work")
    result.expect(re.search(r'"f2", "domid": \d+, "ended": "shut down"', said), "expected f2 to have been switched off")
    said = parts["disks"]
    result.expect(said.count("RESULT: SUCCESS disk\n") == 2 and said.count("disks: 2,") == 2, "expected two disks to work, of both kinds")
    result.expect("differ" not in said, "expected the files to be as they were")
    result.expect("lock" not in said and "vbd" not in said, "expected nothing of them to be left")
    check_crashes(result, parts["crashed"])
    said = parts["backend"]
    result.expect(said.count("RESULT: SUCCESS disk\n") == 2 and said.count("<0>") == 2, "expected the disks to go on with another backend")
    result.expect("differ" not in said and "frames" not in said, "expected the files to be as they were, and nothing left")
    for name, kinds in (("h1", {"hypercall", "trap"}), ("t1", {"exit"})):
        check_sums(result, parts[f"trace_{name}"], kinds)
    check_refusals(result, parts["refused"])


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
