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


def timeline(trace, mechanism, operation):
    """(the picture, its crossings): three lanes, the crossings numbered; only the beginning of what is long."""
    spans, crossings = lanes.walk(trace)
    shown = spans[:SPANS_MAX]
    if not shown:
        return "", []
    end = max(shown[-1].end, 1)
    crossings = [crossing for crossing in crossings if crossing.at <= end]
    left, top, lane_height = 108, 26, 34

    def x(at):
        return left + (WIDTH - left - 8) * at / end

    def y(lane):
        return top + lanes.LANES.index(lane) * lane_height

    height = top + 3 * lane_height + 20
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Who has the CPU during {escape(operation)} under {mechanism}">']
    for lane in lanes.LANES:
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH - 8}" y1="{y(lane) + 11}" y2="{y(lane) + 11}"/>'
                     f'<text class="lane" x="{left - 8}" y="{y(lane) + 15}">{lane}</text>')
    for before, span in zip([None] + shown, shown):
        if before:
            parts.append(f'<line class="cross" x1="{x(span.start):.1f}" x2="{x(span.start):.1f}" y1="{y(before.lane) + 11}" y2="{y(span.lane) + 11}"/>')
        width = max(x(span.end) - x(span.start), 1)
        parts.append(f'<rect class="{mechanism}" x="{x(span.start):.1f}" y="{y(span.lane)}" width="{width:.1f}" height="22" rx="2">'
                     f'<title>{span.lane}: {span.end - span.start:,} instructions</title></rect>')
    last = -99
    for number, crossing in enumerate(crossings, 1):
        if x(crossing.at) - last >= 15:
            last = x(crossing.at)
            parts.append(f'<circle class="dot" cx="{last:.1f}" cy="11" r="8"/><text class="number" x="{last:.1f}" y="14.5">{number}</text>'
                         f'<line class="cross" x1="{last:.1f}" x2="{last:.1f}" y1="19" y2="{y(lanes.HYPERVISOR)}"/>')
    parts.append(f'<text class="tick start" x="{left}" y="{height - 5}">0</text>'
                 f'<text class="tick end" x="{WIDTH - 8}" y="{height - 5}">{end:,} instructions{" (the beginning)" if len(spans) > SPANS_MAX else ""}</text>')
    return "".join(parts) + "</svg>", crossings
