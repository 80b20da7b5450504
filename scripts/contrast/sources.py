# SPDX-License-Identifier: MIT
#
# What each operation is made of, on a bare machine and in a domain: functions of libpvk's two back ends, cut out of the sources.
# Invariant: a function that is named here exists; tests/policy/check_references.py looks.
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "guest-pv-kernel/libpvk"

# Operation: pairs of 'file:function' below native/ and pv/; those of one name where there is one only.
PAIRS = {
    "null-system-call": [("entry.S:entry_syscall", "entry.S:entry_syscall"), ("entry.S:trap_return", "entry.S:trap_return")],
    "interrupts-off-on": [("interrupts.c:irq_save", "events.c:irq_save"), ("interrupts.c:irq_enable", "events.c:irq_enable")],
    "read-cr3": [("privileged.c:cpu_page_root", "privileged.c:cpu_page_root")],
    "switch-address-space": [("user_space.c:user_space_use", "user_space.c:user_space_use")],
    "map-touch-unmap-1": [("map.c:map_page", "map.c:map_page"), ("pagetable.c:pt_flush_page", "pagetable.c:pt_flush_page")],
    "map-touch-unmap-512": [("map.c:map_range", "map.c:map_range"), ("map.c:change_range", "map.c:change_range")],
    "page-fault": [("entry.S:trap_common", "entry.S:trap_common"), ("descriptors.c:backend_fault_address", "traps.c:backend_fault_address")],
    "copy-address-space": [("user_space.c:copy_table", "user_space.c:copy_tables"), ("user_space.c:make_space", "user_space.c:make_root")],
    "process-switch": [("user_space.c:user_space_use", "user_space.c:user_space_use"),
                       ("descriptors.c:user_set_entry_stack", "user_space.c:user_set_entry_stack")],
    "set-timer": [("clock.c:backend_timer_set", "clock.c:backend_timer_set"), ("apic.c:apic_timer_set", "")],
    "timer-interrupt": [("interrupts.c:backend_handle_interrupts", "events.c:backend_handle_interrupts"), ("apic.c:apic_end", "events.c:handle_word")],
    "halt-and-wake": [("interrupts.c:backend_idle", "events.c:backend_idle")],
    "ipi-self": [("smp.c:backend_kick_cpu", "events.c:backend_kick_cpu"), ("apic.c:send", "events.c:event_send")],
    "console-1": [("uart.c:put", "console.c:ring_put"), ("uart.c:console_write", "console.c:ring_write")],
    "console-80": [("uart.c:put", "console.c:ring_put"), ("uart.c:console_write", "console.c:ring_write")],
    "disk-4k": [("ata.c:backend_disk_read", "blkfront.c:backend_disk_read"), ("insn.h:insn_insw", "blkfront.c:transfer")],
    "cpuid": [("privileged.c:cpu_identify", "privileged.c:cpu_identify"), ("insn.h:insn_cpuid", "")],
    "port-read": [("privileged.c:cpu_port_read", "privileged.c:cpu_port_read"), ("insn.h:insn_inb", "")],
    "ipi-other": [("smp.c:backend_kick_cpu", "events.c:backend_kick_cpu"), ("interrupts.c:backend_handle_interrupts", "events.c:kicked")],
}


def cut(path, name):
    """A function's text with the comment above it; None if it is not there."""
    try:
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    assembly = path.endswith(".S")
    begins = re.compile(rf"^{re.escape(name)}:" if assembly else rf"^(?![\s#/*}}]).*\b{re.escape(name)}\(")
    for at, line in enumerate(lines):
        if begins.match(line) and (assembly or not any(text.endswith(";") for text in lines[at:at + 2])):
            end = next((i for i in range(at + 1, len(lines)) if (re.match(r"\s*\.size|\s*$", lines[i]) if assembly else lines[i] == "}")), None)
            if end is None:
                return None
            return "\n".join(lines[comment_above(lines, at):end + (not assembly)])
    return None


def comment_above(lines, at):
    first = at
    while first > 0 and lines[first - 1].strip() and re.match(r"^\s*(/\*|\*|//|\.globl|\.type|\.balign)", lines[first - 1]):
        first -= 1
    return first


def pairs(operation):
    """[(native place, its text, pv place, its text)]."""
    found = []
    for one, other in PAIRS.get(operation, []):
        row = []
        for folder, place in (("native", one), ("pv", other)):
            file, _, function = place.partition(":")
            path = f"{LIBRARY}/{folder}/{file}"
            row += [f"{path}: {function}", cut(path, function)] if place else ["", ""]
        found.append(tuple(row))
    return found


def missing():
    return sorted({place for operation in PAIRS for row in pairs(operation) for place, text in (row[:2], row[2:]) if text is None})
