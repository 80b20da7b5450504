# SPDX-License-Identifier: MIT
#
# Debian's own kernels as guests that xeno makes in a Linux control domain, as cases that take the hypervisor ([] ours, ["--xen"]
# Debian's). The guest's initramfs is busybox and a shell that does what is typed at its console.
# Invariant: a case waits for what a guest says or for what the list shows; after it no domain is left.
import gzip
import lzma
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import debian_tools
import linux_cases
import bzimage # after linux_cases, which knows where it is
import qemu
from xeno_linux_cases import SHELL

# says NAME PATTERN: wait until the console has it; type_to NAME LINE: and leave by Ctrl-]; new NAME: until it has started.
# state NAME: the letters of the list, words apart; until_list NAME PATTERN: look until the row is like that, but not for ever.
# Its terminal does not echo: what stands in the log it has said.
GUEST = r"""
mkdir -p tree/bin tree/proc tree/sys tree/dev
cp /bin/busybox tree/bin/
for applet in sh stty mount cat echo nproc grep sleep uname reboot poweroff; do ln -s busybox tree/bin/$applet; done
cat >tree/init <<'INIT'
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
exec </dev/hvc0 >/dev/hvc0 2>&1; stty -echo
echo "guest $(uname -r) has $(nproc) CPUs, $(grep MemTotal /proc/meminfo)"
# Linux leaves it to udev to use a CPU that has come; one that is taken away goes by itself.
cpus() { until [ $(nproc) = $1 ]; do [ $(nproc) -gt $1 ] || for c in /sys/devices/system/cpu/cpu*/online; do echo 1 >$c; done 2>/dev/null; sleep 0.1; done; echo "now $(nproc) CPUs"; }
while :; do while read -r line; do eval "$line"; done; done
INIT
mkdir tree/sbin
for how in poweroff reboot; do printf '#!/bin/sh\necho asked-to-%s\nexec /bin/%s -f\n' $how $how >tree/sbin/$how; done
chmod +x tree/init tree/sbin/*
(cd tree && find . | cpio -o -H newc 2>/dev/null) >initrd
cat >g.cfg <<'CFG'
name = "g"
kernel = "kernel"
ramdisk = "initrd"
memory = 160
extra = "console=hvc0 sysrq_always_enabled=1 panic=0"
CFG
says() { xeno console $1 </dev/null | grep -q "$2"; }
type_to() { printf '%s\n\035' "$2" | xeno console $1 >/dev/null; }
new() { name=$1; shift; xeno create g.cfg "name=$name" "$@" --wait && says $name '^guest '; }
id() { xeno domid $1 2>/dev/null; }
lost() { echo "$*"; xeno list; exit 1; }
until_list() { for try in $(seq 300); do sleep 0.1; xeno list $1 2>/dev/null | grep -q "$2" && return; done; lost "$1 is not like $2"; }
until_gone() { for try in $(seq 300); do sleep 0.1; id $1 >/dev/null || return 0; done; lost "$1 is still there"; }
until_new() { for try in $(seq 600); do sleep 0.1; now=$(id $1) && test "$now" != "$2" && return; done; lost "$1 does not come again"; }
"""


def run(where, script, *more, kind="-cloud", memory=1024, timeout=None):
    """The parts of what the script said, by their names."""
    kernel, _ = linux_cases.images(kind)
    with tempfile.TemporaryDirectory(prefix="stock-") as folder:
        path = Path(folder) / "script"
        path.write_text(SHELL + GUEST + script, encoding="utf-8")
        result = linux_cases.linux(where, "sh script", "--add", f"{kernel}:kernel", "--add", f"{path}:script", "--memory", str(memory),
                                   "--dom0-memory", "448", *more, timeout=timeout or qemu.HANG)
    result.expect_status(0)
    found = re.split(r"^=== (\w+)\n", result.output, flags=re.MULTILINE)
    return result, dict(zip(found[1::2], found[2::2]))


