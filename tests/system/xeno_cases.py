# SPDX-License-Identifier: MIT
#
# What the operator sees of xeno in the bare control domain, as cases that take the hypervisor ([] ours, ["--xen"] Debian's).
# Invariant: a case passes on both; where frames are counted, what was free before is free afterwards.
import json
import re
import tempfile
from pathlib import Path

import qemu

GUESTS = qemu.BUILD / "guests"
HELLO = GUESTS / "hello"
CFG = 'name = "h1"\nkernel = "hello"\nmemory = 16\ncmdline = "1000"\n'


class Files:
    """Files for --add, in a folder that goes with the block."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="xeno-")
        self.words = ["--add", f"{HELLO}:hello"]
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def add(self, name, content):
        path = Path(self.folder.name) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.words += ["--add", f"{path}:{name}"]


def xeno(where, files, command, *more):
    return qemu.run("--bare", *where, *files.words, *more, "-c", command)


def create_list_console_destroy(where):
    with Files() as files:
        files.add("h1.cfg", CFG)
        result = xeno(where, files, "create h1.cfg && list && domid h1 && domname 1 && pause h1 && list h1 && unpause h1 && destroy h1; "
                      "create h1.cfg maxvcpus=1 -q && domid h1 && destroy h1; list")
    result.expect_status(0)
    lines = result.output.splitlines()
    result.expect([line for line in lines if line.isdigit()] == ["1", "2"], "expected the next number for the next domain")
    result.expect(lines[0] == "Name                                        ID   Mem VCPUs\tState\tTime(s)", "expected xl's header")
    for line in lines:
        if re.match(r"^(h1|Domain-0) ", line):
            result.expect(len(line.split()) == 6, "expected six fields in every row")
    result.expect_output(r"^h1 +1 +16 +1 +[r-][b-]---- +\d+\.\d$").expect_output(r"^h1 +1 +16 +1 +-[b-]p--- ")
    result.expect(lines[-1].startswith("Domain-0"), "expected h1 to be gone from the last list")


def a_guest_is_asked_to_end(where):
    with Files() as files:
        files.add("h1.cfg", CFG + 'on_poweroff = "preserve"\non_reboot = "restart"\n')
        # In two seconds, by instructions, it has come to where it watches for what it is asked.
        result = xeno(where, files, "create h1.cfg && sleep 2; reboot h1; sleep 2; shutdown -w h1; list h1; destroy h1; shutdown h1; list", "--icount")
    result.expect_status(0)
    result.expect_output(r"^h1 +\d+ +16 +1 +---s-- ").expect_output(r"^xeno shutdown: h1 is not running ")
    result.expect(result.output.splitlines()[-1].startswith("Domain-0"), "expected h1 to be gone from the last list")


def console_from_the_first_byte_to_the_end(where):
    with Files() as files:
        files.add("h.cfg", CFG.replace("1000", "2"))
        result = xeno(where, files, "create h.cfg && console h1; console --log h1; list --json")
    result.expect_status(0)
    said = "hello from hello\nhello 1\nhello 2\n"
    result.expect(result.output.startswith(said + said), "expected the whole console twice")
    listed = json.loads(result.output[len(said + said):])
    result.expect({"name": "h1", "domid": 1, "ended": "shut down"} in listed, "expected the reason why h1 ended")


# Each line: what is wrong, the command, what the one line must tell. Files: see bad_input().
BAD = [
    ("no such configuration", "create nothing.cfg", r"nothing\.cfg: not found"),
    ("no such kernel", "create ok.cfg kernel=nothing", r"kernel nothing: not found"),
    ("not ELF", "create ok.cfg kernel=text", r"not an ELF file"),
    ("empty", "create ok.cfg kernel=empty", r"not an ELF file"),
    ("truncated", "create ok.cfg kernel=cut", r"ends before its"),
    ("32-bit", "create ok.cfg kernel=elf32", r"32-bit"),
    ("other machine", "create ok.cfg kernel=arm", r"another machine"),
    ("no PV notes", "create ok.cfg kernel=native", r"no PV support"),
    ("too big for its memory", "create ok.cfg memory=1 ramdisk=big", r"needs at least \d+ MiB, memory is 1"),
    ("memory that is not there", "create ok.cfg memory=100000", r"needs 100000 MiB, \d+ MiB are free"),
    ("mistyped value", "create typed.cfg", r"typed\.cfg:3: memory: expected a number"),
    ("not a value", "create word.cfg", r"word\.cfg:2: .*put quotes around it"),
    ("python", "create python.cfg", r"python\.cfg:1: .*Python"),
    ("unclosed string", "create open.cfg", r"open\.cfg:1: .*close the quote"),
    ("blank in a name", "create ok.cfg 'name=a b'", r'name "a b" has a blank'),
    ("no name", "create noname.cfg", r"name= is missing"),
    ("no kernel", "create nokernel.cfg", r"kernel= is missing"),
    ("out of range", "create ok.cfg vcpus=0", r"vcpus: 0 is out of range"),
    ("duplicate name", "create ok.cfg name=h1", r"h1 is running already"),
    ("unknown domain", "destroy nobody", r"nobody: no such domain"),
    ("unknown domain", "pause 4711", r"4711: no such domain"),
    ("unknown domain", "console nobody", r"nobody: no such domain"),
    ("unknown domain", "list nobody", r"nobody: no such domain"),
    ("unknown domain", "stat nobody", r"nobody: no such domain"),
    ("unknown verb", "frobnicate", r"no such verb"),
    ("ambiguous verb", "d h1", r"could mean several"),
]


def add_bad_files(files):
    hello = HELLO.read_bytes()
    files.add("ok.cfg", 'name = "x"\nkernel = "hello"\nmemory = 16\n')
    files.add("h1.cfg", CFG)
    files.add("empty", b"\n")
    files.add("text", "this is no kernel\n")
    files.add("cut", hello[:300])
    files.add("elf32", hello[:4] + b"\x01" + hello[5:])
    files.add("arm", hello[:18] + b"\xb7\x00" + hello[20:])
    files.add("native", Path("/bin/true").read_bytes())
    files.add("big", bytes(2 << 20))
    files.add("typed.cfg", 'name = "x"\nkernel = "hello"\nmemory = "much"\n')
    files.add("word.cfg", 'name = "x"\nkernel = hello\n')
    files.add("python.cfg", "import os\n")
    files.add("open.cfg", 'name = "x\n')
    files.add("noname.cfg", 'kernel = "hello"\n')
    files.add("nokernel.cfg", 'name = "x"\n')


def check_bad(where, files, bad):
    tries = "; ".join(f"echo TRY; {command}" for _, command, _ in bad)
    result = xeno(where, files, f"create h1.cfg; echo FREE; info free_pages; {tries}; echo TRY; echo FREE; info free_pages; list")
    parts = re.split(r"^TRY\n", result.output, flags=re.MULTILINE)
    result.expect(len(parts) == len(bad) + 2, "expected as many answers as there were tries")
    for (what, command, wanted), said in zip(bad, parts[1:]):
        result.expect(len(said.splitlines()) == 1, f"{what} ({command}): expected one line, got {said!r}")
        result.expect(re.search(wanted, said), f"{what} ({command}): expected {wanted!r}, got {said!r}")
    free = [int(n) for n in re.findall(r"^FREE\n(\d+)$", result.output, re.MULTILINE)]
    result.expect(len(free) == 2 and free[0] == free[1], f"expected free memory as before: {free}")
    result.expect(len(re.findall(r"^\S+ +\d+ +\d+ +\d+ ", parts[-1], re.MULTILINE)) == 2, "expected Domain-0 and h1, nothing else")


def bad_input_is_one_line_and_leaves_nothing(where):
    with Files() as files:
        add_bad_files(files)
        for first in range(0, len(BAD), 13): # a module's line has its limit
            check_bad(where, files, BAD[first:first + 13])


def exit_status_is_the_commands(where):
    with Files() as files:
        for command, status in (("list", 0), ("destroy nobody", 1), ("create", 2), ("list && destroy nobody", 1)):
            xeno(where, files, command).expect_status(status)


def unknown_keys_are_warned_about(where):
    with Files() as files:
        files.add("k.cfg", CFG + 'memry = 5\nfrobnication = 1\nbuilder = "generic"\n')
        result = xeno(where, files, "create k.cfg && destroy h1")
    result.expect_status(0).expect_output(r"k\.cfg:5: unknown key memry is ignored: did you mean memory\?")
    result.expect_output(r"unknown key frobnication is ignored$").expect("builder" not in result.output, "builder= is no surprise")


def cycles_leave_no_frame(where, cycles):
    with Files() as files:
        files.add("h1.cfg", CFG.replace("16", "8"))
        one = "create h1.cfg && destroy h1"
        result = xeno(where, files, f"repeat 3 '{one}' && echo FREE && info free_pages && repeat {cycles} '{one}' && echo FREE && info free_pages && list")
    result.expect_status(0)
    free = [int(n) for n in re.findall(r"^FREE\n(\d+)$", result.output, re.MULTILINE)]
    result.expect(len(free) == 2 and free[0] == free[1], f"expected free memory as before: {free}")
    result.expect(result.output.count("Domain-0") == 1 and "h1 " not in result.output, "expected Domain-0 alone in the list")


FREE = "echo FREE; info free_pages"

# A domain's stages: its kernel, command line and vCPUs, what happens to it before it is destroyed, and how it is listed then.
STAGES = [
    ("built", "busy", "spin", 1, "create -p {0}.cfg", "--p---"),
    ("running", "busy", "spin", 2, "create {0}.cfg && sleep 1", "[r-]-----"),
    ("paused", "busy", "spin", 2, "create {0}.cfg && sleep 1 && pause {0}", "--p---"),
    ("blocked", "busy", "sleep", 2, "create {0}.cfg && sleep 1", "-b----"),
    ("in a long hypercall", "busy", "hypercall", 2, "create {0}.cfg && sleep 1", "[r-]-----"),
    ("paused in a long hypercall", "busy", "hypercall", 2, "create {0}.cfg && sleep 1 && pause {0}", "--p---"),
    ("shut down", "hello", "1", 1, "create {0}.cfg && console {0}", "---s--"),
    ("just started", "hello", "1000", 1, "create {0}.cfg", "[r-][b-]----"),
]


def add_guest(files, name, kernel, cmdline, *more):
    lines = [f'name = "{name}"', f'kernel = "{kernel}"', "memory = 8", f'cmdline = "{cmdline}"', *more]
    files.add(f"{name}.cfg", "\n".join(lines) + "\n")


def expect_free(where, result, times):
    """All frames came back each time; where Debian's Xen keeps some for itself or frees them later, the list alone counts."""
    free = re.findall(r"^FREE\n(\d+)$", result.output, re.MULTILINE)
    result.expect(len(free) == times and (where or len(set(free)) == 1), f"expected the same free memory every time: {free}")
    result.expect(len(re.findall(r"^\S+ +\d+ +\d+ +\d+ ", result.output[result.output.rfind("Name "):], re.MULTILINE)) == 1,
                  "expected Domain-0 alone in the list")


