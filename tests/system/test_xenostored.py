#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xenostored on this machine, without a hypervisor: Debian's own clients, protocol violations, clients that flood or do not
# read, a read-only socket, and SIGKILL at any moment.
import os
import random
import re
import shutil
import subprocess
import sys
import threading

import qemu
import xenstore_client as xs

KILLS = 30
SEED = int(os.environ.get("XENO_SEED", "0")) or random.randrange(1, 1 << 32)


def debian(store, *words, status=0):
    """One of Debian's clients: its output."""
    if not shutil.which(words[0]):
        raise qemu.Skip("Debian's package xenstore-utils is not installed")
    environment = dict(os.environ, XENSTORED_RUNDIR=str(store.folder), XENSTORED_PATH=str(store.folder / "socket"))
    done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=xs.PATIENCE,
                          check=False)
    assert done.returncode == status, f"{words}: status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def test_debians_clients():
    with xs.daemon() as store:
        debian(store, "xenstore-write", "/a/b/c", "hello", "/a/d", "world\twide")
        assert debian(store, "xenstore-read", "/a/b/c", "/a/d") == "hello\nworld\\twide\n"
        assert debian(store, "xenstore-list", "/a") == "b\nd\n"
        debian(store, "xenstore-chmod", "/a/b/c", "n3", "r5", "b7")
        listing = debian(store, "xenstore-ls", "-f", "-p", "/a")
        assert re.search(r'^/a/b/c = "hello" +\(n3,r5,b7\)$', listing, re.MULTILINE), listing
        debian(store, "xenstore-chmod", "-r", "/a", "r0")
        assert "(r0)" in debian(store, "xenstore-ls", "-f", "-p", "/a/b").splitlines()[0]
        debian(store, "xenstore-exists", "/a/d")
        debian(store, "xenstore-exists", "/a/nothing", status=1)
        debian(store, "xenstore-rm", "/a/b")
        assert debian(store, "xenstore-ls", "/a") == 'd = "world\\twide"\n'
        debian(store, "xenstore-read", "/a/b", status=1)
        for number in range(1200):
            debian_names = f"domain-with-a-long-name-{number:04}"
            with_client(store, lambda client, name=debian_names: client.write(f"/many/{name}", ""))
        # More than one message can hold: the client reads it in parts.
        assert len(debian(store, "xenstore-list", "/many").split()) == 1200


def with_client(store, action):
    client = store.client()
    try:
        return action(client)
    finally:
        client.close()


def test_debians_watch():
    with xs.daemon() as store:
        if not shutil.which("xenstore-watch"):
            raise qemu.Skip("Debian's package xenstore-utils is not installed")
        environment = dict(os.environ, XENSTORED_PATH=str(store.folder / "socket"))
        with subprocess.Popen(["xenstore-watch", "-n", "3", "/a"], env=environment, stdout=subprocess.PIPE, text=True) as watch:
            try:
                assert watch.stdout.readline() == "/a\n"
                client = store.client()
                client.write("/elsewhere", "")
                client.write("/a/b", "1")
                assert watch.stdout.readline() == "/a/b\n"
                client.ask(xs.RM, "/a")
                assert watch.stdout.readline() == "/a\n"
                assert watch.wait(xs.PATIENCE) == 0
            finally:
                watch.kill()


def test_protocol_errors_end_one_connection_only():
    with xs.daemon() as store:
        other = store.client()
        other.write("/here", "still")
        long = store.client()
        long.send_raw(xs.HEADER.pack(xs.READ, 1, 0, 4097) + b"x" * 100)
        try:
            long.receive()
            raise qemu.Failure("a message that is too long was answered")
        except xs.Closed:
            pass
        unknown = store.client()
        for kind in (15, 16, 20, 23, 99, 0xffffffff):
            unknown.send_raw(xs.HEADER.pack(kind, 7, 0, 0))
            assert unknown.reply() == (xs.ERROR, 7, b"ENOSYS\0")
        half = store.client()
        half.send_raw(xs.HEADER.pack(xs.WRITE, 1, 0, 4000) + b"/half\0")
        half.close()
        assert xs.refusal(other.read, "/half") == "ENOENT"
        for path in ("//", "/a//b", "/a/", "/a b", "/\xe9", "/" + "x" * 3072):
            assert xs.refusal(other.read, path) == "EINVAL", path
        assert xs.refusal(other.ask, xs.READ, b"/no-zero") == "EINVAL"
        assert xs.refusal(other.ask, xs.READ, "/here", tx=77) == "ENOENT"
        assert other.read("/here") == "still"


def test_requests_in_pieces_and_in_bulk():
    with xs.daemon() as store:
        client = store.client()
        for byte in client.message(xs.WRITE, "/slow", tail=b"1"):
            client.send_raw(bytes([byte]))
        assert client.reply()[2] == b"OK\0"
        count = 5000
        bulk = b"".join(client.message(xs.WRITE, f"/bulk/{n}", tail=b"v" * (n % 3000)) for n in range(count))
        first = client.next_id - count + 1
        sender = threading.Thread(target=client.send_raw, args=(bulk,))
        sender.start()
        for number in range(count):
            assert client.reply() == (xs.WRITE, first + number, b"OK\0")
        sender.join()
        assert client.read("/bulk/4321") == "v" * (4321 % 3000)


