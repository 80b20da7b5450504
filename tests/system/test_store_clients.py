#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# libxeno's store client against each xenstore daemon: Debian's in C, Debian's in OCaml, and ours. The other direction, Debian's
# clients against our daemon, is in store_linux_cases.py.
import subprocess
import sys

import qemu
import xenstore as xs

SAID = """begin: ok
commit: ok
/local/domain/7/data/39: ok value 39
/local/domain/7/data/40: No such file or directory
list: ok data
bad path: Invalid argument
begin again: ok
a transaction with an error in it: No such file or directory
/local/domain/7/name: No such file or directory
watch: ok
first event: ok /watched
open: ok
write: ok
event: ok /watched/below
rm: ok
/local/domain/7/data/0: No such file or directory
"""


def client():
    tools = qemu.ROOT / "dom0-tools"
    source = qemu.ROOT / "tests" / "system" / "store_client.c"
    linux = tools / "libxeno" / "linux"
    sources = [source, linux / "store.c", linux / "daemon_socket.c", tools / "libxeno" / "fault.c"]
    return xs.compiled("store-client", ["-D_GNU_SOURCE", "-I.", "-Iinclude", "-Idom0-tools", "-fsanitize=address,undefined",
                                        "-fno-sanitize-recover=all", *map(str, sources)], [*sources, linux / "store.h"])


def ask(kind):
    with xs.Daemon(kind) as daemon:
        done = subprocess.run([str(client())], env={**daemon.environment(), "LD_PRELOAD": ""}, capture_output=True, text=True, timeout=60,
                              check=False)
    if done.returncode or done.stdout != SAID:
        raise qemu.Failure(f"{kind}: status {done.returncode}, said:\n{done.stdout}{done.stderr}")


def test_debians_in_c():
    ask("debian")


def test_debians_in_ocaml():
    ask("ocaml")


def test_ours():
    ask("ours")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
