#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno-top's screen in a terminal (tmux's), with tables of this test's: what is drawn at which size, its keys, domains that come and go,
# colours, and how it ends. No machine is needed.
# Invariant: a test waits for what the screen shows.
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import qemu

PATIENCE = 60
DOMAINS = [(0, "Domain-0", "r-----", 61_000_000_000, 950, 262144, 1, 0, 0, 0, 0, 0, 0),
           (3, "web", "-b----", 5_000_000_000, 20, 196608, 2, 1, 5_000_000, 700, 1, 4096, 2),
           (9, "a-name-that-is-longer-than-its-column", "--p---", 1, 0, 8192, 1, 0, 0, 0, 0, 0, 0)]


class Terminal:
    def __init__(self, folder, command, width, height, environment):
        self.tmux_words = ["tmux", "-L", f"top-{os.getpid()}", "-f", "/dev/null"]
        self.environment = {key: value for key, value in os.environ.items() if key not in ("TMUX", "NO_COLOR")}
        self.environment.update(TMUX_TMPDIR=str(folder), LC_ALL="C.UTF-8", **environment)
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), "-s", "top", command + "; echo ended $?; read -r never")

    def tmux(self, *words):
        done = subprocess.run(self.tmux_words + list(words), env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode:
            raise qemu.Failure(f"tmux {words}: {done.stderr}")
        return done.stdout

    def screen(self, *more):
        return self.tmux("capture-pane", "-p", "-t", "top", *more)

    def key(self, *keys):
        self.tmux("send-keys", "-t", "top", *keys)

    def until(self, pattern, *more):
        """Waits until the screen is like that; the match."""
        limit = time.monotonic() + PATIENCE
        while True:
            text = self.screen(*more)
            found = re.search(pattern, text, re.MULTILINE)
            if found:
                return found
            if time.monotonic() > limit:
                raise qemu.Failure(f"expected {pattern!r} on the screen:\n{text}")
            time.sleep(0.02)

    def until_ended(self):
        return int(self.until(r"^ended (\d+)$").group(1))


def write(path, domains):
    part = path.with_suffix(".new")
    part.write_text("1048576 524288 2\n" + "".join(" ".join(map(str, row)) + "\n" for row in domains), encoding="ascii")
    part.rename(path)


@contextmanager
def terminal(width=120, height=12, delay_ms=50, **environment):
    program = qemu.BUILD / "screen" / "test-top"
    if not program.exists():
        raise qemu.Skip("xeno-top was not built: there is no ncurses")
    with tempfile.TemporaryDirectory(prefix="top-") as folder:
        table = Path(folder) / "table"
        write(table, DOMAINS)
        t = Terminal(folder, f"{program} {table} {delay_ms}", width, height, environment)
        try:
            yield t, table
        finally:
            t.tmux("kill-server")


def names(text):
    return re.findall(r"^(\S+) +\d+ [-rbpscd]{6}", text, re.MULTILINE)


def test_draws_sorts_and_quits():
    with terminal() as (t, _):
        t.until(r"^xeno top: 3 domains, 512 of 1024 MiB free, 2 CPUs, by CPU *$")
        t.until(r"^NAME +ID +STATE +CPU\(s\) +CPU% +MiB +MEM% VCPUS +SENT  RECVD +READ WRITTEN$")
        t.until(r"^web +3 -b---- +5 +2\.0 +192 +18\.7 +2  4882K   700B  2048K   1024B$")
        t.until(r"^Domain-0 +0 r----- +61 +95\.0 +256 +25\.0 +1 +- +- +- +-$")
        t.until(r"^a-name-that-is-longe +9 --p---")
        assert names(t.screen()) == ["Domain-0", "web", "a-name-that-is-longe"], t.screen()
        for order in ("memory", "network", "disk", "name", "ID", "CPU"):
            t.key("s")
            t.until(f"by {order} *$")
            if order == "network":
                assert names(t.screen())[0] == "web", t.screen()
        t.key("S", "S")
        t.until("by name *$")
        assert names(t.screen()) == ["Domain-0", "a-name-that-is-longe", "web"], t.screen()
        t.key("q")
        assert t.until_ended() == 0


def test_resizes_and_scrolls():
    many = [(n, f"d{n}", "------", 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0) for n in range(30)]
    with terminal(80, 10) as (t, table):
        write(table, many)
        t.until(r"^d6 ")
        assert names(t.screen()) == [f"d{n}" for n in range(7)], t.screen()
        t.key("Down")
        t.until(r"^d7 ")
        t.key("NPage", "NPage", "NPage", "NPage", "NPage")
        t.until(r"^d29 ")
        assert names(t.screen()) == [f"d{n}" for n in range(23, 30)], t.screen()
        t.tmux("resize-window", "-t", "top", "-x", "40", "-y", "20")
        t.until(r"^NAME +ID +STATE *\nd13 ")
        t.tmux("resize-window", "-t", "top", "-x", "130", "-y", "40")
        t.until(r"WRITTEN *\nd0 (.*\n)*d29 ")
        t.tmux("resize-window", "-t", "top", "-x", "5", "-y", "2")
        t.tmux("resize-window", "-t", "top", "-x", "80", "-y", "10")
        t.until(r"^NAME .*\nd0 ")
        write(table, many[:2])
        t.until(r"^d1 .*\n\s*\n")
        t.key("q")
        assert t.until_ended() == 0


def test_a_domain_that_goes_and_a_delay():
    with terminal() as (t, table):
        t.until("^web ")
        write(table, DOMAINS[:1])
        t.until(r"1 domains")
        assert names(t.screen()) == ["Domain-0"], t.screen()
        t.key("d")
        t.until(r"^seconds between two tables \(0\.1\): *$")
        t.key("9", "BSpace", "x", "5", "0", "0", "Enter")
        t.until("^q ends")
        write(table, DOMAINS)
        t.key("d")
        t.until(r"\(500\.0\)")
        t.key("0", ".", "1", "Enter")
        t.until("^q ends")
        t.key("d", "7", "Escape")
        t.until(r"^q ends")
        t.key("q")
        assert t.until_ended() == 0


def test_a_table_that_cannot_be_had():
    with terminal() as (t, table):
        t.until("^web ")
        table.unlink()
        t.until("^xeno top: there is no table$")
        assert t.until_ended() == 1


def test_colours_where_they_are_wanted():
    with terminal(TERM="xterm-256color") as (t, _):
        t.until("\x1b\\[32m(\x1b\\[49m)?Domain-0", "-e")
        t.until("\x1b\\[33ma-name", "-e")
        t.key("q")
        assert t.until_ended() == 0
    with terminal(NO_COLOR="1") as (t, _):
        t.until("Domain-0 ", "-e")
        assert not re.search("\x1b\\[3[1-7]m", t.screen("-e")), t.screen("-e")
        t.key("q")
        assert t.until_ended() == 0


def test_a_terminal_that_nobody_knows():
    with tempfile.TemporaryDirectory(prefix="top-") as folder:
        program, table = qemu.BUILD / "screen" / "test-top", Path(folder) / "table"
        if not program.exists():
            raise qemu.Skip("xeno-top was not built: there is no ncurses")
        write(table, DOMAINS)
        done = subprocess.run([str(program), str(table), "50"], env={"TERM": "no-such-terminal"}, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=PATIENCE)
        assert (done.returncode, done.stdout) == (127, b""), done


if __name__ == "__main__":
    if not any(Path(folder, "tmux").exists() for folder in os.environ["PATH"].split(":")):
        print("tmux is not installed")
        sys.exit(qemu.SKIPPED)
    qemu.main(sys.modules[__name__])
