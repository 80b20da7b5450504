#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# How domains that want all of two CPUs share them, by the hypervisor's own clock.
# ALONE: a busy machine below takes CPUs away for longer than a turn, and what is measured is a few hundred turns.
import json
import re
import sys

import qemu
import xeno_cases as cases


def samples(result):
    """Each `time 'list --json'` of the output: when it was, in ns, and name -> CPU time in ns."""
    decoder, at, found = json.JSONDecoder(), result.output.find("[\n"), []
    while at >= 0:
        rows, end = decoder.raw_decode(result.output, at)
        when = re.compile(r"TIME \d+ ns, from (\d+) ns on").search(result.output, end)
        found.append((int(when.group(1)), {row["name"]: row["cpu_ns"] for row in rows}))
        at = result.output.find("[\n", end)
    return found


def cpu_times(files, seconds):
    """Domains that were created from the configurations, run for a while: the run, how long it was, what each got of the CPUs."""
    names = [word.split(":")[1] for word in files.words if word.endswith(".cfg")]
    create = "; ".join(f"create {name}" for name in names)
    result = cases.xeno([], files, f"{create}; sleep 1; time 'list --json'; sleep {seconds}; time 'list --json'", "--cpus", "2")
    result.expect_status(0)
    (start, before), (end, after) = samples(result)
    return result, end - start, {name: after[name] - before[name] for name in after if name != "Domain-0"}


# Name, vCPUs, weight: what they want is more than the machine's two CPUs have, and no share is more than its vCPUs can use.
MIX = [("a", 1, 256), ("b", 2, 256), ("c", 1, 512), ("d", 2, 1024)]
TOLERANCE = 0.05


def test_domains_share_time_by_weight():
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'busy'}:busy"]
        for name, vcpus, weight in MIX:
            cases.add_guest(files, name, "busy", "spin", f"vcpus = {vcpus}", f"cpu_weight = {weight}")
        result, _, got = cpu_times(files, 6)
    for name, _, weight in MIX:
        share = got[name] / sum(got.values()) * sum(w for _, _, w in MIX) / weight
        result.expect(abs(share - 1) <= TOLERANCE, f"{name} got {share:.3f} of its share: {got}")


def test_a_cap_holds():
    with cases.Files() as files:
        files.words += ["--add", f"{cases.GUESTS / 'busy'}:busy"]
        cases.add_guest(files, "free", "busy", "spin")
        cases.add_guest(files, "capped", "busy", "spin", "vcpus = 2", "cap = 40")
        result, elapsed, got = cpu_times(files, 3)
    capped = got["capped"] / elapsed / 0.4
    # Budgets are not saved up: where the machine below takes its CPUs away for a whole period, a domain gets less.
    result.expect(0.3 <= capped <= 1 + TOLERANCE, f"capped got {capped:.3f} of 40 % of a CPU in {elapsed} ns: {got}")
    result.expect(got["free"] > got["capped"], f"expected more for the domain without a cap: {got}")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