LIFE = r"""
part create; new g maxvcpus=2 maxmem=192 'on_crash="coredump-restart"'; first=$(id g); xeno console --log g | grep '^guest '
part typed; for n in $(seq 101 120); do type_to g "echo typed $n"; done; says g '^typed 120'; xeno console --log g | grep -c '^typed 1'
part nmi; xeno trigger g nmi; says g 'NMI received for unknown reason 00 on CPU 0'
part vcpus; xeno vcpu-set g 2; type_to g 'cpus 2'; says g '^now 2 CPUs'; xeno vcpu-set g 1; type_to g 'cpus 1'; says g '^now 1 CPUs'
part memory; xeno mem-set g 128; until_list g ' 128 '; xeno mem-set g 160; until_list g ' 160 '
part crash; xeno sysrq g c; until_new g $first; says g '^guest '; echo $first $(id g); ls -s /var/lib/xen/dump
part shutdown; xeno shutdown -w g; until_gone g; xeno list --json
"""


def lives(where):
    """The operator's day with one stock guest: CPUs, memory, a crash with its core and a restart under a new number, and the end."""
    result, parts = run(where, LIFE)
    result.expect(re.search(r"^guest 6\.\S+ has 1 CPUs, MemTotal: +1\d{5} kB", parts["create"], re.MULTILINE), "expected it to run")
    result.expect(parts["typed"].strip() == "20", "expected each of twenty lines, though who typed them left at once")
    for what in ("nmi", "vcpus", "memory"):
        result.expect(parts[what].strip() == "", f"expected {what} to be what was asked for")
    ids = re.search(r"^(\d+) (\d+)$", parts["crash"], re.MULTILINE)
    result.expect(ids and int(ids[2]) > int(ids[1]), "expected a new number above the old one")
    result.expect(re.search(r"^ *\d+ g$", parts["crash"], re.MULTILINE), "expected a core file")
    result.expect(re.search(r'"name": "g", "domid": \d+, "ended": "shut down"', parts["shutdown"]), "expected how it ended")


CYCLES = r"""
printf 'name = "h"\nkernel = "hello"\nmemory = 8\ncmdline = "1000"\n' >h.cfg
part start; new g && type_to g 'n=0; while [ $n -lt 1000000 ]; do n=$((n + 1)); echo beat $n; sleep 0.1; done' && says g '^beat 3'
part cycles
one() { xeno create -q h.cfg --wait && xeno destroy h; }
one; one; before=$(free_pages); for i in $(seq COUNT); do one || echo "$i: failed"; done
as_before cycles; ls /run/xeno/domains | wc -l
part alive; says g "^beat $(($(xeno console --log g | sed -n 's/^beat \([0-9]*\).*/\1/p' | tail -n 1) + 20))" && echo beats; xeno destroy g
xeno console --log g | tr -d '\r' | awk '/^beat/ { if ($2 != ++n) print "beat", n, "is", $0 } END { print (n > 20) ? "each" : "few" }'
"""


def cycles_beside(where, count):
    """Domains come and go beside a stock guest that never stops: no frame is lost, and it misses no beat."""
    result, parts = run(where, CYCLES.replace("COUNT", str(count)), "--add", f"{qemu.BUILD / 'guests' / 'hello'}:hello")
    result.expect(parts["cycles"].strip() == "1", "expected every domain to come and go, frames as before, and one record")
    result.expect(parts["alive"].split() == ["beats", "each"], "expected the guest beside to have gone on")


# The guest ends by itself, or is asked to start again; then the domains that there are, their states, and whether there is a core.
ACTIONS = r"""
endings="poweroff reboot crash"
for action in destroy restart preserve rename-restart coredump-destroy coredump-restart; do
    for ending in $endings; do
        part "${ending}_$(echo $action | tr - _)"
        new g "on_$ending=\"$action\""; first=$(id g)
        case $ending in reboot) xeno reboot g ;; crash) type_to g 'echo c >/proc/sysrq-trigger' ;; *) type_to g "$ending -f" ;; esac
        case $action in *restart) until_new g $first; says g '^guest ' ;; preserve) until_list g ' ---s' ;; *) until_gone g ;; esac
        xeno list | tail -n +3; ls /var/lib/xen/dump 2>/dev/null; rm -f /var/lib/xen/dump/*
        for d in $(xeno list | awk 'NR > 2 { print $2 }'); do xeno destroy $d; done
    done
done
"""


