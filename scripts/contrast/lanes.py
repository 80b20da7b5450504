# SPDX-License-Identifier: MIT
#
# From a trace's records to who has the CPU when: guest, hypervisor, control domain or nobody; and what the crossings were.
# Invariant: spans follow one another without gaps, in the order of time, from one mark to the next.
from dataclasses import dataclass

GUEST, HYPERVISOR, CONTROL = "guest", "hypervisor", "control domain"
LANES = (GUEST, HYPERVISOR, CONTROL)
# Records that tell of something done for the guest within a crossing, not of a crossing that has an end of its own.
POINTS = {("event", "event delivered"), ("event", "exception delivered"), ("exit", "interrupt delivered"),
          ("exit", "device model")}


@dataclass
class Span:
    lane: str
    start: int
    end: int


@dataclass
class Crossing:
    at: int
    kind: str
    name: str
    where: str


class Walk:
    def __init__(self):
        self.spans, self.crossings = [], []
        self.lane, self.since = GUEST, 0
        self.asked = False                     # a request is with the device model

    def go(self, lane, at):
        if lane != self.lane:
            if at > self.since:
                self.spans.append(Span(self.lane, self.since, at))
            self.lane, self.since = lane, at

    def begin(self, record):
        key = (record["kind"], record["name"])
        if key == ("event", "switched to"):
            self.go(HYPERVISOR, record["at"])
            return
        self.crossings.append(Crossing(record["at"], *key, record.get("in", "")))
        if key == ("exit", "device model"):
            self.asked = True
        if key not in POINTS:
            self.go(HYPERVISOR, record["at"])

    def finish(self, record):
        if (record["kind"], record["name"]) == ("exit", "device model"):
            self.asked = False
        self.go(HYPERVISOR if self.asked else GUEST, record["at"])


def walk(trace):
    """(spans, crossings) of the records that were kept."""
    w = Walk()
    for record in trace["first"]:
        if record["what"] == "switch":
            w.go(CONTROL, record["at"])
        elif record["what"] == "begin":
            w.begin(record)
        elif record["what"] == "end":
            w.finish(record)
    whole = len(trace["first"]) == trace["records"]
    end = trace["ticks"] if whole else trace["first"][-1]["at"]
    w.spans.append(Span(w.lane, w.since, max(end, w.since + 1)))
    return w.spans, w.crossings