def test_the_read_only_socket_changes_nothing():
    with xs.daemon() as store:
        store.client().write("/a", "1")
        reader = store.client("socket_ro")
        assert reader.read("/a") == "1"
        assert reader.list("/") == ["a", "tool"]
        for kind, words in ((xs.WRITE, ("/a", b"2")), (xs.MKDIR, ("/b",)), (xs.RM, ("/a",)), (xs.SET_PERMS, ("/a", "n1")),
                            (xs.INTRODUCE, ("1", "1", "1")), (xs.RELEASE, ("1",)), (xs.CONTROL, ("check",))):
            assert xs.refusal(reader.ask, kind, *words) == "EROFS", kind
        assert reader.read("/a") == "1"


def test_a_flooding_client_does_not_keep_others_waiting():
    """One client never stops asking; another gets its answers all the same."""
    with xs.daemon() as store:
        flood, other = store.client(), store.client()
        flood.write("/f", "x" * 1000)
        stop = threading.Event()
        burst = b"".join(flood.message(xs.READ, "/f") for _ in range(500))

        def drain():
            try:
                while flood.socket.recv(1 << 20):
                    pass
            except OSError:
                pass

        def pour():
            try:
                while not stop.is_set():
                    flood.send_raw(burst)
            except (OSError, xs.Closed):
                pass

        threads = [threading.Thread(target=drain, daemon=True), threading.Thread(target=pour, daemon=True)]
        for thread in threads:
            thread.start()
        for number in range(200):
            other.write("/o", str(number))
            assert other.read("/o") == str(number)
        stop.set()
        threads[1].join(xs.PATIENCE)
        flood.close()


def test_who_does_not_read_costs_bounded_memory():
    with xs.daemon() as store:
        deaf, writer = store.client(), store.client()
        deaf.ask(xs.WATCH, "/w", "t" * 1000)
        before = store.memory()
        for number in range(150000):
            if number % 500 == 0:
                bulk = b"".join(writer.message(xs.WRITE, f"/w/{n % 4096}", tail=b"x") for n in range(number, number + 500))
                writer.send_raw(bulk)
                for _ in range(500):
                    assert writer.reply()[2] == b"OK\0"
        # 150 MB of events came about; the limit for a tool is 64 MiB, and what it held is free again when it is dropped.
        assert store.memory() - before < 160 << 20
        try:
            while deaf.receive():
                pass
        except xs.Closed:
            pass
        assert writer.read("/w/1") == "x"


def check_after_kill(client, acknowledged, sent):
    """Every acknowledged write is there; one that was sent may be; transactions are whole."""
    for n in range(acknowledged):
        assert client.read(f"/k/{n}") == f"v{n}", f"write {n} of {acknowledged} is lost"
    there = {int(name) for name in client.list("/k")}
    assert there <= set(range(sent)), sorted(there)[-5:]
    assert there == set(range(len(there))), "a later write is there, an earlier one is not"
    left, right = (client.read(f"/pair/{side}") if "pair" in client.list("/") else "" for side in ("l", "r"))
    assert left == right, f"half a transaction: {left!r} and {right!r}"


def one_life(store, rng):
    """Writes and transactions in bulk until, after some of the answers, the daemon is killed: (acknowledged, sent)."""
    client = store.client()
    batch, kinds = b"", []
    for number in range(400):
        batch += client.message(xs.WRITE, f"/k/{number}", tail=f"v{number}".encode())
        kinds.append(True)
    client.ask(xs.RM, "/k") if "k" in client.list("/") else None
    client.ask(xs.MKDIR, "/k")
    tx = client.start()
    value = str(rng.random()).encode()
    for side in ("l", "r"):
        batch += client.message(xs.WRITE, f"/pair/{side}", tx=tx, tail=value)
        kinds.append(False)
    batch += client.message(xs.END, "T", tx=tx)
    sender = threading.Thread(target=lambda: send_quietly(client, batch))
    sender.start()
    acknowledged = 0
    for kind in kinds[:rng.randrange(1, len(kinds))]:
        assert client.reply()[2] == b"OK\0"
        acknowledged += kind
    store.kill()
    sender.join()
    client.close()
    return acknowledged, 400


def send_quietly(client, data):
    try:
        client.send_raw(data)
    except (OSError, xs.Closed):
        pass


def test_killed_at_any_moment_it_goes_on():
    rng = random.Random(SEED)
    print(f"seed {SEED} (XENO_SEED)")
    with xs.daemon() as store:
        for _ in range(KILLS):
            acknowledged, sent = one_life(store, rng)
            store.start()
            client = store.client()
            check_after_kill(client, acknowledged, sent)
            assert client.ask(xs.CONTROL, "check") == b"OK\0", "the store does not find itself sound"
            client.close()


def test_a_restart_keeps_nodes_and_drops_sockets():
    with xs.daemon() as store:
        client = store.client()
        client.write("/a", "1")
        client.ask(xs.SET_PERMS, "/a", "n3", "r4")
        client.ask(xs.INTRODUCE, "3", "77", "5")
        client.write("/b", "2", tx=client.start())
        store.kill()
        store.start()
        client = store.client()
        assert client.read("/a") == "1"
        assert client.ask(xs.GET_PERMS, "/a") == b"n3\0r4\0"
        assert client.ask(xs.IS_INTRODUCED, "3") == b"T\0"
        assert xs.refusal(client.read, "/b") == "ENOENT"
        store.kill()
        store.start("--fresh")
        assert store.client().list("/") == ["tool"]


def test_two_daemons_do_not_share_a_folder():
    with xs.daemon() as store:
        second = xs.Daemon(store.folder)
        try:
            second.start()
            raise qemu.Failure("a second daemon started beside the first")
        except qemu.Failure as failure:
            assert "another one runs" in str(failure), failure
        store.client().write("/a", "1")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