def actions(where):
    result, parts = run(where, ACTIONS)
    for ending in ("poweroff", "reboot", "crash"):
        for action in ("destroy", "restart", "preserve", "rename-restart", "coredump-destroy", "coredump-restart"):
            said = parts[f"{ending}_{action}".replace("-", "_")]
            rows = re.findall(r"^(\S+) +(\d+) +\d+ +\d+ +(\S{6}) ", said, re.MULTILINE)
            states = {name: state for name, _, state in rows}
            living = [name for name, state in states.items() if "s" not in state]
            result.expect((living == ["g"]) == action.endswith("restart"), f"{ending}, {action}: expected it again or not: {said}")
            result.expect(("g-1" in states) == (action == "rename-restart"), f"{ending}, {action}: expected the old one's name: {said}")
            result.expect(len(rows) == (action == "preserve") + action.endswith("restart") + (action == "rename-restart"), f"{ending}, {action}: {said}")
            crashed = any(state[4] == "c" for state in states.values())
            result.expect(crashed == (ending == "crash" and action in ("preserve", "rename-restart")), f"{ending}, {action}: {said}")
            result.expect(bool(re.search("^g$", said, re.MULTILINE)) == action.startswith("coredump"), f"{ending}, {action}: a core: {said}")


SIZES = r"""
for size in 64 96 128 2048; do part "mib_$size"; try new g memory=$size; xeno console --log g | grep '^guest '; xeno list g; xeno destroy g; done
for n in 1 2 3 4 8; do part "cpus_$n"; new g vcpus=$n; xeno console --log g | grep '^guest '; xeno shutdown -w g; until_gone g; done
"""


def sizes(where, kind):
    """From the least memory that the kernel says it needs to 2 GiB, 1 to 8 vCPUs on two CPUs."""
    result, parts = run(where, SIZES, "--cpus", "2", kind=kind, memory=3200)
    for what, said in parts.items():
        size, n = what.split("_")
        if size == "cpus":
            result.expect(f" has {n} CPUs" in said, f"{what}: {said}")
        elif int(n) < 128:
            # The whole kernel has to be in memory before it can give back what it needs no more.
            result.expect("<0>" in said or re.search(r"needs at least \d+ MiB, memory is", said) or "had said a word" in said, f"{what}: {said}")
        else:
            result.expect("guest " in said and "<0>" in said, f"{what}: {said}")
    print(parts)


def by_program(*words):
    def pack(data):
        if not shutil.which(words[0]):
            raise qemu.Skip(f"{words[0]} is not installed")
        return subprocess.run(words, input=data, capture_output=True, check=True, timeout=600).stdout
    return pack


X86 = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 32 << 20}]
# As a kernel's build packs, with less zeal: its dictionaries and windows, its checksums and the filter for x86 code.
PACKERS = {"gzip": lambda data: gzip.compress(data, 6), "xz": lambda data: lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=X86),
           "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=1), "zstd": by_program("zstd", "-8", "--long=27", "-qc"),
           "lz4": by_program("lz4", "-l", "-qc")}


def repack(image, pack):
    """The bzImage with its kernel packed in another way: what lies around it stays, its header says the new length."""
    payload, kernel = bzimage.payload(image), bzimage.unpack(image)
    # Every payload but gzip's, which ends with it anyway, has the kernel's size behind it.
    packed = pack(kernel) + (b"" if pack is PACKERS["gzip"] else struct.pack("<I", len(kernel)))
    start = image.index(payload)
    again = bytearray(image[:start] + packed + image[start + len(payload):])
    struct.pack_into("<I", again, 0x24c, len(packed))
    if bzimage.unpack(bytes(again)) != kernel:
        raise qemu.Failure("what was packed is not what comes out")
    return bytes(again)


