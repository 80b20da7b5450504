# SPDX-License-Identifier: MIT
#
# The page's pictures: costs of all operations on one logarithmic axis, and a timeline of one operation under one mechanism.
# Invariant: colours are classes that the page's style sheet gives, so that pictures are right in light and in dark.
import math
from html import escape

import lanes

WIDTH = 480
ROW = 24
LEFT = 170
RIGHT = 20
SPANS_MAX = 42


def axis_of(values):
    low, high = math.floor(math.log10(max(1, min(values)))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def costs(results):
    """A row an operation, a dot a mechanism, a line from the cheapest to the dearest."""
    operations = results["operations"]
    low, high = axis_of([found["instructions"] for of_one in operations.values() for found in of_one.values()])
    height = ROW * len(operations) + 34

    def x(value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(max(value, 10 ** low)) - low) / (high - low)

    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Instructions of each operation under each mechanism">']
    for power in range(low, high + 1):
        at = x(10 ** power)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="18" y2="{height - 14}"/>'
                     f'<text class="tick" x="{at:.1f}" y="12">{human(10 ** power)}</text>')
    for row, (name, of_one) in enumerate(operations.items()):
        y = 30 + row * ROW
        values = [found["instructions"] for found in of_one.values()]
        parts.append(f'<a href="#{escape(name)}"><text class="name" x="{LEFT - 12}" y="{y + 4}">{escape(name)}</text></a>'
                     f'<line class="span" x1="{x(min(values)):.1f}" x2="{x(max(values)):.1f}" y1="{y}" y2="{y}"/>')
        for place, (mechanism, found) in enumerate(of_one.items()):  # ever smaller, so that none hides another
            parts.append(f'<circle class="{mechanism}" cx="{x(found["instructions"]):.1f}" cy="{y}" r="{7 - 0.9 * place:.1f}"><title>{escape(name)}, '
                         f'{mechanism}: {found["instructions"]:,.0f} instructions</title></circle>')
    return "".join(parts) + "</svg>"


def human(value):
    for limit, unit in ((10 ** 9, "G"), (10 ** 6, "M"), (10 ** 3, "k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"


def rows_of(spans):
    """(CPU, lane, label) from top to bottom: those of the first CPU that are always there, and what else occurs."""
    wanted = {(0, lane) for lane in lanes.LANES[:3]} | {(span.cpu, span.lane) for span in spans}
    rows = sorted(wanted, key=lambda row: (row[0], lanes.LANES.index(row[1])))
    return [(cpu, lane, f"{lane} {cpu}" if cpu else lane) for cpu, lane in rows]


def timeline(trace, mechanism, operation):
    """(the picture, its crossings): a lane for who has the CPU, the crossings numbered; only the beginning of what is long."""
    spans, crossings, _ = lanes.walk(trace)
    in_time = sorted(spans, key=lambda span: span.start)[:SPANS_MAX]
    end = max(*(span.end for span in in_time), 1)
    if len(spans) > SPANS_MAX:
        end = max(in_time[-1].start, 1)
    crossings = [crossing for crossing in crossings if crossing.at <= end]
    rows = rows_of(in_time)
    left, top, lane_height = 108, 26, 34
    places = {row[:2]: top + number * lane_height for number, row in enumerate(rows)}

    def x(at):
        return left + (WIDTH - left - 8) * min(at, end) / end

    height = top + len(rows) * lane_height + 20
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Who has the CPU during {escape(operation)} under {mechanism}">']
    for cpu, lane, label in rows:
        y = places[cpu, lane]
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH - 8}" y1="{y + 11}" y2="{y + 11}"/>'
                     f'<text class="lane" x="{left - 8}" y="{y + 15}">{label}</text>')
    before = {}  # the last span, by CPU
    for span in in_time:
        y = places[span.cpu, span.lane]
        if span.cpu in before:
            parts.append(f'<line class="cross" x1="{x(span.start):.1f}" x2="{x(span.start):.1f}" y1="{before[span.cpu] + 11}" y2="{y + 11}"/>')
        before[span.cpu] = y
        width = max(x(span.end) - x(span.start), 1)
        idle = " idle" if span.lane == lanes.ASLEEP else ""
        parts.append(f'<rect class="{mechanism}{idle}" x="{x(span.start):.1f}" y="{y}" width="{width:.1f}" height="22" rx="2">'
                     f'<title>{span.lane}: {span.end - span.start:,} instructions{" of time" if idle else ""}</title></rect>')
    last = -99
    for number, crossing in enumerate(crossings, 1):
        if x(crossing.at) - last >= 15:
            last = x(crossing.at)
            parts.append(f'<circle class="dot" cx="{last:.1f}" cy="11" r="8"/><text class="number" x="{last:.1f}" y="14.5">{number}</text>'
                         f'<line class="cross" x1="{last:.1f}" x2="{last:.1f}" y1="19" y2="{places[crossing.cpu, lanes.HYPERVISOR]}"/>')
    parts.append(f'<text class="tick start" x="{left}" y="{height - 5}">0</text>'
                 f'<text class="tick end" x="{WIDTH - 8}" y="{height - 5}">{end:,} instructions{" (the beginning)" if len(spans) > SPANS_MAX else ""}</text>')
    return "".join(parts) + "</svg>", crossings
