#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The form of files: SPDX on the first line, then a comment of one to seven lines that says what the file does; no mark for
# work left undone without the ADR or issue that carries it; clean line ends.
# Invariant: every text file is looked at for line ends, every source file for its head.
import re

import policy

HASH = (".py", ".sh", ".cmake", ".txt", ".yml", ".conf", ".cfg")
BLOCK = (".c", ".h", ".S", ".def", ".dts", ".dtsi", ".lds", ".inc")
HASH_NAMES = {"CMakeLists.txt", "run", ".clang-format", ".clang-tidy"}
LICENCE = "SPDX-License-Identifier: MIT"
HEAD_LIMIT = 7
UNDONE = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\((ADR-\d{4}|#\d+)\))")
# The text of a seeded fuzz input or of an expected output is data.
DATA = re.compile(r"^tests/(fuzz/corpus|.*/data|.*/expected)/|\.(md|json|patch|dict|svg|txt)$")


def comment_style(name):
    base = name.rsplit("/", 1)[-1]
    if base in HASH_NAMES:
        return "hash"
    if DATA.search(name):
        return None
    return "hash" if base.endswith(HASH) else "block" if base.endswith(BLOCK) else None


def head_lines(lines, style):
    """The text lines of the comment that follows the SPDX line."""
    text = []
    if style == "hash":
        for line in lines:
            if not line.startswith("#"):
                break
            text.append(line.lstrip("#").strip())
    else:
        if not lines or not lines[0].startswith("/*"):
            return []
        for line in lines:
            text.append(line.strip().removeprefix("/*").removesuffix("*/").strip(" *"))
            if "*/" in line:
                break
    return [line for line in text if line]


def head_problem(lines, style):
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    if not lines or LICENCE not in lines[0]:
        return f"line 1 is not '{LICENCE}'"
    head = head_lines(lines[1:], style)
    if not head:
        return "no comment after the SPDX line that says what the file does"
    if len(head) > HEAD_LIMIT:
        return f"the comment at the head has {len(head)} lines, the limit is {HEAD_LIMIT}"
    return None


def line_problems(name, text, style):
    if "\r" in text:
        yield f"{name}: carriage returns"
    if text and not text.endswith("\n"):
        yield f"{name}: no newline at the end"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip() and not line.endswith("\r"):
            yield f"{name}:{number}: blanks at the end of the line"
        mark = UNDONE.search(line) if style else None
        if mark:
            yield f"{name}:{number}: {mark.group(1)} without (ADR-NNNN) or (#issue)"


def check(tree):
    problems = []
    sources = 0
    for name in tree.files:
        if not tree.is_text(name):
            continue
        style = comment_style(name)
        text = tree.text(name)
        if style:
            sources += 1
            problem = head_problem(text.splitlines(), style)
            if problem:
                problems.append(f"{name}: {problem}")
        if name.startswith("tests/fuzz/corpus/"):
            continue
        # This file has to spell the marks that it looks for.
        problems += line_problems(name, text, style if name != "tests/policy/check_comments.py" else None)
    return problems, [f"{sources} source files looked at"]


HEAD = "/* SPDX-License-Identifier: MIT */\n/*\n * What it does.\n */\n"
PY_HEAD = "#!/usr/bin/env python3\n# SPDX-License-Identifier: MIT\n#\n# What it does.\n"
EXAMPLES = [
    ("a good file", {"a.c": HEAD + "int a;\n", "b.py": PY_HEAD + "b = 1\n"}, None),
    ("no SPDX", {"a.c": "/* What it does. */\n"}, "line 1"),
    ("no SPDX in a build file", {"x/CMakeLists.txt": "# What\n"}, "line 1"),
    ("no comment", {"a.c": "/* SPDX-License-Identifier: MIT */\nint a;\n"}, "no comment after"),
    ("no comment in a script", {"a.sh": "#!/bin/sh\n# SPDX-License-Identifier: MIT\nset -e\n"}, "no comment after"),
    ("a long head", {"a.h": HEAD.replace(" * What it does.\n", " * Line.\n" * 8)}, "has 8 lines"),
    ("work left undone", {"a.c": HEAD + "/* TODO: later */\n"}, "TODO without"),
    ("work left to an issue", {"a.c": HEAD + "/* TODO(#12): later */\n"}, None),
    ("blank at the end", {"a.md": "text \n"}, "blanks at the end"),
    ("no last newline", {"a.md": "text"}, "no newline"),
    ("carriage return", {"a.md": "text\r\n"}, "carriage returns"),
]

if __name__ == "__main__":
    policy.main(check, EXAMPLES)
