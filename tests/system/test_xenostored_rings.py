#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xenostored with the rings of dom0's kernel and of guests, which are files (tests/compat/xenstore): SIGKILL again and again
# under load, with nothing lost and nothing told twice; protocol violations, which end one connection only; ends of domains.
# Invariant: what a test waits for is a reply or an event; a daemon that does not give it is a failure.
import collections
import contextlib
import os
import random
import select
import struct
import sys

import qemu
import xenstore as xs

KILLS = 40
SEED = int(os.environ.get("XENO_SEED", "0")) or random.randrange(1, 1 << 32)
RINGIDX, PROTO = 2, 3


@contextlib.contextmanager
def daemon():
    one = xs.Daemon("rings")
    try:
        yield one
    finally:
        one.close()


def kick(store, port):
    os.write(store.kick, struct.pack("<I", port))


def guests(store, dom0, *domids):
    """Introduced domains, each with a folder of its own."""
    for domid in domids:
        home = b"/local/domain/%d\0" % domid
        yield xs.RingClient(store, domid, dom0)
        assert dom0.ask(xs.MKDIR, home) == b"OK\0"
        assert dom0.ask(xs.SET_PERMS, home + b"n%d\0" % domid) == b"OK\0"


def break_and_see(store, guest, error):
    """The daemon gives this ring up, and says why in its page."""
    kick(store, guest.port)
    while guest.index(xs.ERROR_WORD) != error:
        store.wait_notify()


def reconnect(store, guest):
    """As a kernel does it that has been told of an error: all begins anew."""
    guest.set_index(xs.CONNECTION, 1)
    while guest.index(xs.CONNECTION) != 0:
        store.wait_notify()
    guest.buffer, guest.events = b"", []


