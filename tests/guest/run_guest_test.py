#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Runs one guest test, NAME, on Debian's Xen and on Xenolith, every variant of its image, and compares what it printed; one
# that is for a bare machine too runs there as well, with the same lines expected.
# Passes (0) if every run succeeded and all gave the same lines; 77 if all were skipped; 1 otherwise.
# Invariant: an image or a hypervisor that is missing is a failure, never a skip.
import argparse
import difflib
import re
import sys
from pathlib import Path

import run_guest

HERE = Path(__file__).resolve().parent
HEAD_LINES = 15
# Of a hypervisor's log, shown where a test fails.
LOG_LINES = 25
LAST_WORDS = ("RESULT: ", "EXPECT: CRASH ")
KEYS = {"KIND": str, "CPUS": int, "VCPUS": int, "MEMORY": int, "ARGS": str, "TIMEOUT": int, "ON": str, "AS": str, "MODULE": int, "DISK": int, "BESIDE": str, "NATIVE": str,
        "MODELS": str, "CONFIG": str}


def head_options(name):
    """The 'KEY: value' lines in the head of the test's main.c."""
    found = {"KIND": "functional", "ON": "both", "AS": "dom0"}
    for line in (HERE / name / "main.c").read_text(encoding="utf-8").splitlines()[:HEAD_LINES]:
        match = re.match(r"^[ /*]*([A-Z]+):\s*(.*?)\s*(\*/)?$", line)
        if match and match.group(1) in KEYS:
            found[match.group(1)] = KEYS[match.group(1)](match.group(2))
    return found


def images(name, build_dir):
    folder = build_dir / "guests"
    plain = folder / f"test-{name}"
    variants = sorted(path for path in folder.glob(f"test-{name}+*") if "." not in path.name)
    return ([plain] if plain.is_file() or not variants else []) + variants


def options_for(head, on, role, args):
    options = run_guest.Options(on=on, role=role, build_dir=args.build_dir.absolute())
    options.cpus = head.get("CPUS", options.cpus)
    options.vcpus = head.get("VCPUS", options.vcpus)
    options.memory = head.get("MEMORY", options.memory)
    options.args = head.get("ARGS", options.args)
    options.timeout = head.get("TIMEOUT", options.timeout)
    options.cpu_model = args.cpu_model
    options.module_size = head.get("MODULE", 0)
    options.disk_size = head.get("DISK", 0)
    options.config = head.get("CONFIG", "")
    options.beside = head.get("BESIDE") == "yes" and role == "domu"
    return options


def run_image(image, head, role, args):
    """Results by hypervisor, and what a good run printed; prints what a person needs to see."""
    outcomes = {}
    for on in ["xen", "xenolith"] if args.on == "both" else [args.on]:
        if head["ON"] not in ("both", on):
            continue
        outcomes[on] = run_guest.run(image, options_for(head, on, role, args))
        if outcomes[on].result == "SUCCESS" and not any(line.startswith(LAST_WORDS) for line in outcomes[on].observations):
            outcomes[on].result = "ERROR"  # an orderly end in the middle of the test
        print(f"--- {image.name} as {role} on {on}: {outcomes[on].result}")
        bad = outcomes[on].result not in ("SUCCESS", "SKIP")
        lines = outcomes[on].observations
        if bad:
            lines = outcomes[on].console.splitlines() + outcomes[on].log.splitlines()[-LOG_LINES:]
        print("\n".join(lines))
    if len(outcomes) == 2 and outcomes["xen"].observations != outcomes["xenolith"].observations:
        print(f"--- {image.name} as {role}: the two hypervisors differ")
        print("\n".join(difflib.unified_diff(outcomes["xen"].observations, outcomes["xenolith"].observations, "xen", "xenolith", lineterm="")))
        return ["DIFFERENT"], None
    return [outcome.result for outcome in outcomes.values()], next((outcome.observations for outcome in outcomes.values()), None)


def checks(observations):
    """What holds on any machine. The rest (selectors, error codes) tells how a machine does it, and differs without a hypervisor."""
    return [line for line in observations if ": ok: " in line or line.startswith("RESULT:")]


def run_native(name, head, expected, args):
    """The image without a hypervisor, loaded in both ways; what the PV image checked must hold here."""
    image = args.build_dir / "guests" / f"test-{name}-native"
    results = []
    for on in ("multiboot", "pvh"):
        outcome = run_guest.run(image, options_for(head, on, "native", args))
        print(f"--- {image.name} by {on}: {outcome.result}")
        bad = outcome.result not in ("SUCCESS", "SKIP")
        print("\n".join(outcome.console.splitlines() if bad else outcome.observations))
        if not bad and expected is not None and checks(outcome.observations) != checks(expected):
            print("\n".join(difflib.unified_diff(checks(expected), checks(outcome.observations), "pv", "native", lineterm="")))
            outcome.result = "DIFFERENT"
        results.append(outcome.result)
    return results


def main():
    parser = argparse.ArgumentParser(description="Run one guest test on both hypervisors and compare.")
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.add_argument("--list", metavar="KIND", choices=["functional", "hostile"], help="print the names of that kind of tests")
    parser.add_argument("--on", choices=["both", "xen", "xenolith"], default="both")
    parser.add_argument("--as", dest="role", choices=["both", "dom0", "domu", "native"], help="instead of what the test's AS: line says")
    parser.add_argument("--build-dir", type=Path, default=run_guest.ROOT / "build")
    parser.add_argument("--cpu-model", default="")
    args = parser.parse_args()
    if args.list:
        names = sorted(main_c.parent.name for main_c in HERE.glob("*/main.c"))
        print("\n".join(name for name in names if head_options(name)["KIND"] == args.list))
        return
    if not args.name:
        parser.error("NAME or --list KIND")
    try:
        head = head_options(args.name)
        role = args.role or head["AS"]
        results = []
        expected = None
        for image in images(args.name, args.build_dir) if role != "native" else []:
            for one in ["dom0", "domu"] if role == "both" else [role]:
                done, printed = run_image(image, head, one, args)
                results += done
                expected = expected or printed
        if head.get("NATIVE") == "yes" and role in (head["AS"], "native"):
            results += run_native(args.name, head, expected, args)
    except (run_guest.Problem, OSError) as problem:
        sys.exit(f"run_guest_test.py: {problem}")
    if results and all(result == "SKIP" for result in results):
        sys.exit(77)
    sys.exit(0 if results and all(result in ("SUCCESS", "SKIP") for result in results) else 1)


if __name__ == "__main__":
    main()
