# SPDX-License-Identifier: MIT
#
# How domains end in a Linux control domain, as cases that take the hypervisor ([] ours, ["--xen"] Debian's): each action of the
# configuration for each end, by the guest and by the operator; and two verbs at once on one domain.
# Invariant: instructions are the clock (--icount), so that a busy machine makes a case last longer and nothing else; after each row
# no domain is left.
import re

import xeno_linux_cases

ENDINGS = (("guest", "poweroff"), ("guest", "reboot"), ("guest", "crash"), ("operator", "poweroff"), ("operator", "reboot"))
ACTIONS = ("destroy", "restart", "preserve", "rename-restart", "coredump-destroy", "coredump-restart")
ENDED = {"poweroff": "shut down", "reboot": "rebooted", "crash": "crashed"}

# states: name and state of each domain but dom0; all_gone: until there is none.
STATES = r"""
states() { xeno list | awk 'NR > 2 { print $1, $5 }'; }
all_gone() { until only_dom0; do for name in $(states | cut -d' ' -f1); do xeno destroy $name 2>/dev/null; done; xeno service; done; }
"""
# row WHO ENDING ACTION: the first life ends as told, the second one, whose configuration is another by then, only with the row.
ROWS = STATES + r"""
row()
{
    part "$1_$2_$(echo $3 | tr - _)"
    { sed 's/h1/g/; s/16/8/; /cmdline/d' h1.cfg; echo "on_$2=\"$3\""; } >now.cfg; { cat now.cfg; echo 'cmdline="1000"'; } >next.cfg
    case $1 in guest) words="0 $2" ;; *) words=1000 ;; esac
    xeno create -pq now.cfg "cmdline=\"$words\""; first=$(xeno domid g); xeno config-update g next.cfg; xeno unpause g
    case $1_$2 in operator_poweroff) xeno shutdown g ;; operator_reboot) xeno reboot g ;; esac
    case $3 in
    *restart) until test "$(xeno domid g 2>/dev/null || echo $first)" != $first; do sleep 0.1; done ;;
    preserve) until states | grep -q '^g ---s'; do sleep 0.1; done ;;
    *) until_ended g ;;
    esac
    states; for core in $(ls /var/lib/xen/dump 2>/dev/null); do echo "core $core $(wc -c <"/var/lib/xen/dump/$core")"; done
    xeno list --json | sed -n 's/.*"name": "\(.*\)", "domid": '$first', "ended": "\(.*\)".*/\1 ended: \2/p'
    rm -f /var/lib/xen/dump/*; all_gone
}
"""


def expected(ending, action):
    """What is there when an end has been dealt with: states of domains, a core, and how the one with the first number ended."""
    lines = []
    if action in ("preserve", "rename-restart"):
        name = "g" if action == "preserve" else "g-1"
        lines.append(f"{name} ---s{'c' if ending == 'crash' else '-'}-")
    if action.endswith("restart"):
        lines.append("g lives")
    if action.startswith("coredump"):
        lines.append("core g")
    if action not in ("preserve", "rename-restart"):
        lines.append(f"g ended: {ENDED[ending]}")
    return sorted(lines)


def each_action_for_each_end(where, endings=ENDINGS):
    """A core has all of the domain's memory."""
    rows = [(who, ending, action) for action in ACTIONS for who, ending in endings]
    script = ROWS + "".join(f"row {who} {ending} {action}\n" for who, ending, action in rows)
    result, parts = xeno_linux_cases.run([*where, "--icount"], script)
    for who, ending, action in rows:
        said = parts[f"{who}_{ending}_{action}".replace("-", "_")]
        cores = [int(size) for size in re.findall(r"^core g (\d+)$", said, re.MULTILINE)]
        result.expect(all(size > 8 << 20 for size in cores), f"{who}, {ending}, {action}: expected a whole core: {said}")
        lines = [re.sub(r"^g [-rb]{2}----$", "g lives", re.sub(r"^core g \d+$", "core g", line)) for line in said.split("\n") if line]
        result.expect(sorted(lines) == expected(ending, action), f"{who}, {ending}, {action}: expected {expected(ending, action)}, not {said}")


VERBS = ("create", "destroy", "rename", "pause", "shutdown")
# at_once VERB OTHER: both on the same domain, which is there unless one of them makes it; what each says, and what there is then.
AT_ONCE = STATES + r"""
command() { case $1 in create) echo create -q h1.cfg ;; rename) echo rename h1 h2 ;; *) echo $1 h1 ;; esac; }
at_once()
{
    part "$1_$2_$turn"; case $1$2 in *create*) ;; *) xeno create -q h1.cfg ;; esac
    (xeno $(command $1) >one 2>&1; echo "<$?>" >>one) & (xeno $(command $2) >two 2>&1; echo "<$?>" >>two) & wait
    cat one two; states; all_gone
}
pairs()
{
PAIRS
    part end
}
round 'two at once' pairs
"""
AT_ONCE_END = "ls /run/xeno/domains | wc -l; xeno doctor | grep ' store '\n"


