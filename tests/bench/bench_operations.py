#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Single operations and whole lives of domains, counted in instructions (QEMU -icount shift=0: exact and repeatable) on
# Debian's Xen 4.17 and on ours, one after the other with the same images. Prints the table of docs/performance.md.
# It judges nothing by time; it fails only if something does not run.
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu

GUESTS = qemu.BUILD / "guests"
GOAL = 0.7
HALF = {"unknown-hypercall", "exception-and-iret", "page-fault-and-iret"}
PAGES = 2048
HELLO = 'name = "h"\nkernel = "hello"\nmemory = 8\ncmdline = "0 when"\n'
LEFT = 'name = "left"\nkernel = "pingpong"\nmemory = 8\ncmdline = "listen peer=2"\n'
RIGHT = 'name = "right"\nkernel = "pingpong"\nmemory = 8\ncmdline = "connect peer=1 ref=8 port=5 n=500"\n'


def bench_guest(*words):
    result = qemu.run(*words, "--icount", "--dom0-kernel", GUESTS / "bench", timeout=600)
    result.expect_status(0).expect_output(r"^BENCH done 0$")
    return {name: int(ticks) for name, ticks in re.findall(r"^BENCH (\S+) (\d+)$", result.output, re.MULTILINE) if name != "done"}


def operations(where):
    """One operation each, in a guest that is alone; the event between two CPUs has a machine of its own."""
    found = bench_guest(*where)
    found.update(bench_guest(*where, "--cpus", "2", "--dom0-args", "only=event-to-running-vcpu"))
    return found


def command(where, text, **files):
    """What TEXT says in the control domain, with the guests and these configuration files at hand."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        words = ["--add", f"{GUESTS / 'hello'}:hello", "--add", f"{GUESTS / 'pingpong'}:pingpong"]
        for name, content in files.items():
            path = Path(folder) / f"{name}.cfg"
            path.write_text(content)
            words += ["--add", f"{path}:{name}.cfg"]
        result = qemu.run(*where, "--bare", "--icount", *words, "-c", text, timeout=900)
    return result.expect_status(0)


def times(result):
    return [(int(ns), int(start)) for ns, start in re.findall(r"^TIME (\d+) ns, from (\d+) ns on$", result.output, re.MULTILINE)]


def number(result, pattern):
    return int(re.search(pattern, result.expect_output(pattern).output, re.MULTILINE).group(1))


def round_trip(where):
    """Two domains on one CPU: a round trip is two events and two switches of the domain."""
    result = command(where, "create left.cfg && create right.cfg && console right", left=LEFT, right=RIGHT)
    return {"domain-round-trip": number(result, r"500 round trips, (\d+) ns each")}


def lives(where):
    """Instructions of a domain's life; frames that the hypervisor keeps for one that does nothing."""
    result = command(where, "time 'create h.cfg && console h'; time 'create -p h.cfg'; time 'destroy h'; repeat 198 'create -p h.cfg && destroy h';"
                     " time 'create -p h.cfg'; destroy h", h=HELLO)
    (whole, start), (first, _), (destroy, _), (last, _) = times(result)
    return {"create to the first line of hello": number(result, r"^hello from hello at (\d+) ns$") - start,
            "create to the end of hello": whole, "create, 1st": first, "create, 200th": last, "destroy": destroy}


def memory(where):
    """Bytes that the hypervisor keeps for an idle domain, of ten: free frames before and after, less the domains' own."""
    domains = {f"d{i}": HELLO.replace('"h"', f'"d{i}"') for i in range(10)}
    creates = "; ".join(f"create -p {name}.cfg" for name in domains)
    result = command(where, f"create -p w.cfg; info free_pages; {creates}; info free_pages", w=HELLO.replace('"h"', '"w"'), **domains)
    before, after = (int(pages) for pages in re.findall(r"^(\d+)$", result.output, re.MULTILINE))
    return (before - after - PAGES * len(domains)) * 4096 // len(domains)


def table(xen, ours):
    print("| operation | Debian's Xen 4.17 | Xenolith | ratio | goal |")
    print("|---|---|---|---|---|")
    for name in xen:
        ratio = ours[name] / xen[name] if xen[name] else 0
        goal = 0.5 if name in HALF else GOAL
        print(f"| {name} | {xen[name]:,} | {ours[name]:,} | {ratio:.2f} | {goal}{'' if ratio <= goal else ' (missed)'} |")


def main():
    measured = []
    for where in (["--xen", *qemu.XEN_AT_DEFAULTS], []):
        found = operations(where)
        found.update(round_trip(where))
        found.update(lives(where))
        measured.append(found)
    table(*measured)
    kept = [memory(where) / 1024 for where in (["--xen", *qemu.XEN_AT_DEFAULTS], [])]
    print(f"\nHypervisor memory for an idle domain with one vCPU: {kept[1]:.1f} KiB (Debian's Xen: {kept[0]:.1f} KiB; goal: 24 KiB)")
    images = {name: (qemu.BUILD / name).stat().st_size for name in ("xenolith.elf", "guests/boot-domain", "guests/hello")}
    print("Images: " + ", ".join(f"{name} {size / 1024:.0f} KiB" for name, size in images.items()) + " (goal for xenolith.elf: 300 KiB)")


if __name__ == "__main__":
    main()
