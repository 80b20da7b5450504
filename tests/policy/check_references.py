#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The book names code as `path:symbol`: each such place exists, and so does what `./run.sh contrast` shows beside each operation.
# Invariant: a symbol counts as there where it is defined, not where it is used.
import re
import sys

import policy

BOOK = "docs/book"
REFERENCE = re.compile(r"`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+\.[A-Za-z]+):([A-Za-z_]\w*)`")
PATH = re.compile(r"`((?:hypervisor|guest-pv-kernel|dom0-tools|tests|include|common|scripts)/[A-Za-z0-9_./-]+)`")
SOURCES = "scripts/contrast/sources.py"


def defines(text, symbol):
    """A function, label, macro, structure or table of that name; a declaration with its end on the line is none."""
    name = re.escape(symbol)
    forms = [rf"^{name}:", rf"^\s*function {name}$", rf"^#define {name}\b", rf"^(?:static )?(?:const )?(?:struct|enum|union) {name} \{{",
             rf"^[A-Za-z_][^;{{}}\n]*\b{name}\([^;{{}}]*\)\s*\n\{{"]
    return any(re.search(form, text, re.MULTILINE) for form in forms)


def check_book(tree):
    problems, seen = [], 0
    for name in tree.under(BOOK):
        for number, line in enumerate(tree.lines(name), 1):
            for path, symbol in REFERENCE.findall(line):
                seen += 1
                if not tree.exists(path):
                    problems.append(f"{name}:{number}: there is no {path}")
                elif not defines(tree.text(path), symbol):
                    problems.append(f"{name}:{number}: {path} does not define {symbol}")
            for path in PATH.findall(line):
                seen += 1
                if not (tree.root / path).exists():
                    problems.append(f"{name}:{number}: there is no {path}")
    return problems, seen


def check_sources(tree):
    if tree.root != policy.ROOT or not tree.exists(SOURCES):
        return []
    sys.path.insert(0, str(tree.root / "scripts" / "contrast"))
    import sources
    return [f"{SOURCES}: there is no {place}" for place in sources.missing()]


def check(tree):
    problems, seen = check_book(tree)
    if not seen and tree.under(BOOK):
        problems.append(f"{BOOK}: no reference to code in it")
    return problems + check_sources(tree), [f"{seen} references to code"]


CODE = {"a/b.c": "int f(int x);\n\nint g(int x)\n{\n    return f(x);\n}\n", "a/c.S": "entry:\n    ret\nfunction other\n"}
EXAMPLES = [
    ("what is there", {**CODE, "docs/book/1.md": "See `a/b.c:g`, `a/c.S:entry` and `a/c.S:other`.\n"}, None),
    ("no such file", {**CODE, "docs/book/1.md": "See `a/x.c:g`.\n"}, "there is no a/x.c"),
    ("a declaration is no definition", {**CODE, "docs/book/1.md": "See `a/b.c:f`.\n"}, "does not define f"),
    ("no such folder", {**CODE, "docs/book/1.md": "See `a/b.c:g` and `tests/nothing/here`.\n"}, "there is no tests/nothing/here"),
    ("a book about nothing", {**CODE, "docs/book/1.md": "Nothing.\n"}, "no reference to code"),
]

if __name__ == "__main__":
    policy.main(check, EXAMPLES)
