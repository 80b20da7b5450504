# SPDX-License-Identifier: MIT
#
# What `xeno trace --json` says, taken apart: records in the order of time, and the intervals between a guest's marks 2 n and
# 2 n + 1 with the crossings that the trace shows in them and those that the hypervisor counted.
# Invariant: both are of the same interval, because the counters' values lie in the trace behind each mark.
import json
from collections import Counter
from dataclasses import dataclass, field

MARK_STOP = 0xffffffff


class Bad(Exception):
    """The text is no trace, or an incomplete one."""


def shown(records):
    """Crossings in a part of the trace, by kind and name."""
    return Counter((r["kind"], r["name"]) for r in records if r["what"] == "begin")


def listed(crossings, runs=1):
    """As --json has them, for one of so many runs."""
    return [{"kind": kind, "name": name, "count": round(count / runs, 3)} for (kind, name), count in sorted(crossings.items()) if count > 0]


@dataclass
class Interval:
    number: int
    records: list = field(default_factory=list)  # from the first mark to the second, both included
    before: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)

    def shown(self):
        return shown(self.records)

    def counted(self):
        """The same by the counters of all the domain's vCPUs."""
        found = Counter()
        for key in self.after:
            found[key[1:]] += self.after[key] - self.before.get(key, 0)
        return +found


def load(text):
    """(kHz of the TSC, records lost, records) of the trace in a control domain's output."""
    start = text.find('{"tsc_khz"')
    end = text.find("\n]}", start)
    if start < 0 or end < 0:
        raise Bad("the control domain gave no trace")
    try:
        found = json.loads(text[start:end + 3])
    except ValueError as why:
        raise Bad(f"the control domain's trace cannot be read: {why}") from why
    return found["tsc_khz"], found["lost"], found["records"]


def intervals(records):
    """By number. A mark's counters are the counter records between it and the next mark."""
    found, current, at = {}, None, None
    for record in records:
        if record["what"] == "mark":
            value = record["value"]
            if value == MARK_STOP:
                break
            if value % 2 == 0:
                current = found[value // 2] = Interval(value // 2)
                at = current.before
            elif current is None or value // 2 != current.number:
                raise Bad(f"mark {value} without the one before it")
            else:
                current.records.append(record)
                at, current = current.after, None
                continue
        elif record["what"] == "counter" and at is not None:
            at[(record["vcpu"], record["kind"], record["name"])] = record["value"]
            continue
        if current is not None:
            current.records.append(record)
    return found