def kill_in_stages(where, stages):
    with Files() as files:
        files.words += ["--add", f"{GUESTS / 'busy'}:busy"]
        commands = []
        for i, (_, kernel, cmdline, vcpus, before, _) in enumerate(stages):
            add_guest(files, f"s{i}", kernel, cmdline, f"vcpus = {vcpus}", 'on_poweroff = "preserve"')
            commands.append(f"{before.format(f's{i}')}; list s{i}; destroy s{i} && {FREE}")
        # The first life of a domain may leave tables of the hypervisor's behind.
        result = xeno(where, files, "; ".join([f"create -p s1.cfg && destroy s1 && {FREE}", *commands, "list"]), "--cpus", "2")
    result.expect_status(0)
    for i, (what, *_, wanted) in enumerate(stages):
        result.expect(re.search(rf"^s{i} +\d+ +8 +[12] +{wanted} ", result.output, re.MULTILINE), f"expected s{i}, {what}, as {wanted}")
    expect_free(where, result, len(stages) + 1)


def killed_in_every_stage(where):
    for first in range(0, len(STAGES), 4): # a module's line has its limit
        kill_in_stages(where, STAGES[first:first + 4])


def neighbours_die_in_any_order(where):
    """A page of one domain is mapped by another, and both hold ends of a channel: whoever goes first, nothing is left."""
    with Files() as files:
        files.words += ["--add", f"{GUESTS / 'pingpong'}:pingpong"]
        commands = [f"create -p l1.cfg && destroy l1; {FREE}"]
        for i, order in enumerate(("l{0} r{0}", "r{0} l{0}"), 1):
            add_guest(files, f"l{i}", "pingpong", f"listen peer={2 * i + 1}")
            add_guest(files, f"r{i}", "pingpong", f"connect peer={2 * i} n=100000000")
            first, second = order.format(i).split()
            commands.append(f"create l{i}.cfg; create r{i}.cfg; sleep 1; destroy {first}; destroy {second}; {FREE}")
        result = xeno(where, files, "; ".join([*commands, "list"]))
    result.expect_status(0)
    expect_free(where, result, 3)


