# SPDX-License-Identifier: MIT
#
# From a trace's records to who has a CPU when: guest, hypervisor, control domain or nobody; and what the crossings were.
# Invariant: the spans of a CPU follow one another without gaps, in the order of time, from one mark to the next.
from dataclasses import dataclass

GUEST, HYPERVISOR, CONTROL, ASLEEP = "guest", "hypervisor", "control domain", "asleep"
LANES = (GUEST, HYPERVISOR, CONTROL, ASLEEP)
NOBODY = 0x7fff  # DOMID_IDLE: nobody wants the CPU that the guest gives up
# Records that tell of something done for the guest and have no end of their own.
POINTS = {("event", "event delivered"), ("event", "exception delivered"), ("event", "switched to"), ("exit", "interrupt delivered")}


@dataclass
class Span:
    cpu: int
    lane: str
    start: int
    end: int


@dataclass
class Crossing:
    at: int
    cpu: int
    kind: str
    name: str
    where: str


class Walk:
    """Of one CPU."""

    def __init__(self, cpu):
        self.cpu, self.spans, self.crossings = cpu, [], []
        self.lane, self.since = GUEST, 0
        self.inside = []  # what has begun and not ended: crossings, a request that is with the device model

    def go(self, lane, at):
        if lane != self.lane:
            if at > self.since:
                self.spans.append(Span(self.cpu, self.lane, self.since, at))
            self.lane, self.since = lane, at

    def take(self, record):
        key = (record.get("kind"), record.get("name"))
        if record["what"] == "switch":
            self.go(ASLEEP if record["index"] == NOBODY else CONTROL, record["at"])
            return
        if record["what"] == "begin":
            if key != ("event", "switched to"):
                self.crossings.append(Crossing(record["at"], self.cpu, *key, record.get("in", "")))
            if key not in POINTS:
                self.inside.append(key)
        elif record["what"] == "end" and key in self.inside:
            self.inside.remove(key)
        else:
            return
        self.go(HYPERVISOR if self.inside else GUEST, record["at"])


def walk(trace):
    """(spans, crossings, what has not ended) of the records that were kept: each CPU's spans together, all crossings in the order of time."""
    cpus = {0: Walk(0)}
    for record in trace["first"]:
        cpus.setdefault(record["cpu"], Walk(record["cpu"])).take(record)
    whole = len(trace["first"]) == trace["records"]
    end = trace["ticks"] if whole else trace["first"][-1]["at"]
    spans, crossings, still_open = [], [], []
    for w in cpus.values():
        w.spans.append(Span(w.cpu, w.lane, w.since, max(end, w.since + 1)))
        spans += w.spans
        crossings += w.crossings
        still_open += w.inside
    return spans, sorted(crossings, key=lambda crossing: crossing.at), still_open
