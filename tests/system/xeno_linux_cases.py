# SPDX-License-Identifier: MIT
#
# What the operator sees of xeno and xenoconsoled in a Linux control domain, as cases that take the hypervisor ([] ours, ["--xen"]
# Debian's). A case is one boot: it starts with a shell's functions and prints marks between its parts.
# Invariant: a case passes on both; after each part no domain, frame or record is left that was not there before.
import base64
import gzip
import json
import re
import struct
import subprocess
import tempfile
from pathlib import Path

import qemu
from linux_cases import linux

HELLO = qemu.BUILD / "guests" / "hello"
MEMORY = ["--memory", "768"]

# part NAME: a mark; try COMMAND: its output, then its status; settled: when nothing is being torn down any more, free pages.
SHELL = r"""
part() { printf '\n=== %s\n' "$1"; }
try() { "$@" 2>&1; printf '<%s>\n' $?; }
only_dom0() { xeno list | awk 'NR > 1 && $1 != "Domain-0" { n++ } END { exit n > 0 }'; }
ends() { while ! only_dom0; do xeno service; done; }
free_pages() { xeno info free_pages; }
# The last references to a domain that has gone fall when the daemons hear of it: looked at anew, but not for ever.
as_before() { for try in $(seq 300); do test "$(free_pages)" = "$before" && return; done; echo "$1: frames: $before, now $(free_pages)"; }
# A hypervisor's own heap may grow the first time; what leaks is missing again each time. round NAME COMMAND: until it costs nothing.
round()
{
    for turn in 1 2 3 4; do
        before=$(free_pages)
        $2
        for try in $(seq 100); do test "$(free_pages)" = "$before" && return; done
    done
    echo "$1: each time fewer frames: $before, now $(free_pages)"
}
# A daemon that is told to end is not started again by who keeps it.
stop() { pid=$(pidof $1); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done; }
until_ended() { while xeno domid $1 >/dev/null 2>&1; do sleep 0.1; done; }
until_shut() { until xeno list $1 | grep -q -- '---s-- '; do sleep 0.1; done; }
printf 'name = "h1"\nkernel = "hello"\nmemory = 16\ncmdline = "1000"\n' >h1.cfg
printf 'name = "short"\nkernel = "hello"\nmemory = 8\ncmdline = "2"\n' >short.cfg
"""


def run(where, script, *more, timeout=qemu.HANG):
    """The parts of what the script said, by their names."""
    with tempfile.TemporaryDirectory(prefix="xeno-") as folder:
        path = Path(folder) / "script"
        path.write_text(SHELL + script, encoding="utf-8")
        result = linux(where, "sh script", "--add", f"{HELLO}:hello", "--add", f"{path}:script", *MEMORY, *more, timeout=timeout)
    result.expect_status(0)
    found = re.split(r"^=== (\w+)\n", result.output, flags=re.MULTILINE)
    return result, dict(zip(found[1::2], found[2::2]))


