# SPDX-License-Identifier: MIT
#
# Runs one PV test kernel (tests/guest/NAME/main.c, image build/guests/test-NAME) as dom0 on Xenolith and on Debian's Xen and
# compares: guest_test.py NAME. In the first 15 lines of main.c, 'RUN: OPTIONS' gives options of run.sh and
# 'XENOLITH ONLY: reason' leaves Debian's Xen out.
# Invariant: SUCCESS on both, with the same lines on both except those that begin with '#', or it is a failure; a test that
# prints no verdict, or more than one, fails.
import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
import qemu  # noqa: E402

VERDICT = re.compile(r"^(SUCCESS|FAILURE|SKIP|ERROR)\b.*$", re.MULTILINE)
LIMIT = 240


def head_value(source, key):
    for line in source.read_text(encoding="utf-8").splitlines()[:15]:
        match = re.match(rf"[ /*]*{key}:\s*(.*?)\s*(\*/)?$", line)
        if match:
            return match.group(1)
    return None


def verdict(result, where):
    found = VERDICT.findall(result.output)
    if len(found) != 1:
        print(f"{where}: {len(found)} verdicts instead of one")
        print(result)
        return "ERROR"
    if found[0] in ("SUCCESS", "SKIP") and result.status != 0:
        print(f"{where}: {found[0]}, but the machine ended with status {result.status}")
        print(result)
        return "ERROR"
    if found[0] not in ("SUCCESS", "SKIP"):
        print(result)
    return found[0]


def comparable(result):
    return [line.rstrip() for line in result.output.splitlines() if line.strip() and not line.startswith("#")]


def main():
    name = sys.argv[1]
    source = ROOT / "tests" / "guest" / name / "main.c"
    image = qemu.BUILD / "guests" / f"test-{name}"
    words = ["--dom0-kernel", image] + shlex.split(head_value(source, "RUN") or "")
    reason = head_value(source, "XENOLITH ONLY")
    ours = qemu.run(*words, timeout=LIMIT)
    verdicts = {"Xenolith": verdict(ours, "Xenolith")}
    if reason is None:
        theirs = qemu.run("--xen", *words, timeout=LIMIT)
        verdicts["Debian's Xen"] = verdict(theirs, "Debian's Xen")
    print(", ".join(f"{where}: {what}" for where, what in verdicts.items()) + (f" (not on Debian's Xen: {reason})" if reason else ""))
    if set(verdicts.values()) == {"SKIP"}:
        sys.exit(qemu.SKIPPED)
    if set(verdicts.values()) != {"SUCCESS"}:
        sys.exit(1)
    if reason is None and comparable(ours) != comparable(theirs):
        print("the outputs differ:")
        print(ours)
        print(theirs)
        sys.exit(1)


if __name__ == "__main__":
    main()
