#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Holds docs/abi to the code: every row of the hypercall table has a page with its number and its arguments, every constant
# and structure that a page names is in the headers, every link leads somewhere, and the index names every page.
# Invariant: nothing is listed here, so a new row, page or name is looked at by itself.
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = ROOT / "docs" / "abi"
ROW = re.compile(r"^HC\(\s*(\d+),\s*(\w+),\s*\w+,\s*(\d)\)", re.M)
REGISTERS = ["rdi", "rsi", "rdx", "r10"]
# What counts as a name of the ABI: `struct x`, or capitals with an underscore somewhere.
NAME = re.compile(r"`(?:struct (\w+)|([A-Z][A-Z0-9]+_\w+))`")


def main():
    table = ROOT / "hypervisor" / "hypercall" / "hypercalls.def"
    rows = ROW.findall(table.read_text())
    pages = {page.name: page.read_text() for page in sorted(PAGES.glob("*.md"))}
    index = pages.get("README.md", "")
    words = set()
    for header in (ROOT / "include" / "xen").rglob("*.h"):
        words |= set(re.findall(r"\w+", header.read_text()))
    # errno.h builds its names out of pieces.
    words |= {"XEN_" + word for word in words}

    passed, problems = 0, []

    def expect(condition, complaint):
        nonlocal passed
        if condition:
            passed += 1
        else:
            problems.append(complaint)

    expect(rows, "the hypercall table has no rows that this script understands")
    for number, name, count in rows:
        text = pages.get(f"{name}.md")
        expect(text is not None, f"{name}: no page docs/abi/{name}.md")
        if text is None:
            continue
        expect(text.startswith(f"# {name} ({number})\n"), f"{name}.md: the heading is not '# {name} ({number})'")
        given = [r for r in REGISTERS if f"\n| {r} |" in text]
        expect(given[:int(count)] == REGISTERS[:int(count)], f"{name}.md: the table has {count} arguments, the page {given}")
        expect(f"| {number} | [{name}]({name}.md) |" in index, f"README.md: no line for {name} ({number})")
    for file, text in pages.items():
        for match in NAME.finditer(text):
            name = match[1] or match[2]
            expect(name in words, f"{file}: {name} is in no header")
        for link in re.findall(r"\]\(([^)#:]+\.md)\)", text):
            expect((PAGES / link).is_file(), f"{file}: link to {link}, which is not there")
        if file != "README.md":
            expect(f"({file})" in index, f"README.md: does not name {file}")
        for error in re.findall(r"-(E[A-Z0-9]{3,})\b", text):
            expect(f"XEN_{error}" in words, f"{file}: {error} is no error of the ABI")
    for problem in problems:
        print(f"FAIL docs: {problem}")
    print(f"docs: {len(pages)} pages, {len(rows)} calls")
    print(f"{passed} passed, {len(problems)} failed")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