def test_a_violation_ends_one_ring_only():
    with daemon() as store:
        dom0 = xs.SocketClient(store)
        bad, good = guests(store, dom0, 1, 2)
        assert good.ask(xs.WATCH, b"data\0t\0") == b"OK\0"
        assert bad.index(xs.FEATURES) & 3 == 3
        breaks = [
            (RINGIDX, lambda: bad.set_index(xs.REQ_PROD, bad.index(xs.REQ_CONS) + 1025)),
            (RINGIDX, lambda: bad.set_index(xs.REQ_PROD, bad.index(xs.REQ_CONS) - 1)),
            (PROTO, lambda: bad.put(xs.HEADER.pack(xs.READ, 1, 0, 4097))),
            (PROTO, lambda: bad.put(xs.HEADER.pack(xs.WRITE, 1, 0, 0xffffffff))),
            (RINGIDX, lambda: (bad.words.__setitem__(xs.RSP_CONS // 4, bad.index(xs.RSP_PROD) + 1),
                               bad.send(xs.GET_DOMAIN_PATH, b"1\0"))),
        ]
        for number, (error, action) in enumerate(breaks):
            assert bad.ask(xs.WRITE, b"mine\0%d" % number) == b"OK\0"
            assert bad.ask(xs.WATCH, b"mine\0t\0") == b"OK\0"
            action()
            break_and_see(store, bad, error)
            # Nothing more comes there, and it lives on in the daemon's next process.
            if number == 2:
                store.kill()
                store.start()
                dom0 = xs.SocketClient(store)
                assert bad.index(xs.ERROR_WORD) == error
            assert dom0.ask(xs.READ, b"/local/domain/1/mine\0") == b"%d" % number
            assert good.ask(xs.WRITE, b"data\0%d" % number) == b"OK\0"
            assert good.take_events() == [("data", "t")]
            reconnect(store, bad)
            assert bad.ask(xs.READ, b"mine\0") == b"%d" % number
            assert bad.ask(xs.WRITE, b"mine\0x") == b"OK\0"
            assert not bad.take_events(), "a watch of the old connection is there after a new one was asked for"


def test_garbage_in_the_page():
    """Whatever a guest writes into its page, others are served, and it may begin anew."""
    rng = random.Random(SEED)
    print(f"seed {SEED} (XENO_SEED)")
    with daemon() as store:
        dom0 = xs.SocketClient(store)
        bad, good = guests(store, dom0, 1, 2)
        for turn in range(150):
            start = bad.index(xs.REQ_CONS)
            bad.page[:1024] = rng.randbytes(1024)
            for _ in range(rng.randrange(4)):
                at = rng.randrange(0, 1000, 4)
                bad.page[at:at + 16] = xs.HEADER.pack(rng.randrange(24), 0, rng.randrange(3), rng.choice([0, 5, 200, 4096, 4097]))
            bad.words[rng.choice([xs.RSP_CONS, xs.RSP_PROD, xs.REQ_CONS, xs.FEATURES]) // 4] = rng.getrandbits(32)
            bad.set_index(xs.REQ_PROD, start + rng.choice([16, 64, 1024, rng.getrandbits(32)]))
            value = b"%d" % turn
            assert good.ask(xs.WRITE, b"data\0" + value) == b"OK\0"
            assert dom0.ask(xs.READ, b"/local/domain/2/data\0") == value
            reconnect(store, bad)
            assert bad.ask(xs.GET_DOMAIN_PATH, b"1\0") == b"/local/domain/1\0"
        assert dom0.ask(xs.CONTROL, b"check\0") == b"OK\0"


def test_domains_that_end():
    with daemon() as store:
        dom0, kernel = xs.SocketClient(store), xs.RingClient(store, 0)
        one, two = guests(store, dom0, 1, 2)
        for client in (dom0, kernel):
            assert client.ask(xs.WATCH, b"@releaseDomain\0r\0") == b"OK\0"
            assert client.take_events() == [("@releaseDomain", "r")]
        assert one.ask(xs.WRITE, b"data\0x") == b"OK\0"
        (store.dir / "shutdown-1").touch()
        kick(store, xs.VIRQ_PORT)
        assert dom0.event() == ("@releaseDomain", "r")
        assert kernel.take_events() == [("@releaseDomain", "r")]
        assert dom0.ask(xs.IS_DOMAIN_INTRODUCED, b"1\0") == b"T\0"
        # One ends while there is no daemon: the next one finds that out.
        store.kill()
        (store.dir / "gone-1").touch()
        store.start()
        dom0 = xs.SocketClient(store)
        assert kernel.take_events() == [("@releaseDomain", "r")]
        assert dom0.ask(xs.IS_DOMAIN_INTRODUCED, b"1\0") == b"F\0"
        assert dom0.ask(xs.READ, b"/local/domain/1/data\0") == "ENOENT", "what a domain owned outlives it"
        assert dom0.ask(xs.INTRODUCE, b"1\0001\0002\0") == "ENOENT"
        # The next domain with this id has a ring of its own and none of the rights of the last one.
        (store.dir / "gone-1").unlink()
        (store.dir / "shutdown-1").unlink()
        (store.dir / "ring-1").write_bytes(bytes(4096))
        one = next(guests(store, dom0, 1))
        assert one.ask(xs.WATCH, b"data\0t\0") == b"OK\0"
        assert one.take_events() == [("data", "t")]
        # A domain without a ring is refused, and nothing of it stays.
        assert dom0.ask(xs.INTRODUCE, b"99\0001\000100\0") in ("EINVAL", "ENOENT", "ENODEV")
        assert dom0.ask(xs.IS_DOMAIN_INTRODUCED, b"99\0") == b"F\0"
        assert two.ask(xs.GET_DOMAIN_PATH, b"2\0") == b"/local/domain/2\0"


class Talker:
    """Keeps a client busy without ever waiting for it: writes, reads, transactions, one burst after the other."""

    def __init__(self, name, home, client, rng):
        self.name, self.home, self.client, self.rng = name, home, client, rng
        self.out, self.expected = b"", collections.deque()
        self.sure, self.open = {}, {}  # what was acknowledged; what was sent and may be there or not
        self.number, self.acknowledged, self.pairs = 0, 0, 0

    def path(self, name):
        return f"{self.home}/{name}".encode() + b"\0"

    def ask(self, kind, payload, then, tx=0):
        self.client.next_id += 1
        self.out += xs.HEADER.pack(kind, self.client.next_id, tx, len(payload)) + payload
        self.expected.append((kind, self.client.next_id, then))

    def write(self, name, value):
        self.open.setdefault(name, []).append(value)
        self.ask(xs.WRITE, self.path(name) + value.encode(), lambda reply: self.is_written(name, value, reply))

    def is_written(self, name, value, reply):
        assert reply == b"OK\0", f"{self.name}: write of {name}: {reply}"
        self.sure[name] = value
        del self.open[name][:self.open[name].index(value) + 1]

    def expect(self, wanted):
        def then(reply):
            assert reply == wanted, f"{self.name}: {reply!r}, expected {wanted!r}"
        return then

    def start_pair(self, reply):
        """Both of a pair, or none: in one transaction, whose other requests depend on its number."""
        tx, value = int(reply.rstrip(b"\0")), f"p{self.number}"
        for side in ("left", "right"):
            self.ask(xs.WRITE, self.path(side) + value.encode(), self.expect(b"OK\0"), tx)
        self.ask(xs.READ, self.path("right"), self.expect(value.encode()), tx)
        self.ask(xs.TRANSACTION_END, b"T\0", self.end_pair, tx)

    def end_pair(self, reply):
        assert reply in (b"OK\0", "EAGAIN"), f"{self.name}: transaction: {reply}"
        self.pairs += reply == b"OK\0"

    def burst(self):
        if self.rng.random() < 0.3:
            self.number += 1
            self.ask(xs.TRANSACTION_START, b"\0", self.start_pair)
            return
        for _ in range(self.rng.randrange(1, 12)):
            self.number += 1
            name, value = f"n{self.number % 150}", f"v{self.number}" + "x" * self.rng.choice([0, 10, 700])
            self.write(name, value)
            if name in self.sure and self.rng.random() < 0.2:
                self.ask(xs.READ, self.path(name), self.expect(value.encode()))

    def take(self):
        """Every reply that has come, each in its turn."""
        client = self.client
        while len(client.buffer) >= 16 and len(client.buffer) >= 16 + xs.HEADER.unpack_from(client.buffer)[3]:
            kind, req_id, payload = client.receive_one()
            if kind == xs.WATCH_EVENT:
                continue
            wanted, wanted_id, then = self.expected.popleft()
            assert (req_id, kind in (wanted, xs.ERROR)) == (wanted_id, True), \
                f"{self.name}: reply {kind} to {req_id}, expected {wanted} to {wanted_id}"
            self.acknowledged += 1
            then(payload.rstrip(b"\0").decode() if kind == xs.ERROR else payload)

    def turn(self, more=True):
        if more and len(self.expected) < 4:
            self.burst()
        self.out = self.out[self.client.put_some(self.out):]
        self.client.get_some()
        self.take()


def check(store, talkers):
    """A fresh client finds every acknowledged write of all, and pairs that are whole."""
    client = xs.SocketClient(store)
    assert client.ask(xs.CONTROL, b"check\0") == b"OK\0", "the store does not find itself sound"
    for talker in talkers:
        for name, value in talker.sure.items():
            got = client.ask(xs.READ, talker.path(name))
            assert got in [known.encode() for known in [value] + talker.open.get(name, [])], \
                f"{talker.name}: {name} is {got!r}, and {value!r} was acknowledged"
        left, right = (client.ask(xs.READ, talker.path(side)) for side in ("left", "right"))
        assert left == right, f"{talker.name}: half a transaction: {left!r}, {right!r}"
        assert left != "ENOENT" or not talker.pairs
    client.close()


class Chain:
    """dom0's kernel writes ever new nodes, two guests watch: each must hear of each node, once and in order."""

    def __init__(self, kernel, watchers):
        self.kernel, self.watchers, self.written = kernel, watchers, 0
        for watcher in watchers:
            assert watcher.client.ask(xs.WATCH, b"/chain\0c\0") == b"OK\0"
            watcher.client.take_events()

    def link(self):
        self.written += 1
        self.kernel.ask(xs.WRITE, b"/chain/%d\0" % self.written, self.kernel.expect(b"OK\0"))

    def finish(self):
        wanted = [(f"/chain/{n}", "c") for n in range(1, self.written + 1)]
        for watcher in self.watchers:
            assert watcher.client.events == wanted, f"{watcher.name} heard of {len(watcher.client.events)} of {len(wanted)} nodes"


def wait_for_news(store, talkers):
    fds = [store.notify] + [talker.client.socket for talker in talkers if hasattr(talker.client, "socket")]
    if not select.select(fds, [], [], xs.PATIENCE)[0]:
        raise xs.Gone("nobody is answered")
    if select.select([store.notify], [], [], 0)[0]:
        os.read(store.notify, 65536)


def one_life(store, talkers, chain, until):
    """All go on until so many replies have come."""
    while sum(talker.acknowledged for talker in talkers) < until:
        before = sum(talker.acknowledged for talker in talkers)
        chain.link()
        for talker in talkers:
            talker.turn()
        if before == sum(talker.acknowledged for talker in talkers):
            wait_for_news(store, talkers)


def kill_in_the_middle(store, talkers, rng):
    """While it is at work for all of them: somewhere in the first millisecond or two."""
    for talker in talkers:
        talker.burst()
    for talker in talkers:
        talker.out = talker.out[talker.client.put_some(talker.out):]
    for _ in range(rng.randrange(20000)):
        pass
    store.kill()


def test_killed_under_load():
    rng = random.Random(SEED)
    print(f"seed {SEED} (XENO_SEED)")
    with daemon() as store:
        dom0 = xs.SocketClient(store)
        kernel = Talker("dom0's kernel", "/kernel", xs.RingClient(store, 0), rng)
        rings = [Talker(f"domain {domid}", f"/local/domain/{domid}/load", client, rng)
                 for domid, client in enumerate(guests(store, dom0, 1, 2, 3), 1)]
        assert dom0.ask(xs.MKDIR, b"/chain\0") == dom0.ask(xs.SET_PERMS, b"/chain\0r0\0") == b"OK\0"
        sockets = [Talker(f"program {number}", f"/program/{number}", xs.SocketClient(store), rng) for number in (1, 2)]
        chain = Chain(kernel, rings[:2])
        talkers = [kernel] + rings + sockets
        for _ in range(KILLS):
            one_life(store, talkers, chain, sum(talker.acknowledged for talker in talkers) + rng.randrange(1, 150))
            kill_in_the_middle(store, talkers, rng)
            for talker in [kernel] + rings:
                talker.turn()  # a kernel does not know, and writes on
            store.start()
            check(store, talkers)
            for talker in sockets:
                talker.client.close()
                talker.client, talker.out = xs.SocketClient(store), b""
                talker.expected.clear()
        while any(talker.expected or talker.out for talker in talkers):
            before = sum(talker.acknowledged for talker in talkers)
            for talker in talkers:
                if talker.expected or talker.out:
                    talker.turn(more=False)
            if before == sum(talker.acknowledged for talker in talkers):
                wait_for_news(store, talkers)
        for talker in rings:
            talker.client.ask(xs.GET_DOMAIN_PATH, b"0\0")
        chain.finish()
        check(store, talkers)
        print(f"{KILLS} kills: {sum(talker.acknowledged for talker in talkers)} requests answered, {chain.written} events to each of two "
              f"guests, {sum(talker.pairs for talker in talkers)} transactions")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
