#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Runs one libFuzzer target for a number of seconds: fuzz.py NAME SECONDS. Seeds come from tests/fuzz/corpus/NAME; what the
# fuzzer finds stays in build-fuzz/corpus/NAME, so that a longer run builds on a shorter one.
# Invariant: the random seed is printed by the fuzzer, and a failing input is left in build-fuzz/findings/NAME-*.
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main():
    name, seconds = sys.argv[1], int(sys.argv[2])
    program = ROOT / "build-fuzz" / "tests" / "fuzz" / f"fuzz_{name}"
    corpus = ROOT / "build-fuzz" / "corpus" / name
    findings = ROOT / "build-fuzz" / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    command = [str(program), f"-max_total_time={seconds}", "-print_final_stats=1", "-rss_limit_mb=2048", "-timeout=20",
               f"-artifact_prefix={findings}/{name}-", str(corpus)]
    seeds = ROOT / "tests" / "fuzz" / "corpus" / name
    if seeds.is_dir():
        command.append(str(seeds))
    dictionary = ROOT / "tests" / "fuzz" / f"{name}.dict"
    if dictionary.exists():
        command.insert(1, f"-dict={dictionary}")
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
