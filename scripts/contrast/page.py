# SPDX-License-Identifier: MIT
#
# --html: one page that needs nothing else. For each operation what it costs, a timeline of its crossings, and the code of both back ends.
# Invariant: no script and no address outside of the page; everything that is not ours is escaped.
from html import escape
from pathlib import Path

import sources
import svg
import table

STYLE = Path(__file__).with_name("page.css")
CROSSINGS_MAX = 24


def key(mechanism):
    return f'<span class="key {mechanism}"></span>{escape(mechanism)}'


def cost_table(of_one):
    least = min(found["instructions"] for found in of_one.values())
    rows = []
    for mechanism, found in of_one.items():
        ratio = f'× {found["instructions"] / least:,.1f}' if least >= 1 else "–"
        crossings = escape(table.of_crossings(found["crossings"]))
        rows.append(f'<tr><td>{key(mechanism)}</td><td class="n">{found["instructions"]:,.0f}</td><td class="n">{ratio}</td>'
                    f'<td class="n">{found["ns"] / 1000:,.2f}</td></tr>' + (f'<tr class="crossings"><td colspan="4">{crossings}</td></tr>' if crossings else ""))
    return ('<table><tr><th></th><th class="n">instructions</th><th class="n">of the least</th><th class="n">time/µs</th></tr>'
            f'{"".join(rows)}</table>')


def crossing_list(crossings, total):
    items = []
    for crossing in crossings[:CROSSINGS_MAX]:
        where = f' <span class="soft">in {escape(crossing.where)}</span>' if crossing.where not in ("", "hypercall_page") else ""
        where += f' <span class="soft">on CPU {crossing.cpu}</span>' if crossing.cpu else ""
        items.append(f"<li>{escape(table.label(crossing.kind, crossing.name))}{where}</li>")
    more = total - min(len(crossings), CROSSINGS_MAX)
    return f'<ol>{"".join(items)}</ol>' + (f'<p class="soft">… and {more:,.0f} more</p>' if more > 0 else "")


def timelines(operation, of_one):
    parts = []
    for mechanism, found in of_one.items():
        if found["trace"]:
            picture, crossings = svg.timeline(found["trace"], mechanism, operation)
            if crossings:
                total = sum(c["count"] for c in found["trace"]["crossings"] if c["name"] != "switched to")
                parts.append(f'<h3>{key(mechanism)}: {total:,.0f} {"crossings" if total != 1 else "crossing"}, {found["trace"]["ticks"]:,} instructions while traced</h3>'
                             f'{picture}{crossing_list(crossings, total)}')
            else:
                parts.append(f"<h3>{key(mechanism)}</h3><p class='soft'>The guest never leaves the CPU.</p>")
    return "".join(parts)


def code(operation):
    rows = []
    for native, native_text, pv, pv_text in sources.pairs(operation):
        rows.append('<div class="pair">' + "".join(f'<div><div class="place">{escape(place)}</div><pre tabindex="0">{escape(text or "")}</pre></div>'
                                                   for place, text in ((native, native_text), (pv, pv_text)) if place) + "</div>")
    return f'<details><summary>The code of both back ends: bare machine, domain</summary>{"".join(rows)}</details>' if rows else ""


def html(results):
    legend = "".join(f"<span>{key(name)}: {escape(text)}</span>" for name, text in results["mechanisms"].items())
    missing = "".join(f'<p class="soft">Not measured: {escape(why)}</p>' for why in results["missing"].values())
    links = "".join(f'<a href="#{escape(name)}">{escape(name)}</a>' for name in results["operations"])
    sections = "".join(f'<section id="{escape(name)}"><h2>{escape(name)}</h2>{cost_table(of_one)}{timelines(name, of_one)}{code(name)}</section>'
                       for name, of_one in results["operations"].items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The contrast: one guest, every mechanism</title>
<style>{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<main>
<h1>The contrast: one guest program, every mechanism</h1>
<p class="lead">The same operations of the same kernel on a bare machine, paravirtualized, and fully virtualized. Instructions are those
of the whole machine, guest and hypervisor and control domain together, counted one by one ({results["runs"]} runs of each). A crossing is a
passage from the guest to the hypervisor and back.</p>
<div class="legend">{legend}</div>{missing}
<nav>{links}</nav>
<section><h2>Instructions, on a logarithmic scale</h2>{svg.costs(results)}</section>
{sections}
<footer>Time is the best of several rounds in an emulator, which knows no caches and no price of a TLB miss; instructions are exact. While crossings
are traced the short paths of the hypervisor are off, so a timeline is longer than the cost in the table. In a timeline a crossing
begins where the hypervisor knows its reason and ends where it has been dealt with; the ways in and back, longest for trap, are drawn as the guest's.
Two CPUs take turns in one thread; only ipi-other uses the second one, whose lanes have the number 1, and its instructions are those of both.</footer>
</main>
</body>
</html>
"""
