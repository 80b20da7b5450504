# SPDX-License-Identifier: MIT
#
# Runs tests: first the builds that are asked for or needed, one after the other, then the rest a few at a time.
# Invariant: every test has its own log and its own process group, which is ended when its time is up.
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

from discover import ROOT

LOGS = ROOT / "build" / "test-logs"
SKIPPED = 77
TAIL_LINES = 60
# How long a test may take is said here alone: the check library would end each of its cases after four seconds.
ENVIRONMENT = {**os.environ, "CK_DEFAULT_TIMEOUT": "0"}


def last_times():
    try:
        return json.loads((LOGS / "times.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.times = last_times()
        self.count = {"ok": 0, "FAIL": 0, "skip": 0}
        self.failed = []
        self.running = set()
        self.stopped = False

    def end_all(self):
        with self.lock:
            self.stopped = True
            running = list(self.running)
        for process in running:
            end_group(process)

    def report(self, test, result, seconds, log):
        with self.lock:
            if self.stopped:
                return
            self.count[result] += 1
            self.times[test.name] = round(seconds, 1)
            print(f"{result:4} {test.name}  ({seconds:.1f} s)", flush=True)
            if result == "FAIL":
                self.failed.append(test.name)
                print_tail(log)


def print_tail(log):
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines[-TAIL_LINES:]:
        print(f"     | {line}")
    print(f"     | ({log.relative_to(ROOT)})", flush=True)


def reason(name):
    """Why a test failed, in one line: what was raised, or else the last thing it said."""
    lines = [line for line in log_of(name).read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]*(Failure|Error|Expired)\b", line)]
    return (raised or lines or [""])[-1][:300]


def log_of(name):
    return LOGS / (name.replace(":", "-").replace("/", "-") + ".log")


def run_one(test, tally):
    log = log_of(test.name)
    start = time.monotonic()
    with open(log, "w", encoding="utf-8") as out:
        out.write(f"$ {' '.join(test.command)}\n")
        out.flush()
        try:
            # In a group of its own, so that what it starts can be ended with it.
            process = subprocess.Popen(test.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                       env=ENVIRONMENT, start_new_session=True)
        except OSError as error:
            out.write(f"cannot start: {error}\n")
            out.flush()
            tally.report(test, "FAIL", time.monotonic() - start, log)
            return False
        with tally.lock:
            tally.running.add(process)
        try:
            status = process.wait(timeout=test.timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with tally.lock:
                tally.running.discard(process)
        if status is None:
            end_group(process)
            out.write(f"ended after {test.timeout} s\n")
    result = "ok" if status == 0 else "skip" if status == SKIPPED else "FAIL"
    tally.report(test, result, time.monotonic() - start, log)
    return result == "ok"


def end_group(process):
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sig)
            process.wait(timeout=5)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def run_builds(tests, everything, tally):
    """The presets that failed: those tests cannot run."""
    wanted = {test.name for test in tests if test.category == "build"}
    wanted |= {f"build:{preset}" for test in tests for preset in test.needs}
    broken = set()
    for test in everything:
        if test.name in wanted and not run_one(test, tally):
            broken.add(test.name.split(":", 1)[1])
    return broken


def run_all(tests, everything, jobs):
    """Runs and sums up. Whoever ends this program ends its tests too: they are in process groups of their own."""
    tally = Tally()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run_and_sum(tests, everything, jobs, tally)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        tally.end_all()


def run_and_sum(tests, everything, jobs, tally):
    LOGS.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    broken = run_builds(tests, everything, tally)
    rest = [test for test in tests if test.category != "build"]
    runnable = [test for test in rest if not broken & set(test.needs)]
    blocked = len(rest) - len(runnable)
    # The longest first, so that no long one is left alone at the end.
    shared = sorted((test for test in runnable if not test.alone), key=lambda test: -tally.times.get(test.name, 10))
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs))
    try:
        list(pool.map(lambda test: run_one(test, tally), shared))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    for test in runnable:
        if test.alone:
            run_one(test, tally)
    (LOGS / "times.json").write_text(json.dumps(tally.times, indent=0, sort_keys=True), encoding="utf-8")
    if blocked:
        print(f"not run because of a failed build: {blocked} tests")
    for name in tally.failed:
        print(f"failed: {name}: {reason(name)}")
    passed, failed, skipped = tally.count["ok"], tally.count["FAIL"] + blocked, tally.count["skip"]
    print(f"{time.monotonic() - start:.0f} s, logs in {LOGS.relative_to(ROOT)}")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.stdout.flush()
    return 0 if failed == 0 and passed > 0 else 1
