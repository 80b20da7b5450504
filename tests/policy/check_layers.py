#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Holds the direction of includes: boot → hypercall → {pv, full} → {event, grant} → sched → domain → mm → x86 → common, and
# who may include what beside the hypervisor. Inline assembly stays in hypervisor/x86.
# Invariant: rooms of one rank never include one another; debug is open to all and leans on x86 and common alone.
import posixpath
import re

import policy

RANK = {"boot": 8, "hypercall": 7, "pv": 6, "full": 6, "event": 5, "grant": 5, "sched": 4, "domain": 3, "mm": 2, "x86": 1}
DEBUG_MAY_USE = {"debug", "x86"}
# Headers that a freestanding compiler provides itself (C11, section 4, paragraph 6).
FREESTANDING = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h", "stdalign.h", "stdnoreturn.h", "iso646.h", "float.h"}
GENERATED = {"asm_offsets.h"}
SOURCES = (".c", ".h", ".S", ".def", ".inc")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
ASSEMBLY = re.compile(r"\b(asm|__asm__|__asm)\s*(volatile|__volatile__|goto|inline|\s)*\(")


def includes(tree, name):
    for number, line in enumerate(tree.lines(name), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def locate(tree, name, target, roots):
    """The file in the tree that an include means, or None."""
    for folder in [posixpath.dirname(name)] + roots:
        path = posixpath.normpath(posixpath.join(folder, target))
        if tree.exists(path):
            return path
    return None


def room_problem(room, other):
    """Why a file in one room of the hypervisor may not include one in another."""
    if room in (other, "") or other in ("debug", ""):
        # Files beside the rooms are shared configuration: they may be included by all and include nothing above common.
        return "a file beside the rooms may not include a room" if room == "" and other else None
    if room == "debug":
        return None if other in DEBUG_MAY_USE else "debug may include only debug, x86 and common"
    if room not in RANK or other not in RANK:
        return f"unknown room {room if room not in RANK else other}"
    if RANK[other] == RANK[room]:
        return "rooms beside each other do not include one another"
    return "includes point down only" if RANK[other] > RANK[room] else None


def hypervisor_problem(tree, name, kind, target):
    if kind == "<":
        if target.startswith("xen/") or target in FREESTANDING:
            return None
        return "only <xen/…> and the freestanding headers"
    if target in GENERATED or target.startswith("common/"):
        return None
    if name.endswith(".lds.S") and target == "x86/layout.h":
        return None  # the address map is made for it
    found = locate(tree, name, target, ["hypervisor", ""])
    if found is None and target.split("/")[0] in RANK:
        # Whether it is there is the compiler's to say; the direction can be judged by the name.
        found = f"hypervisor/{target}"
    if found is None:
        return "no such file in the rooms or in common/"
    if found.startswith("common/"):
        return None
    if not found.startswith("hypervisor/"):
        return "leaves the hypervisor"
    parts, other = name.split("/"), found.split("/")
    return room_problem(parts[1] if len(parts) > 2 else "", other[1] if len(other) > 2 else "")


def common_problem(tree, name, kind, target):
    if kind == "<":
        return None if target.startswith("xen/") or target in FREESTANDING else "common/ has no C library"
    found = locate(tree, name, target, [""])
    return None if found and found.startswith("common/") else "common/ includes only common/ and <xen/…>"


def abi_problem(tree, name, kind, target):
    if kind == "<" and target in ("stdint.h", "stddef.h"):
        return None
    found = locate(tree, name, target, ["include"])
    return None if found and found.startswith("include/") else "the ABI headers stand by themselves"


def outside_problem(tree, name, kind, target):
    found = locate(tree, name, target, [""]) if kind == '"' else None
    if "hypervisor/" in target or (found or "").startswith("hypervisor/"):
        return "never includes from hypervisor/"
    return None


RULES = [("hypervisor", hypervisor_problem), ("common", common_problem), ("include", abi_problem),
         ("dom0-tools", outside_problem), ("guest-pv-kernel", outside_problem), ("tests/guest", outside_problem)]


def foreign_abi(tree, kind, target):
    """Debian's libxen-dev answers for a <xen/…> that we lack where the C library's headers are in reach."""
    if kind == "<" and target.startswith("xen/") and not tree.exists(f"include/{target}"):
        return f"include/{target} does not exist"
    return None


def check(tree):
    problems = []
    seen = 0
    for folder, rule in RULES:
        for name in tree.under(folder):
            if not name.endswith(SOURCES):
                continue
            for number, kind, target in includes(tree, name):
                seen += 1
                problem = rule(tree, name, kind, target) or foreign_abi(tree, kind, target)
                if problem:
                    problems.append(f"{name}:{number}: includes {target}: {problem}")
    for name in tree.under("hypervisor"):
        if name.endswith((".c", ".h")) and not name.startswith("hypervisor/x86/"):
            for number, line in enumerate(tree.lines(name), 1):
                if ASSEMBLY.search(line.split("/*")[0]):
                    problems.append(f"{name}:{number}: inline assembly belongs in hypervisor/x86/")
    return problems, [f"{seen} includes looked at"]


H = {"common/a.h": "", "hypervisor/mm/page.h": "", "hypervisor/pv/p.h": "", "hypervisor/full/f.h": "", "hypervisor/debug/d.h": "",
     "hypervisor/sched/s.h": "", "hypervisor/x86/x.h": "", "include/xen/xen.h": ""}
GOOD = '#include "mm/page.h"\n#include "common/a.h"\n#include "debug/d.h"\n#include <xen/xen.h>\n#include <stdint.h>\n'
EXAMPLES = [
    ("down is fine", {**H, "hypervisor/sched/a.c": GOOD}, None),
    ("up", {**H, "hypervisor/mm/a.c": '#include "sched/s.h"\n'}, "point down only"),
    ("up by a relative path", {**H, "hypervisor/mm/a.c": '#include "../sched/s.h"\n'}, "point down only"),
    ("beside", {**H, "hypervisor/pv/a.c": '#include "full/f.h"\n'}, "beside each other"),
    ("debug leans on mm", {**H, "hypervisor/debug/a.c": '#include "mm/page.h"\n'}, "debug may include"),
    ("debug leans on x86", {**H, "hypervisor/debug/a.c": '#include "x86/x.h"\n'}, None),
    ("C library in the hypervisor", {**H, "hypervisor/mm/a.c": "#include <stdio.h>\n"}, "freestanding"),
    ("missing header", {**H, "hypervisor/mm/a.c": '#include "none.h"\n'}, "no such file"),
    ("up to a header that is not there", {**H, "hypervisor/mm/a.c": '#include "sched/none.h"\n'}, "point down only"),
    ("common uses a room", {**H, "common/a.c": '#include "hypervisor/mm/page.h"\n'}, "common/ includes only"),
    ("tool uses the hypervisor", {**H, "dom0-tools/x/a.c": '#include "hypervisor/mm/page.h"\n'}, "never includes"),
    ("guest uses the hypervisor", {**H, "guest-pv-kernel/a.c": '#include "../hypervisor/mm/page.h"\n'}, "never includes"),
    ("ABI header uses common", {**H, "include/xen/a.h": '#include "common/a.h"\n'}, "stand by themselves"),
    ("somebody else's ABI header", {**H, "dom0-tools/a.c": "#include <xen/none.h>\n"}, "does not exist"),
    ("assembly outside of x86", {**H, "hypervisor/mm/a.c": 'void f(void) { __asm__ volatile("cli"); }\n'}, "inline assembly"),
]

if __name__ == "__main__":
    policy.main(check, EXAMPLES)
