# SPDX-License-Identifier: MIT
#
# The measured table, as text for a terminal and as Markdown for the documents: a line an operation and mechanism.


def times(count):
    return f"{count:,.0f}" if abs(count - round(count)) < 0.005 else f"{count:,.2f}"


def label(kind, name):
    """'hypercall mmu_update', 'exit port access'; events and what is done for a guest have names that say all."""
    return name if kind == "event" or (kind, name) in {("exit", "device model"), ("exit", "interrupt delivered")} else f"{kind} {name}"


def of_crossings(crossings):
    """'2 hypercall mmu_update, 1 trap page fault': what there is most of first."""
    ordered = sorted(crossings, key=lambda c: (-c["count"], c["kind"], c["name"]))
    return ", ".join(f"{times(c['count'])} {label(c['kind'], c['name'])}" for c in ordered)


def rows(results):
    for name, by_mechanism in results["operations"].items():
        for mechanism, found in by_mechanism.items():
            yield name, mechanism, found


def text(results):
    lines = [f"{'operation':<22} {'mechanism':<9} {'instructions':>13} {'time/us':>10}  crossings between guest and hypervisor"]
    last = None
    for name, mechanism, found in rows(results):
        lines.append(f"{name if name != last else '':<22} {mechanism:<9} {found['instructions']:>13,.0f} {found['ns'] / 1000:>10,.2f}  "
                     f"{of_crossings(found['crossings'])}".rstrip())
        last = name
    lines += [f"not measured: {why}" for why in results["missing"].values()]
    return "\n".join(lines) + "\n"


def markdown(results):
    """Instructions by mechanism, and PV's part of trap's, where both were measured."""
    kinds = list(results["mechanisms"])
    ratio = ["pv / trap"] if {"pv", "trap"} <= set(kinds) else []
    lines = ["| operation | " + " | ".join(kinds + ratio) + " |", "|---" * (len(kinds + ratio) + 1) + "|"]
    for name, of_one in results["operations"].items():
        cells = [f"{of_one[kind]['instructions']:,.0f}" if kind in of_one else "–" for kind in kinds]
        cells += [f"{of_one['pv']['instructions'] / of_one['trap']['instructions']:.2f}" for _ in ratio if {"pv", "trap"} <= set(of_one)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
