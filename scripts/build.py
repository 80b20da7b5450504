#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Configures (once) and builds one CMake preset: build.py PRESET [TARGET…]. Output is quiet when all is well.
# Invariant: a build with a warning fails, whoever printed it: the log is searched, beyond -Werror.
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Said by the assembler and the linker, which -Werror does not reach; paths that only contain the word do not count.
WARNING = re.compile(r"(^|\s)warning:", re.IGNORECASE)


def binary_dir(preset):
    for entry in json.loads((ROOT / "CMakePresets.json").read_text(encoding="utf-8"))["configurePresets"]:
        if entry["name"] == preset and "binaryDir" in entry:
            return Path(entry["binaryDir"].replace("${sourceDir}", str(ROOT)))
    sys.exit(f"build.py: no preset '{preset}' in CMakePresets.json")


def run(command):
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace")
    warned = False
    for line in process.stdout:
        print(line, end="", flush=True)
        warned = warned or bool(WARNING.search(line))
    status = process.wait()
    if status:
        sys.exit(status)
    if warned:
        sys.exit(f"build.py: '{' '.join(command)}' printed a warning")


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: build.py PRESET [TARGET…]")
    preset, targets = sys.argv[1], sys.argv[2:]
    folder = binary_dir(preset)
    if not (folder / "build.ninja").exists():
        run(["cmake", "--preset", preset])
    jobs = os.environ.get("XENO_JOBS") or str(os.cpu_count() or 2)
    run(["cmake", "--build", str(folder), "-j", jobs] + (["--target"] + targets if targets else []))


if __name__ == "__main__":
    main()
