# SPDX-License-Identifier: MIT
#
# run.sh behind its shell front: options, build, boot, exit status. docs/how-to/run.md is its contract.
# Invariant: standard output carries the console (or --print's answer) alone; all else goes to standard error.
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import console
import linux
import machine
import options as command_line

# Before what the boot domain says when it cannot build what it should.
BOOT_SAYS = "xeno boot: "
LOG_TAIL = 15
# What the hypervisor's log, ours or Debian's Xen's, says of a control domain that has crashed.
CRASHED = re.compile(r"domain 0 has crashed|Hardware Dom\d+ crashed")
# The hypervisor's own statuses (exit=debug): 4 a panic, 5 no way to boot.
HYPERVISOR_FAILED = (4, 5)


def build(options):
    """Progress is a line that rewrites itself on a terminal, every tenth step elsewhere; nothing where nothing is to do."""
    command = [sys.executable, "-B", str(machine.ROOT / "scripts" / "build.py"), options.preset]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace")
    terminal = sys.stderr.isatty()
    kept = []
    shown = False
    for line in process.stdout:
        kept.append(line)
        step = re.match(r"\[(\d+)/(\d+)\] (?!Re-checking)", line)
        if step and (terminal or int(step.group(1)) % 10 == 0 or step.group(1) == step.group(2)):
            text = f"building {step.group(1)}/{step.group(2)}"
            sys.stderr.write(f"\r\033[K{text}" if terminal else f"{text}\n")
            sys.stderr.flush()
            shown = True
    if terminal and shown:
        sys.stderr.write("\r\033[K")
    if process.wait():
        sys.stderr.write("".join(line for line in kept[-60:] if "Re-checking globbed" not in line))
        raise machine.Problem("the build fails")


def describe(options, plan):
    print(f"hypervisor: {plan.kernel}")
    for module in plan.modules:
        print(f"module {module.name}: {module.path}")
    log = options.log or "/dev/null"
    print("command: " + shlex.join(machine.qemu_command(options, plan, "mon:stdio", log)))
    return 0


def show_lines(lines):
    for line in lines[-LOG_TAIL:]:
        sys.stderr.write(f"  | {line}\n")


def text_of(log):
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def show_tail(log, why):
    show_lines(text_of(log).splitlines())
    machine.fail(why)


def boot(options, plan, log):
    interactive = options.command is None and sys.stdin.isatty() and sys.stdout.isatty()
    command = machine.qemu_command(options, plan, "mon:stdio" if interactive else "stdio", log)
    if options.gdb:
        sys.stderr.write(f"run.sh: waiting for: gdb {plan.kernel.with_suffix('.debug')} -ex 'target remote :1234'\n")
    # A terminal is no input for a run that is not interactive: QEMU would make it raw, without a way to end the run.
    piped_input = options.command is None and not sys.stdin.isatty()
    marks = console.CommandFilter() if options.linux and options.command is not None else None
    status = console.run(command, log, interactive=interactive, piped_input=piped_input, xen=options.xen,
                         timeout=options.timeout, marks=marks)
    held = marks.held.decode(errors="replace").splitlines() if marks and marks.status is None and not marks.begun else []
    refused = len(held) == 1 and held[0].startswith(BOOT_SAYS)
    show_lines(held if not refused else [])
    if status == console.CRASHED and CRASHED.search(text_of(log)):
        machine.fail("the control domain has crashed: the end of what it said tells why")
    elif refused:
        machine.fail(held[0][len(BOOT_SAYS):])
    elif marks and marks.status is None:
        machine.fail("Linux ended before the command did")
    if status == console.TIMED_OUT:
        machine.fail(f"ended after {options.timeout} s (--timeout)")
    elif status == console.QEMU_FAILED:
        show_tail(log, "QEMU ended by itself with an error")
    elif status in HYPERVISOR_FAILED and not options.xen and not (marks and marks.status is not None):
        show_tail(log, f"the hypervisor ended with status {status}; above is the end of its log")
    return status


def main():
    # Whoever ends us ends QEMU as well: as an exception, so that what is started is ended and what is made is removed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    options = command_line.parse(sys.argv[1:])
    kept = False
    try:
        if not options.no_build and not options.build_dir:
            build(options)
        if options.linux:
            linux.prepare(options)
        plan = machine.plan(options)
        kept = options.print_only
        if kept:
            return describe(options, plan)
        with tempfile.TemporaryDirectory(prefix="xenolith-") as folder:
            log = Path(options.log) if options.log else Path(folder) / "hypervisor.log"
            return boot(options, plan, log)
    except machine.Problem as problem:
        machine.fail(problem)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if not kept:
            machine.clean(options)


if __name__ == "__main__":
    sys.exit(main())
