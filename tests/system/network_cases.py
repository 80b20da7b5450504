# SPDX-License-Identifier: MIT
#
# Network interfaces of stock Linux guests (netfront) that xeno makes, through a bridge of the control domain (netback), as cases that
# take the hypervisor ([] ours, ["--xen"] Debian's): bytes that arrive as they were sent, what is attached and detached while a guest
# runs, what is refused, and that nothing is left of an interface, whatever ends it.
# Invariant: a case waits for what a guest or a tool says; where something has to be tried until it does, it is not for ever.
import json
import re

import debian_tools
import qemu
import stock_guest_cases

# In the control domain a bridge; in the guests the driver, as a module of the kernel that both run.
# peer NAME N: a guest with the address 10.9.0.N; receive NAME: it listens and tells the sum of what has come.
BRIDGE = r"""
cp $(find /usr/lib/modules -name xen-netfront.ko) tree/
for applet in insmod ip ping nc md5sum dd; do ln -s busybox tree/bin/$applet; done
sed -i 's/^echo "guest/insmod xen-netfront.ko; &/' tree/init
(cd tree && find . | cpio -o -H newc 2>/dev/null) >initrd
cat >h.cfg <<'CFG'
name = "h"
kernel = "hello"
memory = 8
cmdline = "1000"
CFG
# nc ends when its input does: this one has none and does not end.
mkfifo nothing; exec 9<>nothing
links() { ls /sys/class/net | tr '\n' ' '; }
# An interface that a driver was about to make when it was to go takes a moment more.
as_linked() { for try in $(seq 300); do test "$(links)" = "$was" && return; sleep 0.1; done; echo "$1: interfaces: $(links)"; }
tries() { for try in $(seq 300); do "$@" 2>/dev/null && return; sleep 0.1; done; echo "in vain: $*"; }
peer() { type_to $1 "until ip addr add 10.9.0.$2/24 dev eth0; do sleep 0.1; done 2>/dev/null; ip link set eth0 up; echo peer-$2"; says $1 "^peer-$2"; }
receive() { type_to $1 "nc -l -p 7 | md5sum; echo received-$2"; }
# Once it has come: the sum that the guest tells.
sum_of() { says $1 "^received-$2"; xeno console --log $1 | tr -d '\r' | grep -B 1 "^received-$2" | head -n 1 | cut -c 1-32; }
"""
BRIDGE_UP = "ip link add xenbr0 type bridge; ip addr add 10.9.0.1/24 dev xenbr0; ip link set xenbr0 up; was=$(links)\n"
# A script of the operator's, as xl calls it; kill is one at which the tool dies.
SCRIPTS = r"""
mkdir -p /etc/xen/scripts
cat >/etc/xen/scripts/vif-mine <<'END'
#!/bin/sh
echo "$(basename $script) $* $XENBUS_TYPE $XENBUS_PATH $XENBUS_BASE_PATH $vif" >>/root/said
xeno list 2>>/root/said >/dev/null # the tool that waits for this script lives: nobody is to say that it was killed
/root/ld-linux-x86-64.so.2 --library-path /root /root/xenstore write "$XENBUS_PATH/hotplug-status" connected
END
sed 's/hotplug-status/nothing/' /etc/xen/scripts/vif-mine >/etc/xen/scripts/vif-forgets
printf '#!/bin/sh\necho one; echo no such luck >&2; exit 3\n' >/etc/xen/scripts/vif-fails
printf '#!/bin/sh\ntest $1 = offline || kill -9 $PPID\n' >/etc/xen/scripts/vif-kills
chmod +x /etc/xen/scripts/*
part scripts; try xeno create h.cfg 'vif=["script=vif-mine"]'; xeno destroy h; cat said
for how in fails forgets none; do try xeno create h.cfg "vif=[\"script=vif-$how\"]"; done; only_dom0 && echo alone; cat said | wc -l
HANGS
# Who comes next undoes what the tool had begun, at the latest destroy.
part killed; xeno create h.cfg 'vif=["script=vif-kills"]'; xeno list h | tail -n 1; xeno destroy h 2>/dev/null; links; echo; echo "$was"; ls /run/xeno/domains | wc -l
part faults; sed -i 's/^memory.*/memory = 4/' h.cfg; before=$(free_pages); n=1; refused=0
until grep -q 'has not struck' err 2>/dev/null; do
    if XENO_FAULT=$n xeno create h.cfg 'vif=["vifname=f,mtu=1400"]' >out 2>err; then xeno destroy h; else refused=$((refused + 1)); fi
    test "$(grep -vc 'has not struck' err)" -le 1 || { echo "$n: not one line:"; cat err; }
    as_linked $n
    as_before $n
    n=$((n + STEP))
done
part result; echo "$n $refused"; xeno doctor | grep -E '^[a-zA-Z]* *(store|network) '
"""
# One that never ends is killed after forty seconds.
HANGS = r"""printf '#!/bin/sh\ntest $1 = offline || sleep 1000\n' >/etc/xen/scripts/vif-hangs; chmod +x /etc/xen/scripts/vif-hangs
part hangs; try xeno create h.cfg 'vif=["script=vif-hangs"]'; only_dom0 && echo alone; pidof sleep || echo killed"""
REBOOT = r"""
part reboot; first=$(id b); mac=$(xeno network-list b | awk 'NR == 2 { print $3 }'); xeno reboot b; until_new b $first; says b '^guest '
xeno network-list b | awk 'NR == 2 { print $3 }'; echo $mac
"""
TRAFFIC = r"""
part refused; try xeno create h.cfg 'vif=["bridge=none"]'; try xeno create h.cfg 'vif=["brigde=x"]'; ls /run/xeno/domains | wc -l
BRIDGE_UP
part create; new a 'vif=["mac=00:16:3e:00:00:01"]' && new b 'vif=["vifname=fred,rate=800Mb/s"]' vcpus=2; peer a 2; peer b 3
xeno network-list --json a b
part table; xeno network-list a
part ping; type_to a 'ping -c 2 10.9.0.1 && ping -c 2 10.9.0.3; echo pinged $?'; says a '^pinged'; xeno console --log a | grep -E '^[0-9] packets|^pinged'
part sums; dd if=/dev/urandom of=data bs=64k count=16 2>/dev/null; md5sum <data
receive a 1; tries nc 10.9.0.2 7 <data; sum_of a 1
nc -l -p 7 <&9 >got & type_to a 'dd if=/dev/urandom of=/data bs=64k count=16 2>/dev/null; until nc 10.9.0.1 7 </data; do sleep 0.1; done; md5sum /data; echo sent-1'
wait; says a '^sent-1'; xeno console --log a | grep -o '^[0-9a-f]* .*/data'; md5sum <got
receive b 2; type_to a 'until nc 10.9.0.3 7 </data; do sleep 0.1; done'; sum_of b 2
part top; xeno top -b -i 1 | awk '$1 == "a" || $1 == "b" { print $1, $10, ($11 > 1024), ($12 > 1024) }'
part detach; xeno network-detach a 0; xeno network-list --json a; links; try xeno network-detach a 0
part attach; xeno network-attach a mac=00:16:3e:00:00:09 vifname=again mtu=1400; cat /sys/class/net/again/mtu; peer a 4; links
type_to a 'ping -c 2 10.9.0.1; echo again $?'; says a '^again 0' && echo reached; xeno network-detach a 00:16:3E:00:00:09; links
part busy; peer b 5; type_to b 'while :; do nc 10.9.0.1 7 </dev/zero; done'
nc -l -p 7 <&9 | head -c 100000 | wc -c; xeno destroy b; links; xeno destroy a; echo "$was"; links
"""


