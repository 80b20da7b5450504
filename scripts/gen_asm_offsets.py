#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Turns the '->NAME value' lines that hypervisor/x86/asm_offsets.c leaves in compiler output into a header of #defines.
# Invariant: a value that is not a number, or a name given twice, fails the build instead of making a wrong offset.
import re
import sys

LINE = re.compile(r'^\s*(?:\.ascii\s+")?->(\w+)\s+\$?(-?\w+)')


def main():
    source, target = sys.argv[1:3]
    names = {}
    with open(source, encoding="utf-8", errors="replace") as text:
        for line in text:
            if "->" not in line or line.lstrip().startswith(".loc"):
                continue
            match = LINE.match(line)
            if not match:
                continue
            name, value = match.groups()
            if name in names:
                sys.exit(f"asm_offsets: {name} is given twice")
            names[name] = int(value, 0)
    if not names:
        sys.exit(f"asm_offsets: no '->NAME value' line in {source}")
    guard = "GENERATED_ASM_OFFSETS_H"
    lines = ["/* Generated from hypervisor/x86/asm_offsets.c: do not edit. */", f"#ifndef {guard}", f"#define {guard}", ""]
    lines += [f"#define {name} {value}" for name, value in names.items()]
    with open(target, "w", encoding="ascii") as out:
        out.write("\n".join(lines + ["", "#endif", ""]))


if __name__ == "__main__":
    main()
