#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Files of at most 600 lines, functions of at most 80, a hypervisor of at most 15,000 lines of code, and of 5,600 more in its room
# full/ (docs/adr/0014); docs/adr/0011 says what such a line is. Exceptions stand in allow_sizes.txt, each with its reason; an
# exception that is not needed any more is a problem too.
# Invariant: a function is what begins with '{' in the first column, as the code style has it.
import ast
import re

import policy

FILE_LIMIT = 600
FUNCTION_LIMIT = 80
HYPERVISOR_LIMIT = 15000
FULL_LIMIT = 5600
HYPERVISOR_SOURCES = (".c", ".h", ".S", ".def")
ALLOW = "tests/policy/allow_sizes.txt"
SOURCES = (".c", ".h", ".S", ".py", ".sh", ".def", ".cmake")
NAME = re.compile(r"(\w+)\s*\(")


def c_functions(lines):
    """(name, first line, number of lines) of each function; the signature counts."""
    start = None
    signature = 0
    for number, line in enumerate(lines):
        if start is None and line.rstrip() == "{":
            start = number
            signature = number
            while signature > 0 and re.match(r"[\w*\s(].*", lines[signature - 1]) and not lines[signature - 1].rstrip().endswith(
                    (";", "}", "*/")):
                signature -= 1
        elif start is not None and line.startswith("}"):
            match = NAME.search(" ".join(lines[signature:start]))
            if match:
                yield match.group(1), signature + 1, number - signature + 1
            start = None


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def code_lines(text):
    """(lines with a word in them, lines that are neither blank nor comment)."""
    text = re.sub(r"/\*.*?\*/", lambda comment: "\n" * comment.group().count("\n"), text, flags=re.DOTALL)
    lines = [line for line in (re.sub(r"//.*", "", line) for line in text.splitlines()) if line.strip()]
    return sum(1 for line in lines if re.search(r"\w", line)), len(lines)


def folder_lines(tree, folder, suffixes):
    counts = [code_lines(tree.text(name)) for name in tree.under(folder) if name.endswith(suffixes)]
    return sum(words for words, _ in counts), sum(plain for _, plain in counts)


def allowed(tree):
    entries = {}
    if tree.exists(ALLOW):
        for line in tree.lines(ALLOW):
            if line.strip() and not line.startswith("#"):
                key, _, reason = line.partition(" ")
                entries[key] = reason.strip()
    return entries


def oversized(tree):
    """(key for the allow-list, message)."""
    for name in tree.files:
        if not name.endswith(SOURCES):
            continue
        text = tree.text(name)
        lines = text.splitlines()
        if len(lines) > FILE_LIMIT:
            yield name, f"{name}: {len(lines)} lines, the limit is {FILE_LIMIT}: split it by purpose"
        functions = c_functions(lines) if name.endswith((".c", ".h")) else python_functions(text) if name.endswith(".py") else ()
        for function, number, length in functions:
            if length > FUNCTION_LIMIT:
                yield f"{name}:{function}", f"{name}:{number}: {function} has {length} lines, the limit is {FUNCTION_LIMIT}"


def check(tree):
    allow = allowed(tree)
    problems = [f"{ALLOW}: {key} has no reason" for key, reason in allow.items() if not reason]
    used = set()
    for key, message in oversized(tree):
        if key in allow:
            used.add(key)
        else:
            problems.append(message)
    problems += [f"{ALLOW}: {key} is within the limits now: take it out" for key in allow if key not in used]
    total, plain = folder_lines(tree, "hypervisor", HYPERVISOR_SOURCES)
    full, full_plain = folder_lines(tree, "hypervisor/full", HYPERVISOR_SOURCES)
    total, plain = total - full, plain - full_plain
    shared, _ = folder_lines(tree, "common", (".c", ".h"))
    if total > HYPERVISOR_LIMIT:
        problems.append(f"hypervisor/: {total} lines of code, the limit is {HYPERVISOR_LIMIT}")
    if full > FULL_LIMIT:
        problems.append(f"hypervisor/full/: {full} lines of code, the limit is {FULL_LIMIT}")
    return problems, [f"hypervisor: {total} lines of code (limit {HYPERVISOR_LIMIT}; {plain} with those that hold punctuation alone), "
                      f"full: {full} (limit {FULL_LIMIT}), common: {shared}"]


def body(lines):
    return "int f(int a,\n      int b)\n{\n" + "    a += b;\n" * lines + "}\n"


LONG = {"common/a.c": body(80)}
EXAMPLES = [
    ("short function", {"common/a.c": body(76)}, None),
    ("long function", {"common/a.c": body(77)}, "f has 81 lines"),
    ("long table is no function", {"common/a.c": "static const int t[] = {\n" + "    1,\n" * 100 + "};\n"}, None),
    ("long Python function", {"a.py": "def f():\n" + "    f()\n" * 80}, "f has 81 lines"),
    ("long file", {"common/a.c": "\n" * 601}, "601 lines"),
    ("exception with a reason", {**LONG, ALLOW: "common/a.c:f one switch over all opcodes\n"}, None),
    ("exception without a reason", {**LONG, ALLOW: "common/a.c:f\n"}, "no reason"),
    ("stale exception", {ALLOW: "common/b.c old\n"}, "take it out"),
    ("big hypervisor", {f"hypervisor/mm/{i}.c": "int x;\n" * 600 for i in range(26)}, "15600 lines of code"),
    ("big full virtualization", {f"hypervisor/full/{i}.c": "int x;\n" * 600 for i in range(10)}, "full/: 6000 lines of code"),
    ("the core's limit is without it", {f"hypervisor/{room}/{i}.c": "int x;\n" * 600 for i in range(8) for room in ("full", "mm", "pv", "x86")},
     None),
    ("hypervisor of braces and comments", {f"hypervisor/mm/{i}.c": "/* x */ {\n}\n" * 300 for i in range(26)}, None),
]

if __name__ == "__main__":
    policy.main(check, EXAMPLES)