def a_build_that_fails_anywhere_leaves_nothing(where):
    """Every operation of the builder fails once: one line that says so, and no domain, no frame is left."""
    with Files() as files:
        files.add("h1.cfg", CFG.replace("16", "8"))
        result = xeno(where, files, f"create h1.cfg; destroy h1; {FREE}; faults 'create h1.cfg' 'destroy h1'; {FREE}; list")
    result.expect_status(0)
    result.expect_output(r"^faults: \d+ operations failed")
    tried = int(re.search(r"^faults: (\d+)", result.output, re.MULTILINE).group(1))
    said = re.findall(r"^xeno create: .+: .+$", result.output, re.MULTILINE)
    # The builder asks for memory in large pieces first, and goes on with small ones where it gets none.
    large = 8 // 2
    result.expect(tried > 25 and len(said) == tried - large, f"expected a line for each of {tried} faults but {large}, got {len(said)}")
    result.expect(len(result.output.splitlines()) == len(said) + 7, "expected no other lines")
    expect_free(where, result, 2)


def a_hostile_guest_reaches_nobody(where):
    """Its attempts are refused one by one, the domain beside it counts on, and all of its memory comes back."""
    with Files() as files:
        files.words += ["--add", f"{GUESTS / 'hostile'}:hostile"]
        add_guest(files, "bad", "hostile", "n=20")
        add_guest(files, "good", "hello", "3")
        result = xeno(where, files, f"create -p bad.cfg && destroy bad; {FREE}; create good.cfg; create bad.cfg; console bad; console good; {FREE}; list")
    result.expect_status(0)
    result.expect_output(r"^hostile: 20 rounds of \d+ attempts, 0 got through$").expect_output(r"^hello 1$[^$]*^hello 3$")
    result.expect(len(re.findall(r"^hostile: .*: (refused, error \d+|exception \d+)$", result.output, re.MULTILINE)) > 20,
                  "expected more than 20 attempts")
    expect_free(where, result, 2)


def two_domains_play_pingpong(where):
    with Files() as files:
        files.words += ["--add", f"{GUESTS / 'pingpong'}:pingpong"]
        add_guest(files, "left", "pingpong", "listen peer=2")
        add_guest(files, "right", "pingpong", "connect peer=1 n=2000")
        for cpus in ("1", "2"): # with one, the listener tells where it is before there is someone to be told
            result = xeno(where, files, "create left.cfg; create right.cfg; console right; console left", "--cpus", cpus)
            result.expect_status(0)
            result.expect_output(r"^pingpong: 2000 round trips, \d+ ns each, \d+/s$").expect_output(r"^pingpong: answered 2000 pings$")