TOUR = r"""
cat packed >later # a file that has just come may still change, and is waited for
part create; try xeno create h1.cfg --wait; try xeno list h1; try xeno domid h1; try xeno create h1.cfg
part pause; try xeno pause h1; try xeno list h1; try xeno unpause h1
part json; xeno list --json
part parsed; for words in 'list -l' 'list --json' 'list --json h1' 'vm-list --json' 'vcpu-list --json' 'sched-credit2 --json' 'info --json' \
    'info --json nr_' 'info --json nothing' 'version --json' 'dmesg --json' 'uptime --json' 'top --json' 'doctor --json' 'domid --json h1' 'domname --json 0' \
    'network-list --json h1' 'device-model --json' STAT; do echo "> $words"; xeno $words | tr -d X; done
part long; xeno list -l
part vcpus; xeno vcpu-list --json h1; try xeno vcpu-pin h1 all 0; try xeno vcpu-pin h1 0 99
part sched; try xeno sched-credit2 -d h1 -w 512 -c 50; xeno sched-credit2 --json -d h1; try xeno sched-credit2 -d h1 -w 0
part rename; try xeno mem-max h1 32; try xeno rename h1 h2; try xeno domid h2; try xeno domid h1; try xeno rename h2 'a b'; try xeno rename h2 h1
part uptime; xeno uptime --json
part top; xeno top -b -i 1
part doctor; xeno doctor --json
part prefix; try xeno dest h1; try xeno d h1; try xeno list h1
part ended; xeno list --json
part help; try xeno help destroy
part more; try xeno list --ended; try xeno list -v -c Domain-0; xeno vm-list; try xeno domid --json Domain-0; try xeno domname --json 0
xeno dmesg --json | tr X x; try xeno migrate h1 there; try xeno -N create -qn h1.cfg 'cmdline=2 words' memory=0x20
part limits; try xeno create h1.cfg name=few max_event_channels=1
try xeno create h1.cfg name=few max_event_channels=3; until_ended few; xeno console --log few | grep -c 'port > 0'
try xeno create h1.cfg name=few max_event_channels=4 --wait; xeno destroy few
part cache; mkdir -m 700 cache; export XENO_KERNEL_CACHE=$PWD/cache; sed 's/"hello"/"packed"/; s/h1/packed/' h1.cfg >packed.cfg
# A file that has just come may still change, and is not kept; then it is found again without the program that unpacks.
while ! ls cache | grep -q . && xeno create -q packed.cfg; do xeno destroy packed; done
try xeno kernel-cache later
program=$(dirname "$(readlink -f "$(command -v xeno)")")/xeno-unpack; mv $program program; try xeno create packed.cfg --wait; xeno destroy packed
try xeno create packed.cfg kernel=later --wait; xeno destroy packed
cat packed >again; cat again >packed; try xeno create packed.cfg; mv program $program; try xeno create packed.cfg --wait; xeno destroy packed; unset XENO_KERNEL_CACHE
# Of a name that there is not: one line, and nothing on standard output, whatever stands before or behind it.
part wrong; n=0
wrong() { n=$((n + 1)); xeno "$@" >out 2>err </dev/null; test "$? $(wc -l <err) $(wc -c <out)" = '1 1 0' || { echo "$*:"; cat out err; }; }
for verb in list vcpu-list uptime domid console stat dump-core network-list device-model trace 'sched-credit2 -d' 'destroy --why'; do
    case $verb in dump-core) more=core ;; *) more= ;; esac
    for name in nobody 77; do case $verb$name in destroy*77) ;; *) wrong $verb $name $more ;; esac; done
done
for verb in list vcpu-list uptime domid stat network-list 'sched-credit2 -d' domname; do wrong ${verb%% *} --json ${verb#${verb%% *}} nobody; done
for verb in list vcpu-list network-list; do wrong $verb Domain-0 nobody; done; for how in -l -v --ended; do wrong list $how nobody; done
for how in --log '-t pv'; do wrong console $how nobody; done; for how in --json --summary --on --off; do wrong trace $how nobody; done
wrong top -b -i x; wrong top --json -d -1; echo "$n verbs"
# What a killed tool has half built is told by who looks.
part half; XENO_FAULT=kill:40 xeno create -q h1.cfg name=half 2>/dev/null; xeno list 2>&1 >/dev/null; xeno list --json
try xeno destroy $(xeno list 2>/dev/null | awk 'END { print $2 }'); xeno list 2>&1 | wc -l; ls /run/xeno/building
part xl; ln -s "$(command -v xeno)" xl; try ./xl destroy nobody; try ./xl destroy; try ./xl -vf list; try ./xl debug q; try ./xl create -qnf h1.cfg
# What begins as Xen's own lines do, run.sh takes out of the output.
part keys; xeno dmesg -c >old; try xeno debug-keys q; xeno dmesg | tr X x; try xeno dmesg -c | tr X x
"""


def bzimage_of_hello():
    """hello as a Linux build packs its kernel: the boot protocol's header tells where in the file it is."""
    image, payload = bytearray(1040), gzip.compress(HELLO.read_bytes())
    image[0x1f1], image[0x1fe:0x200], image[0x202:0x206] = 1, b"\x55\xaa", b"HdrS"
    struct.pack_into("<H", image, 0x206, 0x20f)
    struct.pack_into("<II", image, 0x248, 16, len(payload))
    return bytes(image) + payload


