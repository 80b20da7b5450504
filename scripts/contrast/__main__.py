# SPDX-License-Identifier: MIT
#
# ./run.sh contrast: one guest program under every mechanism, its operations' cost and crossings side by side: a table, --json, --html.
# Invariant: whatever is wrong with the command line is one line and status 2; what the machine lacks is one line and status 1.
import argparse
import json
import subprocess
import sys
from pathlib import Path

import measure
import page
import table

PROGRAM = "run.sh contrast"
USAGE_ERROR = 2


class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.stderr.write(f"{PROGRAM}: {message} (--help tells the options)\n")
        sys.exit(USAGE_ERROR)


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return int(text)


def mechanisms(text):
    names = text.split(",")
    for name in names:
        if name not in measure.MECHANISMS:
            raise argparse.ArgumentTypeError(f"no mechanism '{name}': there are {', '.join(measure.MECHANISMS)}")
    return [name for name in measure.MECHANISMS if name in names]


def parse(arguments):
    parser = Parser(prog=PROGRAM, allow_abbrev=False, description="Runs one guest program native, paravirtualized and fully virtualized, "
                    "and puts what its operations cost side by side.")
    add = parser.add_argument
    add("--op", metavar="NAME", default="", help="this operation alone")
    add("--mechanisms", metavar="LIST", type=mechanisms, help=f"of {','.join(measure.MECHANISMS)}; all that are here unless told")
    add("-n", dest="runs", metavar="N", type=positive, default=20, help="how often each operation is done (20)")
    add("--json", metavar="FILE", help="write all numbers and the traces to FILE")
    add("--html", metavar="FILE", help="write one self-contained page with charts, timelines and code to FILE")
    add("--markdown", metavar="FILE", help="write the table of instructions to FILE, for documents")
    add("--cpu-model", metavar="STR", default="max", help="QEMU's -cpu (max)")
    add("--build-dir", metavar="DIR", help="take the images from DIR, build nothing")
    add("--no-build", action="store_true", help="take the images as they are")
    options = parser.parse_args(arguments)
    options.named = options.mechanisms is not None
    options.mechanisms = options.mechanisms or list(measure.MECHANISMS)
    for name in ("json", "html", "markdown"):
        path = getattr(options, name)
        if path and not Path(path).absolute().parent.is_dir():
            parser.error(f"--{name} {path}: no such folder")
    return options


def build(options):
    if options.build_dir is None:
        options.build_dir = measure.ROOT / "build"
        if not options.no_build:
            done = subprocess.run([sys.executable, "-B", str(measure.ROOT / "scripts" / "build.py"), "release"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, errors="replace", check=False)
            if done.returncode:
                sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
                raise measure.Problem("the build fails")
    options.build_dir = Path(options.build_dir).absolute()


def main():
    options = parse(sys.argv[1:])
    try:
        build(options)
        results = measure.all_mechanisms(options)
        sys.stdout.write(table.text(results))
        if options.json:
            Path(options.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        if options.markdown:
            Path(options.markdown).write_text(table.markdown(results), encoding="utf-8")
        if options.html:
            Path(options.html).write_text(page.html(results), encoding="utf-8")
        return 0
    except measure.Problem as problem:
        sys.stderr.write(f"{PROGRAM}: {problem}\n")
        return problem.status
    except OSError as problem:
        sys.stderr.write(f"{PROGRAM}: {problem.filename}: {problem.strerror}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
