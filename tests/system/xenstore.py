# SPDX-License-Identifier: MIT
#
# xenstore daemons for tests, ours and Debian's, without a hypervisor: started in a folder of their own, asked over their
# socket or, as a guest, over a ring that is a file (tests/compat/xenstore).
# Invariant: whatever was started is ended; a daemon that does not answer is a failure, not a hang.
import contextlib
import mmap
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

import qemu

FAKE = qemu.ROOT / "tests" / "compat" / "xenstore"
SOURCES = qemu.ROOT / "dom0-tools" / "xenostored"
DEBIANS = Path("/usr/lib/xen-4.17/bin")
PATIENCE = 60
HEADER = struct.Struct("<IIII")

(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, TRANSACTION_START, TRANSACTION_END, INTRODUCE, RELEASE, GET_DOMAIN_PATH, WRITE,
 MKDIR, RM, SET_PERMS, WATCH_EVENT, ERROR, IS_DOMAIN_INTRODUCED, RESUME, SET_TARGET) = range(20)
RESET_WATCHES, DIRECTORY_PART = 21, 22

RING, REQ, RSP = 1024, 0, 1024
REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, FEATURES, CONNECTION, ERROR_WORD = range(2048, 2048 + 7 * 4, 4)
VIRQ_PORT = 1000


class Gone(Exception):
    pass


def debians(name):
    """A daemon of Debian's package xen-utils-4.17, which is fetched where it is not installed; skipped where it cannot be had."""
    if (DEBIANS / name).exists():
        return str(DEBIANS / name)
    import debian_tools  # here, for most tests need nothing of Debian's
    return str(debian_tools.folder() / debian_tools.PLACE / name)


def compiled(name, words, inputs=()):
    """A program or library of tests/compat/xenstore, built anew if a source is younger."""
    out = qemu.BUILD / "compat" / name
    inputs = [*inputs, *FAKE.glob("*.c"), *SOURCES.rglob("*.[ch]")]
    if not out.exists() or any(path.stat().st_mtime > out.stat().st_mtime for path in inputs):
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-o", str(part)] + words, check=True,
                       cwd=qemu.ROOT, timeout=300)
        os.replace(part, out)
    return out


def ours_with_rings():
    """Our daemon as it is, with the sanitizers, and files in place of /dev/xen."""
    tools = qemu.ROOT / "dom0-tools"
    sources = sorted(SOURCES.glob("*.c")) + sorted((SOURCES / "linux").glob("*.c")) + [FAKE / "xen_devices.c"]
    sources += [qemu.ROOT / "common" / "format.c"]
    sources += [tools / "libxeno" / name for name in ("domctl.c", "error.c", "linux/bounce.c", "linux/transport.c")]
    return compiled("xenostored-rings", ["-D_GNU_SOURCE", "-I.", "-Iinclude", "-Idom0-tools", "-fsanitize=address,undefined",
                                         "-fno-sanitize-recover=all"] + [str(path) for path in sources])