def run(where, script):
    files = {debian_tools.CLIENT, *debian_tools.libraries(debian_tools.CLIENT)} if debian_tools.CLIENT.exists() else None
    if not files:
        raise qemu.Skip("Debian's package xenstore-utils is not installed")
    more = [word for path in sorted(files) for word in ("--add", path)]
    return stock_guest_cases.run(where, BRIDGE + script, "--add", f"{qemu.BUILD / 'guests' / 'hello'}:hello", *more, kind="", timeout=max(500, qemu.HANG))


def sums(text):
    return re.findall(r"^[0-9a-f]{32}", text, re.MULTILINE)


def traffic(where, restart="", more=""):
    """Two stock guests; the parts of what was said, also of further scripts while they run and afterwards."""
    busy = TRAFFIC.index("part busy")
    result, parts = run(where, TRAFFIC[:busy].replace("BRIDGE_UP", BRIDGE_UP) + restart + TRAFFIC[busy:] + more)
    result.expect(re.search(r"^xeno create: h: vif 0: there is no bridge none: make it .*\n<1>$", parts["refused"], re.MULTILINE), "expected no bridge")
    result.expect(re.search(r"vif: it has no field like 'brigde=x'.*\n<1>\n0$", parts["refused"], re.MULTILINE), "expected the field to be named")
    listed = json.loads(parts["create"])
    result.expect([(e["devid"], e["connected"], e["bridge"]) for e in listed] == [(0, True, "xenbr0")] * 2, "expected both to be connected")
    result.expect(listed[0]["mac"] == "00:16:3e:00:00:01" and re.fullmatch(r"00:16:3e(:[0-9a-f]{2}){3}", listed[1]["mac"]), "expected addresses")
    result.expect(listed[1]["interface"] == "fred" and re.fullmatch(r"vif\d+\.0", listed[0]["interface"]), "expected names")
    result.expect(re.search(r"^0   0  00:16:3e:00:00:01 +0 +4 +\d+ +\d+/\d+ +/local/domain/0/backend/vif/\d+/0 *$", parts["table"], re.MULTILINE),
                  "expected xl's columns")
    result.expect(parts["ping"].count("2 packets transmitted, 2 packets received") == 2 and "pinged 0" in parts["ping"], "expected all to answer")
    said = sums(parts["sums"])
    result.expect(len(said) == 5 and said[0] == said[1] and said[2] == said[3] == said[4], f"expected the bytes that were sent: {said}")
    result.expect(parts["top"].split("\n")[:2] == ["a 1 1 1", "b 1 0 1"], "expected top to count what went through")
    result.expect(parts["detach"].startswith("[\n\n]\n") and "a has no interface 0" in parts["detach"], "expected it to have gone")
    result.expect(re.search(r"^\[\n\n\]\nfred lo (\w+ )?xenbr0 ", parts["detach"], re.MULTILINE), "expected its interface to have gone")
    result.expect(parts["attach"].startswith("1400\n") and "reached" in parts["attach"] and "again" not in parts["attach"].splitlines()[-1], "expected one to come and go")
    lines = parts["busy"].split("\n")
    result.expect(lines[0] == "100000", "expected what came until the guest was destroyed")
    result.expect(not re.search("fred|vif|again", parts["busy"]), "expected no interface to be left")
    return result, parts


