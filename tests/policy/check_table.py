#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The hypercall table against the ABI headers: each row HC(nr, name, who, nargs) has the number of __HYPERVISOR_<name>, rows
# ascend, privileges and argument counts are possible ones.
# Invariant: a row that this script cannot read is a problem, not a row less.
import re

import policy

TABLE = "hypervisor/hypercall/hypercalls.def"
ABI = "include/xen/xen.h"
ROW = re.compile(r"^HC\(\s*(\d+),\s*(\w+),\s*(\w+),\s*(\d+)\s*\)$")
NUMBER = re.compile(r"^#define __HYPERVISOR_(\w+)\s+(\d+)\b")
WHO = {"ANY", "CTRL", "HW"}
# The ABI passes five arguments in registers (rdi, rsi, rdx, r10, r8).
MAX_ARGS = 5


def abi_numbers(tree):
    found = {}
    for line in tree.lines(ABI) if tree.exists(ABI) else []:
        match = NUMBER.match(line)
        if match:
            found[match.group(1)] = int(match.group(2))
    return found


def check(tree):
    if not tree.exists(TABLE):
        return [], ["no hypercall table"]
    numbers = abi_numbers(tree)
    problems = []
    last, rows = -1, 0
    for line_number, line in enumerate(tree.lines(TABLE), 1):
        if not line.lstrip().startswith("HC"):
            continue
        where = f"{TABLE}:{line_number}"
        match = ROW.match(line.strip())
        if not match:
            problems.append(f"{where}: not of the form HC(nr, name, who, nargs)")
            continue
        number, name, who, nargs = int(match.group(1)), match.group(2), match.group(3), int(match.group(4))
        rows += 1
        if numbers.get(name) != number:
            problems.append(f"{where}: {name} is {numbers.get(name, 'not')} in {ABI}, not {number}")
        if number <= last:
            problems.append(f"{where}: {number} follows {last}: rows ascend")
        if who not in WHO:
            problems.append(f"{where}: '{who}' is none of {', '.join(sorted(WHO))}")
        if nargs > MAX_ARGS:
            problems.append(f"{where}: {nargs} arguments, the ABI has {MAX_ARGS}")
        last = max(last, number)
    return problems, [f"{rows} hypercalls"]


HEADER = {ABI: "#define __HYPERVISOR_iret 23\n#define __HYPERVISOR_multicall 13\n"}
EXAMPLES = [
    ("a good table", {**HEADER, TABLE: "HC(13, multicall, ANY, 2)\nHC(23, iret, ANY, 0)\n"}, None),
    ("a wrong number", {**HEADER, TABLE: "HC(24, iret, ANY, 0)\n"}, "iret is 23"),
    ("not in the ABI", {**HEADER, TABLE: "HC(24, none, ANY, 0)\n"}, "none is not"),
    ("twice", {**HEADER, TABLE: "HC(23, iret, ANY, 0)\nHC(23, iret, ANY, 0)\n"}, "rows ascend"),
    ("unknown privilege", {**HEADER, TABLE: "HC(23, iret, ALL, 0)\n"}, "'ALL' is none"),
    ("too many arguments", {**HEADER, TABLE: "HC(23, iret, ANY, 6)\n"}, "6 arguments"),
    ("unreadable", {**HEADER, TABLE: "HC(iret)\n"}, "not of the form"),
]

if __name__ == "__main__":
    policy.main(check, EXAMPLES)