class Daemon:
    """One xenstored in a folder of its own. kind: 'rings' (ours, for tests), 'ours' (as it is shipped), 'debian' or 'ocaml'."""

    def __init__(self, kind):
        self.kind = kind
        self.dir = Path(tempfile.mkdtemp(prefix="xs-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
        for name in ("kick", "notify"):
            os.mkfifo(self.dir / name)
        self.kick = os.open(self.dir / "kick", os.O_RDWR)
        self.notify = os.open(self.dir / "notify", os.O_RDWR | os.O_NONBLOCK)
        (self.dir / "port-0").write_text("1", encoding="ascii")
        for domid in range(8):
            (self.dir / f"ring-{domid}").write_bytes(bytes(4096))
        self.rings = {}
        self.process = None
        self.start()

    def environment(self):
        env = {**os.environ, "XENSTORED_RUNDIR": str(self.dir), "XENSTORED_PATH": str(self.dir / "socket"), "FAKE_XEN_DIR": str(self.dir),
               "ASAN_OPTIONS": "detect_leaks=0"}  # it does not free what the end of the process frees
        if self.kind in ("debian", "ocaml"):
            env["LD_PRELOAD"] = str(compiled("fake_xen.so", ["-shared", "-fPIC", str(FAKE / "fake_xen.c"), "-ldl"]))
        return env

    def start(self):
        if self.kind == "debian":
            words = [debians("xenstored"), "--no-fork", "--pid-file", str(self.dir / "pid")]
        elif self.kind == "rings":
            words = [str(ours_with_rings()), "--foreground"]
        elif self.kind == "ours":
            words = [str(qemu.BUILD / "tools" / "xenostored"), "--foreground", "--socket-only"]
        elif self.kind == "ocaml":
            words = [debians("oxenstored"), "--no-fork", "--no-domain-init", "--no-access-log", "--config-file", str(self.dir / "conf"), "--pid-file", str(self.dir / "pid")]
        (self.dir / "conf").write_text(f"xenstored-log-file = {self.dir}/log\n", encoding="ascii")
        old = self.socket_id()
        self.process = subprocess.Popen(words, env=self.environment(), stderr=subprocess.PIPE)
        # A new socket that can be connected to is the only sign of life that Debian's gives; whoever ends instead tells why.
        poll = select.poll()
        while self.socket_id() in (None, old) or not self.listens():
            if self.process.poll() is not None:
                raise Gone(f"{words[0]} ended: {self.process.stderr.read().decode()}")
            poll.poll(5)

    def socket_id(self):
        try:
            return os.stat(self.dir / "socket").st_ino
        except FileNotFoundError:
            return None

    def listens(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(self.dir / "socket")) == 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process.stderr.close()
        os.close(self.kick)
        os.close(self.notify)
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def wait_notify(self):
        """Until the daemon has sent an event; raises if it has ended instead."""
        end = os.pidfd_open(self.process.pid)
        ready = select.select([self.notify, end], [], [], PATIENCE)[0]
        os.close(end)
        if self.notify not in ready:
            raise Gone(f"{self.kind}: ended: {self.process.stderr.read().decode()}" if ready else
                       f"{self.kind}: no event within {PATIENCE} s")
        os.read(self.notify, 65536)


class Client:
    """Requests and replies; events are kept in .events as (path, token)."""

    def __init__(self):
        self.events = []
        self.next_id = 1
        self.buffer = b""

    def send(self, kind, payload=b"", tx=0):
        self.next_id += 1
        self.put(HEADER.pack(kind, self.next_id, tx, len(payload)) + payload)
        return self.next_id

    def receive(self):
        """The next message that is no event: (type, req_id, payload)."""
        while True:
            while len(self.buffer) < 16 or len(self.buffer) < 16 + HEADER.unpack_from(self.buffer)[3]:
                self.buffer += self.get()
            message = self.receive_one()
            if message[0] != WATCH_EVENT:
                return message

    def receive_one(self):
        """The first message in the buffer, where it is whole; an event is noted."""
        kind, req_id, _, length = HEADER.unpack_from(self.buffer)
        payload, self.buffer = self.buffer[16:16 + length], self.buffer[16 + length:]
        if kind == WATCH_EVENT:
            path, token = payload.split(b"\0")[:2]
            self.events.append((path.decode(), token.decode()))
        return kind, req_id, payload

    def ask(self, kind, payload=b"", tx=0):
        """The reply's payload, or the name of an error as a str."""
        asked = self.send(kind, payload, tx)
        got, req_id, reply = self.receive()
        if req_id != asked or got not in (kind, ERROR):
            raise Gone(f"reply {got} to {req_id}, expected {kind} to {asked}")
        return reply.rstrip(b"\0").decode() if got == ERROR else reply

    def event(self):
        """The next one."""
        while not self.events:
            while len(self.buffer) < 16 or len(self.buffer) < 16 + HEADER.unpack_from(self.buffer)[3]:
                self.buffer += self.get()
            if self.receive_one()[0] != WATCH_EVENT:
                raise Gone("a reply that nobody asked for")
        return self.events.pop(0)

    def take_events(self):
        """All that were queued before now."""
        self.ask(GET_DOMAIN_PATH, b"0\0")
        events, self.events = self.events, []
        return sorted(set(events))


class SocketClient(Client):
    def __init__(self, daemon, name="socket"):
        super().__init__()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Debian's queue holds one that waits: only a socket without a limit of time waits for room in it.
        self.socket.connect(str(daemon.dir / name))
        self.socket.settimeout(PATIENCE)

    def put(self, data):
        self.socket.sendall(data)

    def put_some(self, data):
        """As much as there is room for now; how much that was."""
        try:
            return self.socket.send(data, socket.MSG_DONTWAIT) if data else 0
        except BlockingIOError:
            return 0

    def get_some(self):
        """What is there now, into the buffer."""
        with contextlib.suppress(BlockingIOError):
            self.buffer += self.socket.recv(65536, socket.MSG_DONTWAIT)

    def get(self):
        data = self.socket.recv(65536)
        if not data:
            raise Gone("the daemon has closed the connection")
        return data

    def close(self):
        self.socket.close()


class RingClient(Client):
    """A guest: introduced by a privileged client; port domid + 1."""

    def __init__(self, daemon, domid, introduce_by=None):
        super().__init__()
        self.daemon, self.port = daemon, domid + 1
        with open(daemon.dir / f"ring-{domid}", "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        # An index must change at once: struct writes byte by byte, and half an index ends the connection.
        self.words = memoryview(self.page).cast("I")
        if introduce_by:
            self.introduce(introduce_by, domid)

    def introduce(self, by, domid):
        reply = by.ask(INTRODUCE, b"%d\0%d\0%d\0" % (domid, 1, self.port))
        if reply != b"OK\0":
            raise Gone(f"introduce: {reply}")

    def index(self, at):
        return self.words[at // 4]

    def set_index(self, at, value):
        self.words[at // 4] = value & 0xffffffff
        os.write(self.daemon.kick, struct.pack("<I", self.port))

    def put_some(self, data):
        prod = self.index(REQ_PROD)
        data = data[:RING - (prod - self.index(REQ_CONS)) % (1 << 32)]
        at = prod % RING
        first = min(len(data), RING - at)
        self.page[REQ + at:REQ + at + first] = data[:first]
        self.page[REQ:REQ + len(data) - first] = data[first:]
        if data:
            self.set_index(REQ_PROD, prod + len(data))
        return len(data)

    def put(self, data):
        # Old news would fill the pipe in time, and then new ones are lost.
        if select.select([self.daemon.notify], [], [], 0)[0]:
            os.read(self.daemon.notify, 65536)
        while data:
            part = self.put_some(data)
            data = data[part:]
            if not part:
                self.daemon.wait_notify()

    def there(self):
        """The bytes that are there, taken out of the ring."""
        cons = self.index(RSP_CONS)
        count = (self.index(RSP_PROD) - cons) % (1 << 32)
        at = cons % RING
        data = self.page[RSP + at:RSP + min(at + count, RING)] + self.page[RSP:RSP + max(at + count - RING, 0)]
        if count:
            self.set_index(RSP_CONS, cons + count)
        return data

    def get_some(self):
        self.buffer += self.there()

    def get(self):
        while True:
            data = self.there()
            if data:
                return data
            self.daemon.wait_notify()