def with_scripts(where, step, restart="", hangs=""):
    """And hotplug scripts, and each step-th operation of making an interface that fails."""
    result, parts = traffic(where, restart, SCRIPTS.replace("STEP", str(step)).replace("HANGS", hangs))
    scripts(result, parts, step)
    return result, parts


def with_a_restart(where, step):
    result, parts = with_scripts(where, step, REBOOT, HANGS)
    result.expect(re.search(r"h: vif 0: script /etc/xen/scripts/vif-hangs online: [^\n]*40 s[^\n]*\n<1>\nalone\nkilled\n", parts["hangs"]),
                  f"expected a script that hangs to be killed: {parts['hangs']}")
    result.expect(len(set(re.findall(r"^00:16:3e\S+$", parts["reboot"], re.MULTILINE))) == 1, "expected the address to stay over a restart")


# 512 KiB from the guest, as bytes that came and hundredths of a second that it took.
RATE = r"""
up() { cut -d' ' -f1 /proc/uptime | tr -d .; }
part rate; new a 'vif=["rate=1Mb/s"]'; peer a 2
nc -l -p 7 <&9 >got & type_to a 'dd if=/dev/urandom of=/data bs=64k count=8 2>/dev/null; echo made; until nc 10.9.0.1 7 </data; do :; done; echo sent'
says a '^made'; from=$(up); wait; echo "$(wc -c <got) $(($(up) - from))"; xeno destroy a
"""


def rate(where):
    """At 125,000 bytes a second 512 KiB take 4.2 s, or 3.1 with the 128 KiB that netback may let through at once; without, half a second."""
    result, parts = run(where, BRIDGE_UP + RATE)
    sent, hundredths = (int(word) for word in parts["rate"].split())
    result.expect(sent == 512 << 10 and hundredths >= 300, f"expected {sent} bytes to take their time: {hundredths} hundredths of a second")


def scripts(result, parts, step):
    said = parts["scripts"]
    lines = re.findall(r"^(vif-mine \w+ type_if=vif vif backend/vif/\d+/0 backend vif\d+\.0)$", said, re.MULTILINE)
    result.expect("xeno list" not in said, f"expected nothing to be told of a domain that is being built: {said}")
    result.expect(said.startswith("<0>\n") and [line.split()[1] for line in lines] == ["online", "offline"], "expected the script to be called twice")
    result.expect(re.search(r"h: vif 0: script /etc/xen/scripts/vif-fails online: it failed: no such luck\n<1>", said), "expected its last line")
    result.expect(re.search(r"h: vif 0: script vif-forgets: it has not written hotplug-status=connected\n<1>", said), "expected what is missing")
    result.expect(re.search(r"h: vif 0: script /etc/xen/scripts/vif-none online: it failed: No such file or directory\n<1>\nalone\n", said), "expected one that is not there to be told")
    lines = parts["killed"].strip().split("\n")
    result.expect(re.match(r"h +\d+ .*--p---", lines[-4]) and lines[-3] == lines[-2] and lines[-1] == "0", "expected a killed tool's domain to go whole")
    # A back end whose folder has gone before the kernel has looked into it is told on the kernel's console, which is this one.
    said = re.sub(r"^\[ *\d+\.\d+\] vif vif-\d+-0: 2 .*\n", "", parts["faults"], flags=re.MULTILINE)
    result.expect(said.strip() == "", "expected nothing to be left by any fault")
    tried, refused = (int(word) for word in parts["result"].split()[:2])
    result.expect(tried > 60 and refused > 30 / step and re.search("^ok +store", parts["result"], re.MULTILINE), "expected many operations that can fail")
    result.expect(re.search("^ok +network +xen-netback is there; bridges: xenbr0$", parts["result"], re.MULTILINE), "expected doctor to see the bridge")
