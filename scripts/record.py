#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Records what a command shows on a terminal as an SVG picture whose lines appear one after the other: record.py -o FILE COMMAND…
# The picture is text, so that a change of it can be read; docs/first-try.svg is made by it.
# Invariant: every line is one that the command has printed; only waits longer than LONGEST are cut short.
import argparse
import html
import os
import pty
import re
import shlex
import sys
import time
from pathlib import Path

LONGEST = 1.5
COLUMN, ROW, MARGIN = 8.4, 19, 14
STYLE = """text { font: 14px monospace; fill: #d8dee9; white-space: pre; animation: show 0.01s both; }
.typed { fill: #a3be8c; }
@keyframes show { from { opacity: 0; } to { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { text { animation: none; } }"""
# What moves the cursor or clears a line; progress lines rewrite themselves by it.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def run(command):
    """[(seconds since the last line, line)] and the status."""
    lines, held, last = [], b"", time.monotonic()

    def read(fd):
        nonlocal held, last
        data = os.read(fd, 4096)
        held += data
        while b"\n" in held:
            line, held = held.split(b"\n", 1)
            now = time.monotonic()
            lines.append((now - last, shown(line.decode(errors="replace"))))
            last = now
        return data

    status = os.waitstatus_to_exitcode(pty.spawn(command, read))
    return [(gap, line) for gap, line in lines if line], status


def shown(line):
    """What is left on the screen of a line: behind the last return to its start, tabs as blanks."""
    parts = [part for part in CONTROL.sub("", line).split("\r") if part]
    return parts[-1].expandtabs(8).rstrip() if parts else ""


def picture(command, lines):
    typed = "$ " + shlex.join(command)
    width = round(max(len(line) for line in [typed] + [line for _, line in lines]) * COLUMN + 2 * MARGIN)
    height = (len(lines) + 1) * ROW + 2 * MARGIN
    rows, when = [f'<text class="typed" x="{MARGIN}" y="{MARGIN + 14}">{html.escape(typed, quote=False)}</text>'], 0.5
    for number, (gap, line) in enumerate(lines, 1):
        when += min(gap, LONGEST)
        rows.append(f'<text x="{MARGIN}" y="{MARGIN + 14 + number * ROW}" style="animation-delay: {when:.2f}s">{html.escape(line, quote=False)}</text>')
    return "\n".join(["<!-- SPDX-License-Identifier: MIT -->",
                      "<!-- made by scripts/record.py out of a run of the command in its first line -->",
                      f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" width="{width}" height="{height}">', f"<style>{STYLE}</style>",
                      f'<rect width="{width}" height="{height}" rx="8" fill="#2e3440"/>', *rows, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description="Records what a command shows as an SVG picture.")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    lines, status = run(options.command)
    if status:
        sys.exit(f"record.py: the command ended with status {status}: nothing is written")
    Path(options.output).write_text(picture(options.command, lines), encoding="utf-8")


if __name__ == "__main__":
    main()