def a_tour_of_the_verbs(where):
    with tempfile.NamedTemporaryFile(prefix="packed-") as packed:
        packed.write(bzimage_of_hello())
        packed.flush()
        # Debian's Xen keeps no counters.
        result, parts = run(where, TOUR.replace("STAT", "" if where else "'stat --json h1'"), "--add", f"{packed.name}:packed")
    said = parts["create"]
    result.expect(re.search(r"^h1 +(\d+) +16 +1 +[r-][b-]---- +\d+\.\d$", said, re.MULTILINE), "expected h1 in the list")
    result.expect(re.search(r"h1 is running already.*\n<1>", said), "expected a second h1 to be refused")
    result.expect(re.search(r"-[b-]p--- ", parts["pause"]), "expected h1 to be paused")
    listed = {entry["name"]: entry for entry in json.loads(parts["json"])}
    result.expect(listed["h1"]["memory_kib"] == 16384 and listed["Domain-0"]["domid"] == 0, "expected both domains as JSON")
    each_is_json(result, parts["parsed"], 18 if where else 19)
    result.expect(re.search(r'^    {\n        "domid": \d+,\n.*?"name": "h1",\n', parts["long"], re.MULTILINE | re.DOTALL), "expected xl's form")
    result.expect('"vcpu": 0' in parts["vcpus"] and "<0>" in parts["vcpus"] and "<1>" in parts["vcpus"], "expected one pin, one refusal")
    sched = json.loads(parts["sched"].split("<0>\n")[1].split("xeno sched")[0])
    result.expect("'0': expected a weight from 1 to 65535\n<1>" in parts["sched"], "expected a weight that is one")
    result.expect((sched[0]["weight"], sched[0]["cap"]) == (512, 50), "expected the new share")
    result.expect(parts["rename"].count("<0>") == 4 and parts["rename"].count("<1>") == 2, "expected two refusals")
    result.expect({entry["name"] for entry in json.loads(parts["uptime"])} == {"Domain-0", "h1"}, "expected two uptimes")
    result.expect(re.search(r"^ +h1 [-rb]{6} ", parts["top"], re.MULTILINE), "expected h1 in xentop's columns")
    doctor = {entry["what"]: entry["ok"] for entry in json.loads(parts["doctor"])}
    for what in ("hypervisor", "privilege", "privcmd", "evtchn", "control", "xenoconsoled", "xeno-unpack"):
        result.expect(doctor[what], f"expected doctor to like {what}")
    result.expect(re.findall(r"<(\d)>", parts["prefix"]) == ["0", "1", "1"], "expected a prefix to do, an ambiguous one not")
    result.expect(any(e.get("ended") == "destroyed" and e["name"] == "h1" for e in json.loads(parts["ended"])), "expected how h1 ended")
    more_verbs(result, parts["more"])
    result.expect(re.search("no room left\n<1>\n<0>\n1\n<0>\n", parts["limits"]), f"expected one, three and four event channels to be that many: {parts['limits']}")
    result.expect(re.fullmatch(r"later is kept now\n<0>\n<0>\n<0>\nxeno create: packed: .*xeno-unpack is not installed.*\n<1>\n<0>\n+", parts["cache"]), f"expected an unpacked kernel to be kept, until the file changes: {parts['cache']}")
    result.expect(parts["wrong"].strip() == "45 verbs", f"expected one line each: {parts['wrong']}")
    half_built(result, parts["half"])
    # Each hypervisor's words are its own; both number domains so.
    result.expect(re.search(r"\bd0v0\b|VCPU0\b", parts["keys"]), "expected the hypervisor to tell its vCPUs")
    said = parts["xl"]
    result.expect(re.findall(r"^<(\d)>", said, re.MULTILINE) == ["1", "1", "0", "0", "0"], "expected xl's statuses")
    result.expect(said.startswith("xl destroy: nobody: no such domain") and '"name": "h1",\n' in said, "expected xl's name and form")


def each_is_json(result, said, count):
    """Each verb that reads, and each has something to tell but those of devices that h1 has not, and of a key that there is not."""
    found = dict(re.findall(r"^> (.*)\n((?:[^>].*\n|\n)*)", said, re.MULTILINE))
    read = {words: json.loads(text) for words, text in found.items()}
    result.expect(len(read) == count, f"expected {count} texts: {list(read)}")
    empty = {words for words, value in read.items() if not value}
    result.expect(empty == {"network-list --json h1", "device-model --json", "info --json nothing"}, f"expected others to tell something: {empty}")
    result.expect(all(key.startswith("nr_") for key in read["info --json nr_"]), "expected the lines that begin so")


