# SPDX-License-Identifier: MIT
#
# What people suffered with other tools (docs/pains.md), provoked in a Linux control domain: memory that is not there, daemons that
# have gone or hang, a domain that does not go, what dead domains left in the store, quotas, a boot without the hypervisor.
# Invariant: whatever is wrong, a verb says one line and comes back; where something is to be mended, the line's advice does it.
import re

import debian_tools
import qemu
import xeno_linux_cases

# Debian's client and its program for the daemon's own matters, with their libraries, beside the script.
CLIENTS = r"""
xs() { ./ld-linux-x86-64.so.2 --library-path /root ./xenstore "$@"; }
control() { ./ld-linux-x86-64.so.2 --library-path /root ./xenstore-control "$@"; }
gone() { for try in $(seq 300); do xeno destroy --why $1 | grep -q 'nothing is left' && return; xeno service; sleep 0.1; done; }
"""
MEMORY = r"""
part memory; own() { xeno list Domain-0 | awk 'NR == 2 { print $3 }'; }; before=$(own)
more=$(($(xeno info free_memory) + 20)); try xeno create h1.cfg memory=$more
advice=$(xeno create h1.cfg memory=$more 2>&1 | sed -n "s/.*try '\(.*\)', .*/\1/p"); echo "untold: $before $(own)"; echo "advice: $advice"; try $advice
for n in $(seq 300); do test "$(xeno info free_memory)" -ge $more && break; sleep 0.1; done
try xeno create h1.cfg memory=$more; echo "told: $(own)"; xeno destroy h1; xeno mem-set 0 256
"""
DAEMONS = r"""
part hangs; kill -STOP $(pidof xenostored); try xeno create h1.cfg; try xeno list; try xeno doctor; kill -CONT $(pidof xenostored)
part none; stop xenostored; try xeno create h1.cfg; try xeno shutdown h1; try xeno doctor; xeno destroy h1
xenostored; part back; try xeno create h1.cfg; try xeno list h1
part holder; kill -STOP $(pidof xenoconsoled); id=$(xeno domid h1); try xeno destroy h1; try xeno destroy --why $id
kill -CONT $(pidof xenoconsoled); gone $id; try xeno destroy --why $id
"""
# Killed, and the next command finds them; one that cannot start is tried again ever more seldom; told to end, it stays away.
KEPT = r"""
part kept; for n in 1 2 3; do kill -9 $(pidof xenostored) $(pidof xenoconsoled); try xeno create h1.cfg; kill -9 $(pidof xenostored); try xeno shutdown -w h1; until_ended h1; done
tried() { dmesg | grep 'keep: xenoconsoled has ended with status 7' | grep -c "$1"; }
part loop; daemon=$(command -v xenoconsoled); mv $daemon real; printf '#!/bin/sh\nexit 7\n' >$daemon; chmod +x $daemon; kill -9 $(pidof xenoconsoled)
until test $(tried 'in 2 s') -ge 1; do sleep 0.1; done; tried 'in 0 s'; tried 'in [12] s'; mv real $daemon; until xeno doctor >/dev/null; do sleep 0.1; done
part told; stop xenoconsoled; until test $(pidof keep | wc -w) = 1; do sleep 0.1; done; pidof xenoconsoled; xenoconsoled; try xeno doctor | grep xenoconsoled
"""
STORE = r"""
part stale; xs write /local/domain/99/name h1 /local/domain/99/vm /vm/x /vm/x/name h1 /libxl/99/type pv /local/domain/0/backend/vif/99/0/state 4
try xeno create h1.cfg; xeno domid h1 >/dev/null && echo 'by its own name'; try xeno doctor; try xeno doctor --fix; try xs exists /vm/x
xs list /local/domain /libxl | sort -u | tr '\n' ' '; xs list /local/domain/0/backend/vif
part quota; control quota | grep '^nodes '; control quota set nodes 2000; control quota | grep '^nodes '; control quota "$(xeno domid h1)" | grep '^nodes '
xeno destroy h1
"""


