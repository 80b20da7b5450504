# SPDX-License-Identifier: MIT
#
# Finds the tests. A test is a command with a name 'category:what', a time limit, and the builds that it needs; it passes
# with exit status 0, is skipped with 77, fails with all else.
# Invariant: names come from the source tree alone, so --list needs no build and a test that is not built is a failure.
import ast
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CATEGORIES = ["build", "unit", "policy", "compat", "fuzz", "guest", "system", "bench", "soak"]
FUZZ_SECONDS = int(os.environ.get("XENO_FUZZ_SECONDS", "20"))
PYTHON = [sys.executable or "python3", "-B"]
# Other CPUs that guest tests with 'MODELS: yes' run on: an old one, and one without the two protections of the kernel from user pages.
CPU_MODELS = {"qemu64": "qemu64", "no-smap": "max,-smap,-smep"}


@dataclass
class Test:
    name: str
    command: list
    timeout: int
    needs: list = field(default_factory=list)
    fast: bool = False
    alone: bool = False

    @property
    def category(self):
        return self.name.split(":", 1)[0]


def exists(folder, pattern):
    return sorted((ROOT / folder).glob(pattern))


def builds():
    presets = [("release", True), ("debug", False), ("release-clang", False), ("debug-clang", False), ("host-tests", True),
               ("host-tests-clang", False), ("fuzz", False)]
    for preset, fast in presets:
        yield Test(f"build:{preset}", PYTHON + ["scripts/build.py", preset], 1200, fast=fast, alone=True)


def unit():
    for file in exists("tests/unit", "test_*.c"):
        yield Test(f"unit:{file.stem[5:]}", [f"build-host/tests/unit/{file.stem}"], 120, ["host-tests"], fast=True)
    for file in exists("tests/unit", "test_*.py"):
        yield Test(f"unit:{file.stem[5:]}", PYTHON + [f"tests/unit/{file.name}"], 120, fast=True)


def policy():
    for file in exists("tests/policy", "check_*.py"):
        for what, option in (("", []), ("/self-test", ["--self-test"])):
            yield Test(f"policy:{file.stem[6:]}{what}", PYTHON + [f"tests/policy/{file.name}"] + option, 60, fast=True)


def compat():
    for file in exists("tests/compat", "*.sh"):
        what = "layout" if file.name == "run.sh" else file.stem
        yield Test(f"compat:{what}", ["sh", f"tests/compat/{file.name}"], 300, fast=file.name == "run.sh")


def fuzz():
    for file in exists("tests/fuzz", "fuzz_*.c"):
        name = file.stem[5:]
        yield Test(f"fuzz:{name}", PYTHON + ["scripts/fuzz.py", name, str(FUZZ_SECONDS)], FUZZ_SECONDS + 120, ["fuzz"])


def guest():
    for file in exists("tests/guest", "*/main.c"):
        name = file.parent.name
        yield Test(f"guest:{name}", PYTHON + ["tests/guest/run_guest_test.py", name], 600, ["release"])
        if "\n * MODELS: yes\n" in file.read_text(encoding="utf-8"):
            for model, words in CPU_MODELS.items():
                yield Test(f"guest:{name}/{model}", PYTHON + ["tests/guest/run_guest_test.py", name, "--on", "xenolith", "--cpu-model", words],
                           600, ["release"])


def functions(file, prefix="test_"):
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith(prefix)]


def system():
    for file in exists("tests/system", "test_*.py"):
        alone = "\n# ALONE:" in file.read_text(encoding="utf-8")
        for function in functions(file):
            yield Test(f"system:{file.stem[5:]}/{function[5:]}", PYTHON + [f"tests/system/{file.name}", function], 600,
                       ["release"], alone=alone)


def bench():
    for file in exists("tests/bench", "bench_*.py"):
        yield Test(f"bench:{file.stem[6:]}", PYTHON + [f"tests/bench/{file.name}"], 1800, ["release"], alone=True)


def soak():
    """What takes minutes and is for releases, not for every change."""
    for file in exists("tests/soak", "soak_*.py"):
        for function in functions(file, "soak_"):
            yield Test(f"soak:{file.stem[5:]}/{function[5:]}", PYTHON + [f"tests/soak/{file.name}", function], 3700, ["release"],
                       alone=True)


def all_tests():
    return [test for find in (builds, unit, policy, compat, fuzz, guest, system, bench, soak) for test in find()]
