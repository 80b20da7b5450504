# SPDX-License-Identifier: MIT
#
# What system tests are made of: run() for a run with an end, Session for a console that one talks to, and main() for a test
# file: its functions test_<what> are the tests; one that raises Skip is skipped.
# Invariant: a test waits for what a machine says, never for a time to pass; time limits only end machines that hang, and no
# machine outlives its test.
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("XENO_BUILD_DIR", "build")
HANG = 240
# For benchmarks: Debian's Xen without the word that run.sh adds for correctness under QEMU (docs/compat/linux.md).
XEN_AT_DEFAULTS = ["--hv-args", "spec-ctrl=no-eager-fpu"]
SKIPPED = 77


class Skip(Exception):
    """This machine lacks what the test needs; the text says what."""


class Failure(AssertionError):
    """A check of a test that did not hold, with what the machine had said."""


class Result:
    def __init__(self, command, status, output, errors, log):
        self.command, self.status, self.output, self.errors, self.log = command, status, output, errors, log

    def __str__(self):
        parts = [f"command: {' '.join(self.command)}", f"status: {self.status}"]
        # What was said last stands last: it is what a short view of a failure shows.
        for title, text, lines in (("log", self.log, 20), ("errors", self.errors, 20), ("output", self.output, 40)):
            if text:
                parts.append(f"{title}:\n" + "\n".join("  " + line for line in text.splitlines()[-lines:]))
        return "\n".join(parts)

    def expect(self, condition, what):
        if not condition:
            raise Failure(f"{what}\n{self}")
        return self

    def expect_status(self, status):
        return self.expect(self.status == status, f"expected status {status}")

    def expect_output(self, pattern):
        return self.expect(re.search(pattern, self.output, re.MULTILINE), f"expected output like {pattern!r}")

    def expect_log(self, pattern):
        return self.expect(re.search(pattern, self.log, re.MULTILINE), f"expected a log like {pattern!r}")


def run_sh_command(words, log, timeout):
    return [sys.executable, "-B", str(ROOT / "scripts" / "xenorun"), "--build-dir", str(BUILD), "--log", log, "--timeout",
            str(timeout)] + [str(word) for word in words]


CRASHES = (128 + signal.SIGSEGV, 128 + signal.SIGABRT)


def read(path):
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def run(*words, timeout=HANG, stdin=None):
    """run.sh WORDS with the built images; the result has its status, both outputs and the hypervisor's log."""
    result = run_once(words, timeout, stdin)
    if result.status in CRASHES:
        # QEMU 7.2's emulator crashes now and then under load with several CPUs (docs/compat/linux.md): that says nothing of what it ran.
        print(f"QEMU itself ended by signal {result.status - 128}: once more\n{result}")
        result = run_once(words, timeout, stdin)
    return result


def run_once(words, timeout, stdin):
    with tempfile.TemporaryDirectory(prefix="system-") as folder:
        log = f"{folder}/log"
        command = run_sh_command(words, log, timeout)
        done = subprocess.run(command, input=stdin, stdin=None if stdin else subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=timeout + 60, check=False)
        return Result(command[2:], done.returncode, done.stdout, done.stderr, read(log))


class Session:
    """A running machine whose console is talked to; see session()."""

    def __init__(self, command, log):
        self.command, self.log_path = command, log
        self.text, self.at = "", 0
        self.changed = threading.Condition()
        self.ended = False
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            with self.changed:
                self.text += data.decode("utf-8", "replace").replace("\r", "")
                self.ended = not data
                self.changed.notify_all()
            if not data:
                return

    def result(self):
        return Result(self.command, self.process.poll(), self.text, "", read(self.log_path))

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, pattern, timeout=HANG):
        """Waits for pattern in what was said after the last match; the match."""
        wanted = re.compile(pattern, re.MULTILINE)
        limit = time.monotonic() + timeout
        with self.changed:
            while True:
                match = wanted.search(self.text, self.at)
                if match:
                    self.at = match.end()
                    return match
                left = limit - time.monotonic()
                if self.ended or left <= 0:
                    why = "the machine ended" if self.ended else f"nothing in {timeout} s"
                    raise Failure(f"expected {pattern!r} on the console: {why}\n{self.result()}")
                self.changed.wait(left)

    def wait(self, timeout=HANG):
        """Waits for the machine's end; its status."""
        self.process.wait(timeout)
        with self.changed:
            while not self.ended:
                self.changed.wait(timeout)
        return self.process.returncode

    def expect_end(self, status, timeout=HANG):
        """Waits for the machine's end, which must be with QEMU's own status; the Result."""
        self.wait(timeout)
        return self.result().expect_status(status)

    def wait_log(self, pattern, timeout=HANG):
        """Waits for pattern in the hypervisor's log. The log is a file: looking again is the only way to wait for it."""
        limit = time.monotonic() + timeout
        while not re.search(pattern, read(self.log_path), re.MULTILINE):
            if self.process.poll() is not None or time.monotonic() > limit:
                raise Failure(f"expected {pattern!r} in the log\n{self.result()}")
            time.sleep(0.05)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def monitor(path, command, ends=False):
    """What QEMU's monitor at that Unix socket says to a command; one that ends the machine may be left without an answer."""

    def until_prompt(ends):
        text = b""
        while not text.endswith(b"(qemu) "):
            try:
                data = link.recv(4096)
            except ConnectionResetError:
                data = b""
            if not data and not ends:
                raise Failure(f"QEMU's monitor ended: {text.decode(errors='replace')}")
            if not data:
                break
            text += data
        return text.decode(errors="replace")

    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(HANG)
        link.connect(str(path))
        until_prompt(False)
        link.sendall(command.encode() + b"\n")
        return until_prompt(ends)


@contextmanager
def session(*words, timeout=HANG, command=None):
    """A Session on run.sh WORDS, or on a QEMU command of one's own; ended with the block, shown if the block fails."""
    with tempfile.TemporaryDirectory(prefix="system-") as folder:
        log = f"{folder}/log"
        machine = Session([word.replace("@LOG@", log) for word in command] if command else run_sh_command(words, log, timeout), log)
        try:
            yield machine
        finally:
            machine.close()


def main(module, prefix="test_"):
    """Runs the tests named on the command line (all without names); 0, 1, or 77 if all were skipped."""
    tests = {name: value for name, value in vars(module).items() if name.startswith(prefix) and callable(value)}
    names = sys.argv[1:] or list(tests)
    skipped = failed = 0
    for name in names:
        if name not in tests:
            sys.exit(f"no test '{name}' in {module.__file__}")
        try:
            tests[name]()
            print(f"ok   {name}", flush=True)
        except Skip as reason:
            skipped += 1
            print(f"skip {name}: {reason}", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"FAIL {name}", flush=True)
    sys.exit(1 if failed else SKIPPED if skipped == len(names) else 0)
