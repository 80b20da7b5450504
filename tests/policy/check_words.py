#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Files and commit messages speak of the project alone: no path of the machine that somebody happened to work on.
# Invariant: looks at every text file, and at every commit message that the clone has.
import os
import re
import subprocess

import policy

SELF = "tests/policy/check_words.py"
# A checkout's own place and a person's home are found by what they are here, fixed places by name.
FIXED = [r"(?<![\w.}])/work/", r"(?<![\w.}])/home/\w+/", r"(?<![\w.}])/Users/\w+/"]


def patterns():
    own = [str(policy.ROOT)]
    home = os.environ.get("HOME", "")
    if home not in ("", "/", "/root"):
        own.append(home.rstrip("/") + "/")
    return [re.compile(p) for p in FIXED + [r"(?<![\w.}])" + re.escape(path) for path in own if len(path) > 3]]


def commit_messages(tree):
    if not (tree.root / ".git").exists():
        return []
    log = subprocess.run(["git", "-C", str(tree.root), "log", "-z", "--format=%h%n%B"], capture_output=True, text=True, check=False)
    return [entry.partition("\n")[::2] for entry in log.stdout.split("\0") if entry]


def check(tree):
    problems = []
    wanted = patterns()
    looked = [name for name in tree.files if name != SELF and tree.is_text(name)]
    for name in looked:
        for number, line in enumerate(tree.lines(name), 1):
            if any(pattern.search(line) for pattern in wanted):
                problems.append(f"{name}:{number}: a path of one machine: {line.strip()[:80]}")
    messages = commit_messages(tree)
    for commit, message in messages:
        if any(pattern.search(message) for pattern in wanted):
            problems.append(f"commit {commit}: its message has a path of one machine")
    return problems, [f"{len(looked)} files and {len(messages)} commit messages looked at"]


EXAMPLES = [
    ("a clean file", {"a.md": "See docs/work/flow and https://example.org/work/\n"}, None),
    ("a machine path", {"a.c": "/* see /work/notes */\n"}, "a path of one machine"),
    ("a home folder", {"run.sh": "cd /home/jane/src\n"}, "a path of one machine"),
    ("this checkout", {"a.txt": f"built in {policy.ROOT}\n"}, "a path of one machine"),
]

if __name__ == "__main__":
    policy.main(check, EXAMPLES)
