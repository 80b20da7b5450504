# SPDX-License-Identifier: MIT
#
# A xenstore daemon in a folder of its own, and a client that speaks the wire protocol byte by byte, so that tests can also
# say what no library would say.
# Invariant: every wait has a limit that only a daemon which hangs can reach.
import os
import signal
import socket
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import qemu

(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, START, END, INTRODUCE, RELEASE, GET_DOMAIN_PATH, WRITE, MKDIR, RM, SET_PERMS,
 EVENT, ERROR, IS_INTRODUCED, RESUME, SET_TARGET) = range(20)
RESET_WATCHES, DIRECTORY_PART = 21, 22
HEADER = struct.Struct("<IIII")
PATIENCE = 60


class Refused(Exception):
    """The daemon answered with an error; its text is the error's name."""


class Closed(Exception):
    """The daemon has closed the connection."""


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.bytes = b""
        self.next_id = 0
        self.events = []

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def message(self, kind, *words, tx=0, tail=b""):
        body = b"".join(word if isinstance(word, bytes) else word.encode() + b"\0" for word in words) + tail
        self.next_id += 1
        return HEADER.pack(kind, self.next_id & 0xffffffff, tx, len(body)) + body

    def receive_exactly(self, count):
        while len(self.bytes) < count:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError as error:
                raise Closed from error
            if not data:
                raise Closed
            self.bytes += data
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def receive(self):
        """The next message: (kind, id, tx, body)."""
        kind, number, tx, length = HEADER.unpack(self.receive_exactly(HEADER.size))
        return kind, number, tx, self.receive_exactly(length)

    def reply(self):
        """The next reply: (kind, id, body); events on the way are kept."""
        while True:
            kind, number, _, body = self.receive()
            if kind != EVENT:
                return kind, number, body
            self.events.append(tuple(body.decode().split("\0")[:2]))

    def ask(self, kind, *words, tx=0, tail=b""):
        self.send_raw(self.message(kind, *words, tx=tx, tail=tail))
        got, number, body = self.reply()
        assert number == self.next_id & 0xffffffff, f"a reply to request {number}, expected {self.next_id}"
        if got == ERROR:
            raise Refused(body.rstrip(b"\0").decode())
        assert got == kind, f"a reply of type {got} to a request of type {kind}"
        return body

    def event(self):
        """The next event, in the order in which they came."""
        while not self.events:
            kind, _, _, body = self.receive()
            assert kind == EVENT, f"expected an event, got type {kind}"
            self.events.append(tuple(body.decode().split("\0")[:2]))
        return self.events.pop(0)

    def write(self, path, value, tx=0):
        self.ask(WRITE, path, tx=tx, tail=value.encode())

    def read(self, path, tx=0):
        return self.ask(READ, path, tx=tx).decode()

    def list(self, path, tx=0):
        return [name for name in self.ask(DIRECTORY, path, tx=tx).decode().split("\0") if name]

    def start(self):
        return int(self.ask(START, b"\0").rstrip(b"\0"))

    def end(self, tx, commit=True):
        self.ask(END, "T" if commit else "F", tx=tx)


def refusal(function, *words, **options):
    """The name of the error that a call of a client's function answers with; None if it succeeds."""
    try:
        function(*words, **options)
    except Refused as error:
        return str(error)
    return None


class Daemon:
    """Ours, with --socket-only, in the foreground of a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.program = qemu.BUILD / "tools" / "xenostored"
        self.process = None

    def start(self, *options):
        """Returns once it takes connections: the program that is started goes to the background then."""
        pid_file = self.folder / "pid"
        command = [str(self.program), "--socket-only", "--run-dir", str(self.folder), "--pid-file", str(pid_file), *options]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise qemu.Failure(f"the daemon does not start: {done.stderr}")
        self.process = os.pidfd_open(int(pid_file.read_text(encoding="ascii")))

    def signal(self, number):
        """Ends it with a signal, and waits for its end."""
        signal.pidfd_send_signal(self.process, number)
        self.wait()

    def wait(self):
        import select
        ready, _, _ = select.select([self.process], [], [], PATIENCE)
        if not ready:
            raise qemu.Failure("the daemon does not end")
        os.close(self.process)
        self.process = None

    def kill(self):
        self.signal(signal.SIGKILL)

    def client(self, name="socket"):
        return Client(self.folder / name)

    def memory(self):
        """Resident bytes."""
        pid = int((self.folder / "pid").read_text(encoding="ascii"))
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise qemu.Failure("the daemon is gone")


@contextmanager
def daemon():
    """A new one in an empty folder; killed at the end."""
    with tempfile.TemporaryDirectory(prefix="xs-") as folder:
        one = Daemon(folder)
        one.start()
        try:
            yield one
        finally:
            if one.process is not None:
                one.kill()
