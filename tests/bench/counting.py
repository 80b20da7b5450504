# SPDX-License-Identifier: MIT
#
# QEMU with the plugin profile/count.c: how often each instruction of kernels and hypervisors was executed, in windows that the
# measured program marks. A machine that sleeps executes none, while the clock of -icount goes on.
# Invariant: the plugin changes nothing that the machine could see, so the clock's numbers are the same as without it.
import collections
import re
import subprocess
import tempfile
from pathlib import Path

import qemu

HERE = Path(__file__).resolve().parent
BATCHES = 9  # tests/bench/linux/main.c
COUNT = re.compile(r'^    \{"([\w-]+)", (\d+),', re.MULTILINE)  # an operation, and how often it is done in a batch
LINE = re.compile(r"^BENCH (\S+) (\d+)$", re.MULTILINE)


def plugin(folder):
    target = Path(folder) / "count.so"
    subprocess.run(["cc", "-O2", "-fPIC", "-shared", "-o", target, HERE / "profile" / "count.c"], check=True)
    return target


def counted(*words, timeout=1200):
    """What a run said, and {address: instructions} of each of its windows."""
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        counts = Path(folder) / "counts"
        words = [*words, "--icount", "--", "-plugin", f"{plugin(folder)},out={counts}"]
        result = qemu.run(*words, timeout=timeout).expect_status(0)
        windows = []
        for line in counts.read_text().splitlines():
            if line == "window":
                windows.append(collections.Counter())
            else:
                address, times = line.split()
                windows[-1][int(address, 16)] = int(times)
    return result, windows


def numbers(result):
    return {name: int(ticks) for name, ticks in LINE.findall(result.output) if name != "done"}


def operations(where):
    """What linux-bench said, and {name: (how often, counts of the batch that took least)}."""
    result, windows = counted(*where, "-c", "linux-bench")
    result.expect_output(r"^BENCH done 0$")
    often = {name: int(count) for source in sorted(HERE.glob("linux/*.c")) for name, count in COUNT.findall(source.read_text())}
    names = list(numbers(result))
    if len(windows) < BATCHES * len(names):
        raise qemu.Failure(f"{len(windows)} windows for {len(names)} operations")
    batches = [windows[i * BATCHES:(i + 1) * BATCHES] for i in range(len(names))]
    return result, {name: (often[name], min(of, key=lambda counts: sum(counts.values()))) for name, of in zip(names, batches)}
