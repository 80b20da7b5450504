# SPDX-License-Identifier: MIT
#
# Runs the guest program `contrast` under each mechanism: once counted (icount, many runs, marks alone: nothing is slowed), once
# traced (icount, one run of each operation), once by the clock. What comes out is the --json file; docs/how-to/contrast.md says how to read it.
# Invariant: the operations' names are the program's own; a mechanism that this machine or build lacks is left out with a reason.
import bisect
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import records

ROOT = Path(__file__).resolve().parents[2]
MECHANISMS = {"native": "the bare machine", "pv": "paravirtualized", "trap": "trap and emulate", "svm": "SVM, nested paging"}
KERNEL = {True: "contrast", False: "contrast-native"}  # by whether it is a PV one
EXIT_PORT = 0x501
IDLE = "sleep 1"  # first: in idle time the hypervisor zeroes the machine's memory, which is none of the guest's doing
CPUS = 2  # the second one sleeps until the operation that is about it, the last
# Each vCPU of the guest has a CPU of its own; the control domain shares the first one.
PINS = " && ".join(f"vcpu-pin {vcpu}" for vcpu in ("Domain-0 0 0", "c 0 0", "c 1 1"))
TIMEOUT = 300
GUEST_MIB = 32
DISK_BYTES = 65536
TRACE_MAX = 600  # records of an operation that are kept
ROUNDS = 5  # by the clock, of which the best counts: the others were disturbed, or were the first to run
RESULT = re.compile(r"^CONTRAST result (\d+) (\S+) (\d+) (\d+) (\d+) (\d+)\r?$", re.MULTILINE)
UNKNOWN = re.compile(r"^CONTRAST (unknown operation .*?)\r?$", re.MULTILINE)
REFUSED = re.compile(r"^xeno create: (.*)$", re.MULTILINE)


class Problem(Exception):
    """One line for the person who typed the command, and the exit status."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status


class Missing(Problem):
    """This machine or build has not got the mechanism."""


def image(options, name):
    path = options.build_dir / name
    if not path.is_file():
        raise Problem(f"{path} is not there: build it first (./run.sh contrast without --no-build and --build-dir does)")
    return path


def words(options, runs, rounds):
    return f"n={runs} rounds={rounds}" + (f" only={options.op}" if options.op else "")


def run(command, folder):
    try:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as why:
        raise Problem(f"a run of {TIMEOUT} s had not ended: {' '.join(str(word) for word in command[:3])} …") from why
    console = folder / "console"
    text = done.stdout + (console.read_text(errors="replace") if console.is_file() else "")
    unknown = UNKNOWN.search(text)
    if unknown:
        raise Problem(unknown.group(1))
    return text, done.stderr, done.returncode


def native(options, folder, runs, icount, rounds=1):
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-accel", "tcg,thread=single", "-cpu", options.cpu_model, "-m", "512",
               "-smp", str(CPUS), "-display", "none", "-no-reboot", "-serial", f"file:{folder / 'console'}", "-device",
               f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=2", "-drive", f"file={folder / 'disk'},format=raw,if=ide", "-kernel",
               image(options, "guests/contrast-native"), "-append", f"{words(options, runs, rounds)} exit-port={EXIT_PORT:#x}"]
    text, errors, status = run(command + (["-icount", "shift=0,sleep=off"] if icount else []), folder)
    if status != 1 or not RESULT.search(text): # the exit port's: 2 * 0 + 1
        raise Problem(f"native: the run ended with {status}: {(errors.strip().splitlines() or ['no reason given'])[-1]}")
    return text


def domain(options, folder, kind, runs, icount, trace_options=None, rounds=1):
    """A run in the bare control domain; with options for `xeno trace` its records follow the guest's output."""
    kernel = KERNEL[kind == "pv"]
    config = f'name = "c"\nkernel = "{kernel}"\nmemory = {GUEST_MIB}\nvcpus = {CPUS}\ncmdline = "{words(options, runs, rounds)}"\n'
    config += 'disk = ["file:disk,raw,%s,r"]\n' % ("xvda" if kind == "pv" else "hda")
    config += "" if kind == "pv" else f'type = "full"\nengine = "{kind}"\n'
    (folder / "c.cfg").write_text(config, encoding="ascii")
    start = f"trace --on {trace_options} c && unpause c" if trace_options else "unpause c"
    command = [sys.executable, "-B", ROOT / "scripts" / "xenorun", "--build-dir", options.build_dir, "--bare", "--cpus", CPUS, "--one-thread",
               "--timeout", TIMEOUT - 10, "--cpu-model", options.cpu_model, "--add", f"{image(options, f'guests/{kernel}')}:{kernel}",
               "--add", folder / "c.cfg", "--add", folder / "disk", "-c", f"{IDLE} && create -p c.cfg && {PINS} && {start} && console c" + ("; trace --json --read" if trace_options else "")]
    text, errors, status = run(command + (["--icount"] if icount else []), folder)
    refused = REFUSED.search(text)
    if refused:
        raise Missing(f"{kind}: {refused.group(1)}")
    if status or not RESULT.search(text):
        raise Problem(f"{kind}: {(errors.strip() or text.strip() or 'no output').splitlines()[-1]}")
    return text