def half_built(result, said):
    trouble = "left of a create of half that was killed: it goes with the next create or destroy"
    told = re.match(rf"xeno list: (half|\(domain-\d+\)): {trouble}\n(\[\n.*?\n\]\n)(.*)", said, re.DOTALL)
    result.expect(told and told[3].startswith("<0>\n2\nls: "), f"expected to be told what is half built, and that it goes: {said}")
    listed = [entry for entry in json.loads(told[2]) if "domid" in entry and "state" in entry]
    result.expect([entry.get("trouble") for entry in listed] == [None, trouble], f"expected it as JSON: {listed}")


def more_verbs(result, said):
    result.expect(re.search(r"^Ended +ID  Why\nh1 +\d+  destroyed\n<0>$", said, re.MULTILINE), "expected how h1 ended, as a table")
    result.expect(re.search(r"^Domain-0 .* 0{8}-0000-0000-0000-0{12} +- +- +Pool-0$", said, re.MULTILINE), "expected dom0's identity")
    result.expect(re.search(r"^0{8}-0000-0000-0000-0{12}  0    Domain-0 +$", said, re.MULTILINE), "expected vm-list's row")
    result.expect('{"domid": 0}\n<0>\n{"name": "Domain-0"}\n<0>\n' in said, "expected numbers and names as JSON")
    log = next(line for line in said.splitlines() if line.startswith('{"log"'))
    result.expect(len(json.loads(log)["log"].splitlines()) > 3, "expected the hypervisor's log")
    result.expect('"max_memkb": 32768,' in said and '"cmdline": "2 words"' in said, "expected a number, and words that begin with one")
    result.expect("xeno migrate: not supported" in said and said.rstrip().endswith("}\n<0>"), "expected a refusal, and a dry run")


CONSOLES = r"""
part follow; try xeno create -c short.cfg </dev/null; ends
part log; try xeno console --log short
part kill
xeno create h1.cfg cmdline=6 >/dev/null && xeno console h1 </dev/null >one & xeno create h1.cfg name=h2 cmdline=6 && xeno console h2 </dev/null >two &
until xeno domid h1 >/dev/null 2>&1; do :; done
for n in 1 2 3; do xeno console h1 </dev/null | grep -q "hello $n"; kill -9 $(pidof xenoconsoled); done
wait; ends
for f in one two /var/log/xeno/console/h1.log /var/log/xeno/console/h2.log; do md5sum <$f; done; cat one
part preserve; xeno create short.cfg 'on_poweroff="preserve"'; xeno console short </dev/null >/dev/null; xeno service; try xeno list short
xeno destroy short
part rename; xeno create short.cfg 'on_poweroff="rename-restart"' cmdline=1; xeno console short </dev/null >/dev/null; xeno service; xeno list; grep -h '^uuid' /run/xeno/domains/*
until only_dom0; do for d in $(xeno list | awk '$1 ~ /^short/ { print $2 }'); do xeno destroy $d 2>/dev/null; done; done
part reasons; for n in 1 2 3 4 5; do xeno create -q short.cfg name=e$n cmdline=1; until_ended e$n; xeno list --ended | grep "^e$n "; done
part restart; xeno create short.cfg 'on_poweroff="restart"'; xeno console short </dev/null >/dev/null; xeno service
xeno list short | grep -q ' [r-][b-]---- ' && echo again; until only_dom0; do xeno destroy short 2>/dev/null; done; echo alone
"""