def in_linux(where):
    programs = [debian_tools.CLIENT, debian_tools.folder() / debian_tools.PLACE / "xenstore-control"]
    if not programs[0].exists():
        raise qemu.Skip("Debian's package xenstore-utils is not installed")
    files = set(programs).union(*(debian_tools.libraries(program) for program in programs))
    more = [word for path in sorted(files) for word in ("--add", path)]
    return xeno_linux_cases.run(where, CLIENTS + MEMORY + KEPT + DAEMONS + STORE, *more)


def one_line(result, part, pattern, status):
    """In that part, a command that says one line like that and ends so."""
    result.expect(re.search(rf"(^|>\n)[^\n<]*{pattern}[^\n]*\n<{status}>$", part, re.MULTILINE), f"expected one line like {pattern!r} and status {status}")


def pains(where):
    result, parts = in_linux(where)
    one_line(result, parts["memory"], r"needs \d+ MiB, \d+ MiB are free \(the control domain has \d+ MiB\): try 'xeno mem-set 0 \d+', ", 1)
    result.expect(re.search(r"advice: xeno mem-set 0 \d+\n<0>\n<0>$", parts["memory"], re.MULTILINE), "expected the advice to help")
    before, after = re.search(r"^untold: (\d+) (\d+)$", parts["memory"], re.MULTILINE).groups()
    told = re.search(r"^told: (\d+)$", parts["memory"], re.MULTILINE).group(1)
    result.expect(int(told) < int(before) == int(after), "expected the control domain to keep its memory until it is told to give some")
    result.expect(parts["kept"].split() == ["<0>"] * 6, "expected daemons to be there again for the next command")
    now, later = (int(word) for word in parts["loop"].split())
    result.expect(now >= 3 and later >= 2, "expected a daemon that cannot start to be tried at once, then more and more seldom")
    result.expect(re.fullmatch(r"ok +xenoconsoled +answers", parts["told"].strip()), "expected a daemon that was told to end to stay away")
    one_line(result, parts["hangs"], "xenostored has not taken it up: it does not answer", 1)
    result.expect(re.search(r"^BAD  xenostored +it does not answer: ", parts["hangs"], re.MULTILINE), "expected doctor to know")
    one_line(result, parts["none"], "warning: xenostored does not run", 0)
    result.expect(re.search(r"^BAD  xenostored +it does not run: ", parts["none"], re.MULTILINE), "expected doctor to know")
    result.expect(parts["back"].count("<0>") == 2, "expected all to be well with a new xenostored")
    holder = parts["holder"].split("<0>\n")
    result.expect(re.search(r"destroyed; \d+ pages are left.*\n  process \d+ \(xenoconsoled\) maps \d+ pages ", holder[1]), "expected the holder's name")
    result.expect("nothing is left of it" in holder[2], "expected the domain to go when its holder lets go")
    stale = parts["stale"]
    result.expect("by its own name" in stale and re.search(r"^BAD  store +3 folders of domains that have gone, among them /local/domain/99: ", stale,
                                                          re.MULTILINE), "expected doctor to find what is stale")
    result.expect(re.search(r"^ok   store +3 folders .* are taken out$", stale, re.MULTILINE), "expected doctor to take it out")
    result.expect(stale.rstrip().endswith("0 1") or re.search(r"<1>\n0 \d+ $", stale, re.MULTILINE), "expected nothing of domain 99")
    result.expect(re.search(r"^nodes +1000\n(OK\n)?nodes +2000\nnodes +\d+$", parts["quota"], re.MULTILINE), "expected quotas to be seen and set")


def without_the_hypervisor():
    result = qemu.run("--native", "-c", "xeno list; echo \"<$?>\"; xeno create x.cfg; echo \"<$?>\"; xeno doctor; echo \"<$?>\"")
    result.expect_status(0)
    said = result.output + result.errors
    result.expect(said.count("this machine was booted without the hypervisor: choose its entry in the boot menu") == 2, "expected the cause, twice")
    result.expect_output(r"^BAD  hypervisor +this kernel runs on none: choose the hypervisor's entry in the boot menu$")
    result.expect(result.output.endswith("<1>\n"), "expected status 1 of doctor")