PAYLOADS = r"""
for kind in KINDS; do part $kind; new $kind kernel=$kind && xeno console --log $kind | grep '^guest '; xeno destroy $kind; done
"""
# The same files by Debian's xl and its daemons.
PAYLOADS_XL = r"""
for kind in KINDS; do
    part $kind; sed "s/\"g\"/\"$kind\"/; s/\"kernel\"/\"$kind\"/; s/hvc0/hvc0 quiet/" g.cfg >$kind.cfg
    xl create -q $kind.cfg || continue
    xl console $kind </dev/null >$kind.said & for try in $(seq 600); do sleep 0.5; grep '^guest ' $kind.said && break; done; xl destroy $kind; wait $!
done
"""


def payloads(where, kind, tool="xeno"):
    """A stock kernel as its package has it, and packed in each way that is known: until its init says how many CPUs it has."""
    linux_cases.images(kind)
    image = (qemu.BUILD / "dom0" / f"vmlinuz{kind}").read_bytes()
    with tempfile.TemporaryDirectory(prefix="payloads-") as folder:
        paths = {"package": qemu.BUILD / "dom0" / f"vmlinuz{kind}"}
        for name, pack in PACKERS.items():
            paths[name] = Path(folder) / name
            paths[name].write_bytes(repack(image, pack))
        sizes = {name: path.stat().st_size for name, path in paths.items()}
        more = [word for name, path in paths.items() for word in ("--add", f"{path}:{name}")]
        script = PAYLOADS
        if tool == "xl":
            debian_tools.archive(f"{folder}/debian.cpio")
            more += ["--add", f"{folder}/debian.cpio", "--dom0-args", "daemons=none"]
            script = debian_tools.START + PAYLOADS_XL
        _, parts = run(where, script.replace("KINDS", " ".join(paths)), *more, "--dom0-memory", "1200", kind=kind, memory=1800)
    print(f"{tool}, {where}, {kind}: {sizes}", parts)
    return {name: bool(re.search(r"^guest 6\.\S+ has 1 CPUs, MemTotal: ", parts.get(name, ""), re.MULTILINE)) for name in paths}


# sections FILE: of each section of an ELF file type, size, entry size, and what is in it, as one number; part NAME, tool by tool.
CORES = r"""
(cd / && cpio -idm <$OLDPWD/debian.cpio) 2>/dev/null; export PATH=$PATH:/PLACE
sections()
{
    od -An -v -tu8 -w64 -j $(od -An -tu8 -j40 -N8 $1) -N 448 $1 | awk '$5 { print int($1 / 4294967296), $4, $5, $8 }' |
    while read -r type at size entry; do test $type = 3 || echo "$type $size $entry $(tail -c +$((at + 1)) $1 | head -c $size | md5sum)"; done | sort
}
new g memory=128; xeno pause g
part xl; try xl dump-core g xl.core; sections xl.core
part xeno; try xeno dump-core g xeno.core; sections xeno.core
"""


def core_like_xls():
    """
    xl's core of a guest that is paused, and ours, on Debian's Xen: the same sections, to the byte, but for their names' order. xl finds the
    frames by the list that a Linux publishes; libpvk publishes none.
    """
    with tempfile.TemporaryDirectory(prefix="cores-") as folder:
        debian_tools.archive(f"{folder}/debian.cpio")
        result, parts = run(["--xen"], CORES.replace("PLACE", debian_tools.PLACE), "--add", f"{folder}/debian.cpio", "--dom0-memory", "1000", memory=1600)
    theirs, ours = (re.findall(r"^\d+ \d+ \d+ [0-9a-f]{32}\b.*$", parts[tool], re.MULTILINE) for tool in ("xl", "xeno"))
    result.expect(len(ours) == 5 and theirs == ours, f"expected the same notes, vCPU, shared page, frames and contents: {theirs}, {ours}")