def consoles_and_ends(where):
    result, parts = run(where, CONSOLES)
    said = "hello from hello\nhello 1\nhello 2\n"
    result.expect(parts["follow"].startswith(said + "<0>"), "expected the console to its end")
    result.expect(parts["log"].startswith(said + "<0>"), "expected the log of a domain that has gone")
    sums = parts["kill"].splitlines()[:4]
    result.expect(len(set(sums)) == 1, "expected viewers and logs to have the same bytes, whoever was killed")
    counted = "hello from hello\n" + "".join(f"hello {n}\n" for n in range(1, 7))
    result.expect(counted in parts["kill"], "expected each line once")
    result.expect(re.search(r"^short .* ---s-- ", parts["preserve"], re.MULTILINE), "expected the preserved domain in the list")
    result.expect(re.search(r"^short-1 ", parts["rename"], re.MULTILINE) and re.search(r"^short ", parts["rename"], re.MULTILINE),
                  "expected the old domain under a new name, and a new one")
    ids = re.findall(r"^uuid.*", parts["rename"], re.MULTILINE)
    result.expect(len(set(ids)) == len(ids) > 1, "expected each to have an identity of its own")
    result.expect(re.findall(r"^e(\d) +\d+  shut down$", parts["reasons"], re.MULTILINE) == list("12345"), "expected a reason as soon as one is gone")
    result.expect("again\nalone\n" in parts["restart"], "expected a restart, and nothing left")



# A printer that never ends has 64 KiB a tenth of a second of the daemon: it took as long as the bytes say, whoever else waited.
VIEWERS = r"""
part viewers
xeno create -p h1.cfg cmdline=4
for n in 1 2 3; do xeno console h1 </dev/null >view$n & viewers="$viewers $!"; done
printf '\035' | try xeno console h1; printf 'x' | try xeno console -e x h1
xeno unpause h1; for viewer in $viewers; do wait $viewer; echo "viewer: $?"; done
for n in 1 2 3; do md5sum <view$n; done; md5sum </var/log/xeno/console/h1.log
part printer
xeno create h1.cfg name=p kernel=busy cmdline=print memory=8; xeno create h1.cfg
daemon=$(pidof xenoconsoled); read -r begin idle </proc/uptime; was=$(cut -d' ' -f14,15 /proc/$daemon/stat)
xeno console p </dev/null | head -c 2000000 | tail -n 3
read -r end idle </proc/uptime; echo "from $begin to $end, ticks $was to $(cut -d' ' -f14,15 /proc/$daemon/stat)"
xeno console h1 </dev/null | grep -m 1 'hello 2'; ls /var/log/xeno/console | grep -c '^p.log'; cat /var/log/xeno/console/p.log* | wc -c
xeno destroy p h1
part wait; try xeno create h1.cfg name=dead kernel=dead --wait; until_ended dead; xeno list --ended | grep dead
part nobody; stop xenoconsoled; try xeno create short.cfg --wait; xeno destroy short; try xeno doctor | grep xenoconsoled; xenoconsoled
xeno create short.cfg 'on_poweroff="restart"'; first=$(xeno domid short); stop xenoconsoled; until_shut short; xenoconsoled
until test "$(xeno domid short 2>/dev/null || echo $first)" != $first; do sleep 0.1; done; echo restarted; until only_dom0; do xeno destroy short 2>/dev/null; done
part doctor; umount /proc/xen; try xeno doctor; $(xeno doctor --json | sed -n 's/.*"xenfs".*"fix": "\(.*\)"}.*/\1/p'); try xeno doctor
"""


def dead_kernel():
    """hello, whose first instruction is one that no CPU has: it ends without a word."""
    elf = bytearray(HELLO.read_bytes())
    entry, phoff = struct.unpack_from("<QQ", elf, 24)
    for i in range(struct.unpack_from("<H", elf, 56)[0]):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", elf, phoff + 56 * i)
        if kind == 1 and address <= entry < address + size:
            at = offset + entry - address
            elf[at:at + 2] = b"\x0f\x0b"
    return bytes(elf)


