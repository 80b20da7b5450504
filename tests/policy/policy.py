# SPDX-License-Identifier: MIT
#
# What the policy checks share: the list of the project's files, and a command line with a self-test. A check is a function
# of a Tree that returns (problems, notes); its self-test gives it small trees and says which problem each must show.
# Invariant: a check that finds nothing to look at in its own self-test fails, so that no check passes by looking away.
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIP_FOLDERS = {".git", "__pycache__", ".cache"}


class Tree:
    """The files of one source tree, by their path from its root."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = sorted(self._from_git() or self._from_disk())

    def _from_git(self):
        if not (self.root / ".git").exists():
            return []
        command = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\0")
        return [name for name in listed if name and (self.root / name).is_file()]

    def _from_disk(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in SKIP_FOLDERS and f != "build" and not f.startswith("build-")]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in names]
        return found

    def under(self, *folders):
        return [name for name in self.files if any(name.startswith(folder + "/") for folder in folders)]

    def lines(self, name):
        return self.text(name).splitlines()

    def text(self, name):
        # No translation of line ends: carriage returns have to be seen.
        with open(self.root / name, encoding="utf-8", errors="replace", newline="") as data:
            return data.read()

    def exists(self, name):
        return (self.root / name).is_file()

    def is_text(self, name):
        with open(self.root / name, "rb") as data:
            return b"\0" not in data.read(8192)


def tree_of(files):
    """A temporary tree; the caller holds the first value as long as it uses the second."""
    holder = tempfile.TemporaryDirectory(prefix="policy-")
    for name, text in files.items():
        path = Path(holder.name) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return holder, Tree(holder.name)


def self_test(check, examples):
    """examples: (title, files, expected part of the only problem, or None for a clean tree)."""
    wrong = 0
    for title, files, expected in examples:
        holder, tree = tree_of(files)
        problems, _ = check(tree)
        holder.cleanup()
        good = not problems if expected is None else len(problems) == 1 and expected in problems[0]
        print(f"{'ok  ' if good else 'FAIL'} {title}")
        if not good:
            wrong += 1
            print(f"     expected {expected!r}, found {problems}")
    return 1 if wrong or not any(example[2] for example in examples) else 0


def main(check, examples):
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test(check, examples))
    if sys.argv[1:]:
        sys.exit(f"usage: {sys.argv[0]} [--self-test]")
    problems, notes = check(Tree(ROOT))
    for line in notes + problems:
        print(line)
    sys.exit(1 if problems else 0)