VERBS = r"""
sed 's/160/176/' g.cfg >next.cfg
part trigger; new g maxvcpus=2; try xeno trigger g nmi; says g 'NMI received'; try xeno trigger g nmi 1; try xeno trigger g nmi 7; for what in power sleep reset init; do try xeno trigger g $what; done
part sysrq; try xeno sysrq g h; says g 'sysrq: HELP'; try xeno sysrq g hh
part vcpus; try xeno vcpu-set g 2; type_to g 'cpus 2'; says g '^now 2 CPUs'; try xeno vcpu-set g 3; xeno vcpu-list --json g
part most; try xeno mem-max g 200; xeno list --json | grep '"g"'; try xeno mem-set g 180; try xeno mem-max g none
part share; try xeno sched-credit2 -d g -w 512 -c 50; xeno sched-credit2 --json -d g; try xeno sched-credit2 -d g -w 0
part stat; try xeno stat --json g
part versions; xeno version; xeno version --json
part keys; xeno dmesg -c >old; try xeno debug-keys q; xeno dmesg | grep -c .; try xeno debug-keys
part uptime; xeno uptime g; xeno uptime --json g
part dump; try xeno dump-core g core; head -c 4 core | tail -c 3; wc -c <core; rm core; try xeno dump-core g /nowhere/core
part update; first=$(id g); try xeno config-update g next.cfg; try xeno config-update g nothing.cfg; xeno reboot g; until_new g $first; says g '^guest '; xeno list g | tail -n 1
xeno destroy g
"""


def verbs(where):
    """What the tour of the verbs has with a small guest and Linux obeys: signals, keys, vCPUs, memory, shares, a core, its next configuration."""
    result, parts = run(where, VERBS, "--dom0-memory", "640", memory=1200)
    statuses = {what: "".join(re.findall(r"^<(\d)>$", said, re.MULTILINE)) for what, said in parts.items()}
    wanted = {"trigger": "0011111", "sysrq": "02", "vcpus": "01", "most": "011", "share": "01", "keys": "02", "dump": "01", "update": "01"}
    for what, said in wanted.items():
        result.expect(statuses[what] == said, f"{what}: expected statuses {said}: {parts[what]}")
    result.expect(re.findall("invalid|cannot do that", parts["trigger"]) == ["invalid"] * 2 + ["cannot do that"] * 2, f"expected Xen's errors: {parts['trigger']}")
    result.expect('"vcpu": 1' in parts["vcpus"], "expected two vCPUs")
    result.expect('"max_memory_kib": 204800' in parts["most"], f"expected 200 MiB at most: {parts['most']}")
    result.expect('"weight": 512' in parts["share"] and '"cap": 50' in parts["share"], f"expected the new share: {parts['share']}")
    if where:
        result.expect(statuses["stat"] == "1" and len(parts["stat"].strip().split("\n")) == 2, f"expected one line: {parts['stat']}")
    else:
        result.expect(statuses["stat"] == "0" and '"kind": "hypercall"' in parts["stat"], f"expected counters: {parts['stat']}")
    result.expect("4.17" in parts["versions"].split("{")[0] and '"hypervisor"' in parts["versions"], f"expected versions: {parts['versions']}")
    result.expect(int(parts["keys"].split("\n")[1]) > 2, f"expected the key's output: {parts['keys']}")
    result.expect(re.search(r"^g +\d+ +0:0\d:\d\d", parts["uptime"], re.MULTILINE), f"expected minutes at most: {parts['uptime']}")
    result.expect(re.search(r"^ELF(\d+)$", parts["dump"], re.MULTILINE), f"expected a core: {parts['dump']}")
    result.expect(re.search(r"^g +\d+ +176 ", parts["update"], re.MULTILINE), f"expected the next configuration: {parts['update']}")
    print("\n".join(f"{what}: {said}" for what, said in parts.items()))