def viewers_printers_and_cores(where):
    with tempfile.TemporaryDirectory(prefix="dead-") as folder:
        dead = Path(folder) / "dead"
        dead.write_bytes(dead_kernel())
        result, parts = run(where, VIEWERS + CORE, "--add", f"{dead}:dead", "--add", f"{qemu.BUILD / 'guests' / 'busy'}:busy")
    said = parts["viewers"].split()
    result.expect(said[:2] == ["<0>", "<0>"] and said[2:8] == ["viewer:", "0"] * 3, "expected two that leave and three that see the end")
    result.expect(len(set(re.findall(r"^[0-9a-f]{32}", parts["viewers"], re.MULTILINE))) == 1, "expected the same bytes for all, and in the log")
    begin, end = (float(word) for word in re.search(r"from (\S+) to (\S+),", parts["printer"]).groups())
    result.expect(2000000 <= ((end - begin) * 10 + 2) * 65536, f"expected 2 MB to take their time: {end - begin:.2f} s")
    result.expect(re.search(r"^hello 2\n2\n", parts["printer"].replace("\r", ""), re.MULTILINE), "expected another's words, and a log with a rotated one")
    kept = int(parts["printer"].split()[-1])
    result.expect((1 << 20) <= kept <= 2 * (1 << 20) + 4096, f"expected logs of bounded size, found {kept} bytes")
    result.expect(re.search(r"dead crashed before it had said a word.*\n(  vcpu 0: exception 6 .*\n)?<1>", parts["wait"]), "expected --wait to say why not")
    result.expect(re.search(r"^dead +\d+  crashed$", parts["wait"], re.MULTILINE), "expected the list to say so as well")
    result.expect(re.search(r"xenoconsoled.*\n<1>", parts["nobody"]) and "BAD  xenoconsoled" in parts["nobody"], "expected what is missing to be told")
    result.expect("restarted" in parts["nobody"], "expected the next daemon to do what was left to do")
    result.expect(re.findall(r"<(\d)>", parts["doctor"]) == ["1", "0"], "expected doctor's remedy to be one")
    core_files(result, parts)


FAULTS = r"""
sed 's/16/8/' h1.cfg >small.cfg
xeno create small.cfg name=beside && xeno create small.cfg && xeno destroy h1
part faults
before=$(free_pages); n=1; refused=0
until grep -q 'has not struck' err 2>/dev/null; do
    if XENO_FAULT=$n xeno create small.cfg >out 2>err; then
        xeno destroy h1 || echo "$n: made and not to be destroyed"
    else
        refused=$((refused + 1))
        test "$(wc -l <err)" = 1 || { echo "$n: not one line:"; cat err; }
    fi
    set -- /run/xeno/domains/*; test $# = 1 || echo "$n: left a record"
    as_before $n
    n=$((n + step))
done
part result; echo "$n $refused"; try xeno list beside; xeno list | wc -l
cycles() { for i in $(seq 10); do xeno create small.cfg && xeno destroy h1 || echo "$i: failed"; done; }
part cycles; round cycles cycles
many()
{
    names=
    for i in $(seq 20); do xeno create small.cfg memory=4 name=m$i || echo "$i: failed"; names="$names m$i"; done
    xeno list | wc -l; xeno destroy $names
}
part many; round many many
two()
{
    echo again
    for i in 1 2 3 4; do (xeno create small.cfg >/dev/null 2>&1 && echo made) & done; wait
    for i in 1 2 3 4; do (xeno destroy h1 >/dev/null 2>&1 && echo gone) & done; wait
}
part two; round two two
"""


def nothing_is_left_behind(where, step=None):
    step = step or (3 if where else 1)  # undoing is the tool's matter: once through all of it on ours, each third point on the other
    result, parts = run(where, f"step={step}\n{FAULTS}", timeout=400)
    result.expect(parts["faults"].strip() == "", "expected nothing to be left by any fault")
    tried, refused = (int(word) for word in parts["result"].split()[:2])
    result.expect(tried > 30 and refused > 25 / step, f"expected many operations that can fail, found {tried}, refused {refused}")
    result.expect("<0>\n3\n" in parts["result"], "expected the domain beside to live on, and no other to be left")
    result.expect(parts["cycles"].strip() == "", "expected cycles without a loss")
    result.expect(set(parts["many"].split()) == {"23"}, "expected 20 domains, the one beside, Domain-0 and the header")
    turns = parts["two"].split("again\n")[1:]
    # A destroy that finds it gone meanwhile is content, so all four may be.
    result.expect(turns and all(turn.split().count("made") == 1 and turn.split()[0] == "made" and set(turn.split()[1:]) == {"gone"} for turn in turns),
                  "expected one of four to make it, and at least one of four to end it")