def two_at_once(where):
    """
    Each pair of verbs, on two CPUs: at least one does what it was told, the other, too, or says one line; nothing is left. All pairs once
    more where the first time has cost a frame: the heap of Debian's Xen grows by one.
    """
    pairs = [f"at_once {one} {two}" for one in VERBS for two in VERBS]
    result, parts = xeno_linux_cases.run([*where, "--icount", "--cpus", "2"], AT_ONCE.replace("PAIRS", "\n".join(pairs)) + AT_ONCE_END)
    result.expect(len(parts) % len(pairs) == 1, "expected each pair, and the end")
    for name, said in parts.items():
        if name == "end":
            continue
        one, two, _ = name.split("_")
        ends = re.findall(r"^(?:(xeno [^\n]+)\n)?<(\d)>$", said, re.MULTILINE)
        result.expect(len(ends) == 2 and all((status == "0") == (line == "") for line, status in ends), f"{one}, {two}: expected nothing or one line: {said}")
        result.expect("0" in (status for _, status in ends), f"{one}, {two}: expected one to win: {said}")
        left = [line for line in said.split("<")[-1].split("\n")[1:] if line]
        result.expect(len(left) <= 1 and all(re.match(r"h[12] ", line) for line in left), f"{one}, {two}: expected one domain at most: {said}")
    result.expect(re.fullmatch(r"0\nok +store +has no folder of a domain that has gone", parts["end"].strip()), "expected nothing to be left")


# killed ACTION WANTED: the service is killed before each STEPth of its operations in turn, and the next one makes up for it.
KILLED = STATES + r"""
sed 's/h1/g/; s/16/8/; /cmdline/d' h1.cfg >g.cfg; echo 'cmdline="1000"' >more
now() { xeno list | awk 'NR > 2 { printf "%s %s ", $1, ($5 ~ /s/ ? "ended" : $5 ~ /p/ ? "paused" : "lives") }'; }
left() { as_before "$1"; ls /run/xeno/domains /run/xeno/owed | grep -q ^[0-9] && echo "$1: a record"; xeno doctor | grep 'BAD *store'; test -e /run/xeno/building && echo "$1: a build"; }
killed()
{
    part "$(echo $1 | tr - _)"; { cat g.cfg; echo "on_reboot=\"$1\""; } >now.cfg; cat now.cfg more >next.cfg; n=1; kills=0
    while :; do
        xeno create -pq now.cfg 'cmdline="0 reboot"'; xeno config-update g next.cfg; xeno unpause g
        until states | grep -q '^g ---s'; do sleep 0.1; done
        XENO_FAULT=kill:$n xeno service 2>err; test $? = 137 && kills=$((kills + 1)); xeno service
        test "$(now)" = "$2" || echo "$1, killed at $n: $(now)"
        all_gone; left "$1, killed at $n"
        grep -q 'has not struck' err && break; n=$((n + STEP))
    done
    echo "kills: $kills"
}
stop xenoconsoled; xenoconsoled --no-service
for n in 1 2; do xeno create -q g.cfg; xeno destroy g; done; before=$(free_pages)
"""
KILLED_CREATE = r"""
part create; n=1; kills=0
while :; do
    XENO_FAULT=kill:$n xeno create -q g.cfg 2>err; test $? = 137 && kills=$((kills + 1)); xeno service
    case $(now) in "" | "g paused ") ;; "g lives ") grep -q 'has not struck' err || echo "killed at $n: it lives" ;; *) echo "killed at $n: $(now)" ;; esac
    all_gone; left "create, killed at $n"
    grep -q 'has not struck' err && break; n=$((n + STEP))
done
XENO_FAULT=kill:40 xeno create -q g.cfg 2>err; half=$(xeno list | awk 'NR > 2 { print $2 }'); xeno destroy $half || echo "half built, and not to be destroyed: $half"; all_gone
xeno create -q g.cfg; xeno config-update g g.cfg; xeno service; test "$(now)" = 'g lives ' || echo "not built, and taken for that: $(now)"; all_gone
echo "kills: $kills"
"""
KILLED_ACTIONS = {"destroy": "", "restart": "g lives ", "rename-restart": "g-1 ended g lives ", "coredump-restart": "g lives "}


def killed_in_the_middle(where, step):
    """Whatever operation a service or a create is killed before: what was to come comes, and nothing is left of what was begun."""
    script = KILLED + "".join(f"killed {action} '{wanted}'\n" for action, wanted in KILLED_ACTIONS.items()) + KILLED_CREATE
    result, parts = xeno_linux_cases.run([*where, "--icount"], script.replace("STEP", str(step)), timeout=1500)
    for action in (*KILLED_ACTIONS, "create"):
        said = parts[action.replace("-", "_")]
        kills = re.fullmatch(r"kills: (\d+)\n+", said)
        result.expect(kills and int(kills[1]) > (3 if action == "destroy" else 30) / step, f"{action}: expected kills and nothing lost or left: {said}")
    print({action: parts[action.replace("-", "_")].strip() for action in (*KILLED_ACTIONS, "create")})