@dataclass
class Cost:
    number: int
    runs: int      # of the best round
    all_runs: int  # between the marks
    ticks: float   # of one run, as is ns
    ns: float


def costs(text):
    """By name; the empty operation's cost, which is the loop's, is taken off."""
    found = {}
    for number, name, runs, all_runs, ticks, ns in RESULT.findall(text):
        found[name] = Cost(int(number), int(runs), int(all_runs), int(ticks) / int(runs), int(ns) / int(runs))
    empty = found.pop("empty")
    for cost in found.values():
        cost.ticks, cost.ns = max(0, cost.ticks - empty.ticks), max(0, cost.ns - empty.ns)
    return found


def counted_crossings(intervals, number, runs):
    """Per operation, by kind and name; an interval of nothing has what the marks themselves take."""
    left = intervals[number].counted()
    left.subtract(intervals[0].counted())
    return records.listed(left, runs)


def symbols(options, kernel):
    """The guest's functions by address, for the places that records name; none where the image with names is not there."""
    path = options.build_dir / "guests" / f"{kernel}.debug"
    listed = subprocess.run(["nm", "-n", str(path)], capture_output=True, text=True, check=False).stdout
    found = [(int(line[0], 16), line[2]) for line in (text.split() for text in listed.splitlines()) if len(line) == 3 and line[1] in "tT"]
    return [address for address, _ in found], [name for _, name in found]


def place(names, address):
    at = bisect.bisect_right(names[0], address) - 1
    return names[1][at] if at >= 0 and address - names[0][at] < 65536 else ""


def timeline(interval, names):
    """What lies between the two marks' own crossings: times from the end of the first one's on, until the second one's begins."""
    found, vcpu = interval.records, interval.records[-1]["vcpu"]
    first = next(i for i, r in enumerate(found) if i and r["what"] != "end")
    last = max(i for i, r in enumerate(found) if r["what"] == "begin" and r["kind"] != "event" and r["vcpu"] == vcpu)
    start, end = found[first - 1]["tsc"], found[last]["tsc"]
    between = found[first:last]
    kept = []
    for r in between[:TRACE_MAX]:
        record = {"at": r["tsc"] - start, **{key: r[key] for key in ("what", "kind", "name", "index", "cpu", "vcpu") if key in r}}
        if r["what"] == "begin" and place(names, r["value"]):
            record["in"] = place(names, r["value"])
        kept.append(record)
    return {"records": len(between), "ticks": end - start, "crossings": records.listed(records.shown(between)), "first": kept}


def one(options, kind):
    with tempfile.TemporaryDirectory(prefix="contrast-") as name:
        folder = Path(name)
        (folder / "disk").write_bytes(bytes(i * 7 % 251 for i in range(DISK_BYTES)))
        marked, traced, names = {}, {}, None
        if kind == "native":
            counted = costs(native(options, folder, options.runs, True))
            timed = costs(native(options, folder, options.runs, False, ROUNDS))
        else:
            text = domain(options, folder, kind, options.runs, True, "--marks")
            counted, marked = costs(text), records.intervals(records.load(text)[2])
            timed = costs(domain(options, folder, kind, options.runs, False, rounds=ROUNDS))
            _, lost, found = records.load(domain(options, folder, kind, 1, True, "--armed"))
            if lost:
                raise Problem(f"{kind}: {lost} records of the trace were lost")
            traced, names = records.intervals(found), symbols(options, KERNEL[kind == "pv"])
    return {name: {"instructions": round(cost.ticks, 1), "ns": round(timed[name].ns, 1),
                   "crossings": counted_crossings(marked, cost.number, cost.all_runs) if marked else [],
                   "trace": timeline(traced[cost.number], names) if cost.number in traced else None}
            for name, cost in counted.items()}


def all_mechanisms(options):
    """{"mechanisms": {name: text}, "missing": {name: why}, "operations": {name: {mechanism: …}}}, operations in the program's order."""
    results = {"runs": options.runs, "cpu": options.cpu_model, "mechanisms": {}, "missing": {}, "operations": {}}
    try:
        for kind in options.mechanisms:
            sys.stderr.write(f"contrast: {kind}\n")
            try:
                found = one(options, kind)
            except Missing as why:
                if options.named:
                    raise
                results["missing"][kind] = str(why)
                continue
            except records.Bad as why:
                raise Problem(f"{kind}: {why}") from why
            results["mechanisms"][kind] = MECHANISMS[kind]
            for name, of_one in found.items():
                results["operations"].setdefault(name, {})[kind] = of_one
    finally:
        sys.stderr.flush()
    return results
