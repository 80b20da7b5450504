#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xenostored beside Debian's two daemons (C and OCaml), on this machine without a hypervisor: what requests over the socket
# take, in microseconds of wall-clock time, and resident memory, at 10, 1,000 and 8,000 domains' worth of nodes. Prints the
# table of docs/performance.md. The three take turns, eight at each size, and the best of each counts, for others use the
# machine as well. It judges nothing by time.
import contextlib
import re
import select
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu
import xenstore as xs

KINDS = ["debian", "ocaml", "ours"]
SIZES = [10, 1000, 8000]
GOAL = 0.8
# A daemon that has not finished a size by then is not asked further.
LIMIT = 180
PASSES = 8
CLIENT = Path(__file__).resolve().parent / "xenstored_client.c"


class Measured:
    """One daemon and the client that measures it."""

    def __init__(self, kind):
        self.daemon = xs.Daemon(kind)
        client = xs.compiled("xenstored-client", ["-Iinclude", str(CLIENT)], [CLIENT])
        self.client = subprocess.Popen([str(client), str(self.daemon.dir / "socket")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.kind, self.alive, self.best = kind, True, {}

    def close(self):
        self.client.kill()
        self.client.wait()
        self.daemon.close()

    def ask(self, size):
        """Have the client do one thing, and keep the best of each figure; whoever takes too long is ended."""
        if not self.alive:
            return
        self.client.stdin.write(f"{size}\n".encode())
        self.client.stdin.flush()
        text, deadline = b"", time.monotonic() + LIMIT
        while not text.endswith(b"done\n"):
            if not select.select([self.client.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                self.alive = False
                self.daemon.kill()
                return
            data = self.client.stdout.read1()
            if not data:
                raise qemu.Failure(f"{self.kind}: the client ended with status {self.client.wait()}")
            text += data
        for name, us in re.findall(r"^\d+ (\S+) ([0-9.]+)$", text.decode(), re.MULTILINE):
            self.best[size, name] = min(float(us), self.best.get((size, name), float("inf")))

    def memory(self, size):
        if self.alive:
            status = Path(f"/proc/{self.daemon.process.pid}/status").read_text(encoding="ascii")
            self.best[size, "memory"] = int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])


def cell(value, unit):
    return "–" if value is None else f"{value:,.1f}{unit}" if value < 100 else f"{value:,.0f}{unit}"


def table(debian, ocaml, ours):
    print("| domains | what | Debian's C | Debian's OCaml | xenostored | of the better |")
    print("|---|---|---|---|---|---|")
    for size, name in ours.best:
        values = [one.best.get((size, name)) for one in (debian, ocaml, ours)]
        others = [value for value in values[:2] if value is not None]
        ratio = values[2] / min(others)
        goal, unit = (1.0, " KiB") if name == "memory" else (GOAL, " µs")
        missed = " (missed)" if ratio > goal and name != "fill" else ""
        print(f"| {size:,} | {name} | " + " | ".join(cell(value, unit) for value in values) + f" | {ratio:.2f}{missed} |")


def main():
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    with contextlib.ExitStack() as stack:
        measured = []
        for kind in KINDS:
            measured.append(Measured(kind))
            stack.callback(measured[-1].close)
        for size in sizes:
            for turn in range(1 + PASSES):
                for one in measured:
                    one.ask(size)
                    if turn == 0:
                        one.memory(size)
        table(*measured)


if __name__ == "__main__":
    main()