CORE = r"""
part dump; xeno create h1.cfg memory=8 --wait && try xeno dump-core h1 core; try xeno list h1
part core; gzip -c core | base64
part refused; try xeno dump-core Domain-0 core; try xeno dump-core h1 /nowhere/core; try xeno dump-core nobody core; test -e /nowhere || xeno destroy h1
"""
CONTEXT, RIP, CR3, PAGE = 5168, 648, 5008, 4096 # bytes of vcpu_guest_context, offsets in it


class Core:
    """Xen's core format: sections by name; a frame of the machine gives its page."""

    def __init__(self, data):
        shoff, = struct.unpack_from("<Q", data, 40)
        shnum, strings = struct.unpack_from("<HH", data, 60)
        headers = [struct.unpack_from("<IIQQQQ", data, shoff + 64 * i) for i in range(shnum)]
        names = data[headers[strings][4]:][:headers[strings][5]]
        self.section = {names[h[0]:names.index(b"\0", h[0])].decode(): data[h[4]:h[4] + h[5]] for h in headers[1:]}
        self.frames = list(struct.iter_unpack("<QQ", self.section[".xen_p2m"]))
        self.at = {mfn: i * PAGE for i, (_, mfn) in enumerate(self.frames)}

    def page(self, mfn):
        return self.section[".xen_pages"][self.at[mfn]:][:PAGE]

    def virtual(self, cr3, address):
        """The page at a virtual address, by the guest's own tables."""
        mfn = cr3 >> 12
        for shift in (39, 30, 21, 12):
            entry, = struct.unpack_from("<Q", self.page(mfn), (address >> shift & 511) * 8)
            if not entry & 1:
                return None
            mfn = entry >> 12 & (1 << 40) - 1
        return self.page(mfn)


def code_pages(elf):
    """(address, page) of each whole page of the program's code."""
    phoff, = struct.unpack_from("<Q", elf, 32)
    phnum, = struct.unpack_from("<H", elf, 56)
    for i in range(phnum):
        kind, flags, offset, address, _, size = struct.unpack_from("<IIQQQQ", elf, phoff + 56 * i)
        if kind == 1 and flags & 1:
            yield from ((address + o, elf[offset + o:offset + o + PAGE]) for o in range(-address % PAGE, size - PAGE, PAGE))


def readelf_reads(result, data):
    with tempfile.NamedTemporaryFile(prefix="core-") as core:
        core.write(data)
        core.flush()
        said = subprocess.run(["readelf", "-a", "-W", core.name], capture_output=True, text=True, check=False)
    result.expect(said.returncode == 0 and not said.stderr, f"expected readelf to have no complaint: {said.stderr}")
    for what in (r"Type: +CORE ", r" \.note\.Xen +NOTE ", r" \.xen_pages +PROGBITS "):
        result.expect(re.search(what, said.stdout), f"expected readelf to see {what!r}: {said.stdout}")


def core_files(result, parts):
    """A core holds the guest's code where its page tables, its vCPU and the list of frames say that it is."""
    result.expect(re.search(r"<0>\n(.*\n)h1 +\d+ +8 +1 +[r-][b-]---- ", parts["dump"]), "expected a core, and that the domain goes on")
    data = gzip.decompress(base64.b64decode(parts["core"]))
    readelf_reads(result, data)
    core = Core(data)
    context = core.section[".xen_prstatus"]
    result.expect(len(context) == CONTEXT and len(core.section[".xen_shared_info"]) == PAGE, "expected one vCPU and the shared page")
    result.expect(len({pfn for pfn, _ in core.frames}) >= 2048, f"expected 8 MiB of frames, each once: {len(core.frames)}")
    (cr3,), (rip,) = struct.unpack_from("<Q", context, CR3), struct.unpack_from("<Q", context, RIP)
    code = list(code_pages(HELLO.read_bytes()))
    same = sum(core.virtual(cr3, address) == page for address, page in code)
    # One page of it is the hypercall page, which the hypervisor has filled.
    result.expect(len(code) > 4 and same >= len(code) - 1, f"expected the kernel's code, found {same} of {len(code)} pages")
    result.expect(core.virtual(cr3, rip), f"expected code at rip {rip:#x}")
    result.expect(re.findall(r"<(\d)>", parts["refused"]) == ["1", "1", "1"], "expected three refusals")
