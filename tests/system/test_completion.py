#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Completion of xeno's words, in bash, with the tool's own help and a list of this test's: no machine is needed.
# Invariant: what is expected of each line stands here; a new verb changes nothing but the list of verbs.
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import qemu

COMPLETION = qemu.ROOT / "dom0-tools" / "xeno" / "completion.bash"
XENO = qemu.BUILD / "tools" / "xeno"
# In place of xeno: its list needs a hypervisor.
STAND_IN = f"""#!/bin/sh
case $1 in list) printf 'Name ID\\nDomain-0 0\\nweb 3\\nwiki 4\\n' ;; *) exec {XENO} "$@" ;; esac
"""
WORDS = r"""
. "$COMPLETION"
complete -p xeno
while read -r line; do
    read -ra COMP_WORDS <<<"${line//_/}"; [[ $line == *_ ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _xeno; echo "${COMPREPLY[*]}"
done
"""
DOMAINS = "Domain-0 web wiki"
# _ is a word that has not been begun.
LINES = {
    "xeno cr": "create", "xeno -N cr": "create", "xeno vcpu": "vcpu-list vcpu-pin vcpu-set", "xeno help cons": "console",
    "xeno list w": "web wiki", "xeno list -": "--ended --json -c -l -n -v", "xeno create -": "--wait -F -c -n -p -q",
    "xeno vcpu-pin -": "", "xeno trace --o": "--off --on", "xeno console --log _": DOMAINS, "xeno destroy web _": DOMAINS,
    "xeno domid w": "web wiki", "xeno sched-credit2 -d w": "web wiki", "xeno rename web _": "", "xeno vcpu-pin web _": "",
    "xeno create web": "web.cfg", "xeno create -c web": "web.cfg", "xeno dump-core w": "web wiki", "xeno dump-core web _": "folder web.cfg",
    "xeno config-update web f": "folder", "xeno nothing _": "",
}


def complete(folder, lines):
    environment = {**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "COMPLETION": str(COMPLETION), "LC_ALL": "C.UTF-8"}
    return subprocess.run(["bash", "-c", WORDS], input="\n".join(lines) + "\n", cwd=f"{folder}/here", env=environment, capture_output=True,
                          text=True, check=True, timeout=100).stdout.splitlines()


def test_words():
    with tempfile.TemporaryDirectory(prefix="completion-") as name:
        folder = Path(name)
        (folder / "here" / "folder").mkdir(parents=True)
        (folder / "here" / "web.cfg").touch()
        (folder / "bin").mkdir()
        (folder / "bin" / "xeno").write_text(STAND_IN, encoding="utf-8")
        (folder / "bin" / "xeno").chmod(0o755)
        said, *found = complete(folder, [*LINES, "xeno _"])
    if said != "complete -F _xeno xeno":
        raise qemu.Failure(f"expected it to be there for xeno: {said}")
    verbs = found.pop().split()
    if len(verbs) < 30 or "create" not in verbs:
        raise qemu.Failure(f"expected all verbs: {verbs}")
    wrong = [f"{line}: {' '.join(sorted(got.split()))}, not {wanted}" for (line, wanted), got in zip(LINES.items(), found, strict=True)
             if sorted(got.split()) != sorted(wanted.split())]
    if wrong:
        raise qemu.Failure("\n".join(wrong))


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
