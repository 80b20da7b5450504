# SPDX-License-Identifier: MIT
#
# Runs QEMU, passes the console on, and says how it ended. On Debian's Xen the console also carries Xen's own lines: they
# go to the log, and tell how dom0 ended.
# Invariant: QEMU never outlives run(), whatever ends it.
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

TIMED_OUT = 124
QEMU_FAILED = 125
CRASHED = 3
# What Xen says when dom0 has ended; it then halts or resets the machine.
DOM0_ENDED = re.compile(rb"Hardware Dom\d+ (halted|shutdown|crashed|watchdog)")
PREFIX = b"(XEN) "


class XenFilter:
    """Takes Xen's lines out of a stream of bytes, also where one begins in the middle of a line."""

    def __init__(self, write, log):
        self.write, self.log, self.held, self.in_xen = write, log, b"", False
        self.ended = None

    def feed(self, data):
        self.held += data
        while self.held:
            if self.in_xen:
                line, newline, rest = self.held.partition(b"\n")
                if not newline:
                    return
                self.xen_line(line + newline)
                self.held, self.in_xen = rest, False
                continue
            start = self.held.find(PREFIX)
            if start >= 0:
                self.write(self.held[:start])
                self.held, self.in_xen = self.held[start:], True
                continue
            keep = next((n for n in range(len(PREFIX) - 1, 0, -1) if self.held.endswith(PREFIX[:n])), 0)
            self.write(self.held[:len(self.held) - keep])
            self.held = self.held[len(self.held) - keep:]
            return

    def xen_line(self, line):
        self.log.write(line)
        self.log.flush()
        match = DOM0_ENDED.search(line)
        if match:
            self.ended = CRASHED if match.group(1) == b"crashed" else 0

    def finish(self):
        (self.log.write if self.in_xen else self.write)(self.held)
        self.held = b""


class CommandFilter:
    """Passes on to write what stands between the marks that Linux's init sets around a command; learns the command's status."""

    BEGIN = b"\x1exeno begin\x1e"
    END = re.compile(rb"\x1exeno status (\d{1,3})\x1e")
    KEPT = 8192

    def __init__(self):
        self.write, self.held, self.begun, self.status = None, b"", False, None

    def feed(self, data):
        if self.status is not None:
            return
        self.held += data
        if not self.begun:
            before, mark, rest = self.held.partition(self.BEGIN)
            line, newline, rest = rest.partition(b"\n")
            if not newline:
                # Kept for the one who asks why there was no command.
                self.held = self.held if mark else before[-self.KEPT:]
                return
            self.begun, self.held = True, rest
        match = self.END.search(self.held)
        if match:
            self.write(self.held[:match.start()])
            self.held, self.status = b"", int(match.group(1))
            return
        mark = self.held.rfind(b"\x1e")
        keep = len(self.held) - mark if mark >= 0 and len(self.held) - mark < 24 else 0
        self.write(self.held[:len(self.held) - keep])
        self.held = self.held[len(self.held) - keep:]

    def finish(self):
        if self.begun:
            self.write(self.held)


class PlainText:
    """Ends lines as a file or a pipe wants them: carriage returns before a newline are the serial line's."""

    def __init__(self, out):
        self.out, self.held = out, b""

    def write(self, data):
        data = self.held + data
        kept = data.rstrip(b"\r")
        self.held = data[len(kept):]
        kept = re.sub(rb"\r+\n", b"\n", kept)
        if kept:
            self.out.write(kept)
            self.out.flush()

    def finish(self):
        self.out.write(self.held)
        self.out.flush()
        self.held = b""


def end(process):
    # A QEMU that owns the terminal has to put it back; any other would only talk about the signal.
    for sig in (signal.SIGTERM, signal.SIGKILL) if process.stdout is None else (signal.SIGKILL,):
        if process.poll() is not None:
            return
        process.send_signal(sig)
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            continue


def pump(process, xen_filter, write):
    while True:
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            return
        if xen_filter:
            xen_filter.feed(data)
            if xen_filter.ended is not None:
                end(process)
        else:
            write(data)


def translate(status, log):
    """QEMU's status: isa-debug-exit ends it with 2v+1 for a write of v, an orderly power-off with 0."""
    if status < 0:
        return 128 - status
    if status == 1 and not (log.is_file() and log.stat().st_size):
        return QEMU_FAILED
    return (status - 1) // 2 if status % 2 else QEMU_FAILED if status else 0


def outcome(ended, process, log, marks):
    """The run's status: how the machine ended, and where that was orderly how the command did."""
    status = ended if ended is not None else translate(process.returncode, log)
    if marks and status == 0:
        return CRASHED if marks.status is None else marks.status
    return status


def run(command, log, *, interactive=False, piped_input=False, xen=False, timeout=None, out=None, marks=None):
    """
    The run's exit status. The console goes to out (standard output) as text, or is QEMU's own terminal if interactive. With
    marks (a CommandFilter) only what that lets through, and the status is the command's.
    """
    log = Path(log)
    expired = threading.Event()
    if interactive and not xen:
        process = subprocess.Popen(command)
        stream = None
    else:
        stdin = None if interactive or piped_input else subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE)
        stream = PlainText(out or sys.stdout.buffer)

    def expire():
        expired.set()
        end(process)

    timer = threading.Timer(timeout, expire) if timeout else None
    if timer:
        timer.daemon = True
        timer.start()
    ended = None
    try:
        if stream:
            write = stream.write
            if marks:
                marks.write, write = write, marks.feed
            if xen:
                with open(log, "wb") as lines:
                    xen_filter = XenFilter(write, lines)
                    pump(process, xen_filter, write)
                    xen_filter.finish()
                    ended = xen_filter.ended
            else:
                pump(process, None, write)
            if marks:
                marks.finish()
            stream.finish()
        process.wait()
    finally:
        if timer:
            timer.cancel()
        end(process)
    if expired.is_set():
        return TIMED_OUT
    return outcome(ended, process, log, marks)
