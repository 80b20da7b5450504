# SPDX-License-Identifier: MIT
#
# xenostored in a Linux control domain, as cases that take the hypervisor ([] ours, ["--xen"] Debian's): Debian's own clients,
# and SIGKILL for both daemons under load from dom0's kernel, from programs, and with a guest that runs.
# Invariant: a case passes on both.
import re
import subprocess
import tempfile
from pathlib import Path

import debian_tools
import qemu
from linux_cases import linux

HELLO = qemu.BUILD / "guests" / "hello"
KILLS = 10


def run(where, script, *more):
    """What the script said; hello and its configuration are there."""
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        path = Path(folder) / "script"
        path.write_text('printf \'name = "h1"\\nkernel = "hello"\\nmemory = 16\\ncmdline = "100000"\\n\' >h1.cfg\n' + script, encoding="utf-8")
        return linux(where, "sh script", "--add", f"{HELLO}:hello", "--add", f"{path}:script", "--memory", "768", *more).expect_status(0)


CLIENTS = r"""
xs() { ./ld-linux-x86-64.so.2 --library-path /root ./xenstore "$@"; echo "<$?>"; }
xs write /t/a 'one two' /t/b/c 3
xs read /t/a /t/b/c
xs list /t
xs chmod /t/b b0 r0
xs ls -f -p /t
xs exists /t/b; xs exists /t/none
xs watch -n 2 /t >watched &
until grep -q /t watched; do :; done
xs rm /t/b
wait; cat watched
xs read /t/b/c 2>&1
# Over the kernel's ring, as where there is no socket.
mv /run/xenstored/socket /run/xenstored/hidden
xs write /t/d kernel; xs read /t/d
mv /run/xenstored/hidden /run/xenstored/socket
xeno create h1.cfg; xs list /local/domain | sort -n; xs read "/local/domain/$(xeno domid h1)/name"
xeno destroy h1
"""
CLIENTS_SAID = """<0>
one two
3
<0>
a
b
<0>
<0>
"""


def debians_clients(where):
    if not debian_tools.CLIENT.exists():
        raise qemu.Skip("Debian's package xenstore-utils is not installed")
    needed = [debian_tools.CLIENT, *sorted(debian_tools.libraries(debian_tools.CLIENT))]
    files = [word for path in needed for word in ("--add", path)]
    result = run(where, CLIENTS, *files)
    said = result.output
    result.expect(said.startswith(CLIENTS_SAID), "expected Debian's client to write, read, list and set permissions")
    result.expect_output(r'^/t/b/c = "3" +\(n0\)$').expect_output(r'^/t/b = "" +\(b0,r0\)$')
    rest = r"^<0>\n<1>\n<0>\n/t\n/t/b\n<0>\n.*couldn't read path /t/b/c\n<1>\n"
    result.expect(re.search(rest, said, re.MULTILINE), "expected one node to be there, events, and one removed")
    result.expect(re.search(r"^<0>\nkernel\n<0>\n", said, re.MULTILINE), "expected an answer over the kernel's ring")
    result.expect(re.search(r"^h1\n<0>$", said, re.MULTILINE), "expected the domain's name")


KILLED = r"""
xeno create h1.cfg || exit 1
xeno console h1 </dev/null >viewed & viewer=$!
./store_load LOAD || exit 1
xeno shutdown h1 || exit 1
wait $viewer; echo "viewer: $?"
until ! xeno domid h1 >/dev/null 2>&1; do xeno service; done
log=/var/log/xeno/console/h1.log
for f in $log.1 $log; do test -e $f && cat $f; done | cmp - viewed && echo 'same bytes'
tr -d '\r' <viewed | awk '/^hello [0-9]+$/ { if ($2 != ++n) print "line", n, "is", $0 } END { print n, "lines" }'
xeno list
"""


def killed_under_load(where, load=str(KILLS)):
    """Ten kills of both daemons, while a guest counts the seconds; it still hears that it shall shut down."""
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        program = Path(folder) / "store_load"
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", f"-I{qemu.ROOT / 'include'}", "-o", str(program),
                        str(Path(__file__).resolve().parent / "store_load.c")], check=True, timeout=100)
        result = run(where, KILLED.replace("LOAD", load), "--add", program)
    result.expect_output(r"^\d+ kills: \d+ writes and \d+ pairs .*: nothing is lost$")
    result.expect_output("^viewer: 0$").expect_output("^same bytes$")
    lines = re.search(r"^(\d+) lines$", result.output, re.MULTILINE)
    result.expect(lines and int(lines[1]) > 0 and " is hello" not in result.output, "expected every line of the guest once")
    result.expect(not re.search(r"^h1 ", result.output, re.MULTILINE), "expected h1 to be gone")
    return result


# Without xenoconsoled nobody runs 'xeno service' by himself.
WITH_DEBIANS = debian_tools.START + r"""
xeno create h1.cfg; echo "<$?>"; xl list | grep -w h1; xl domid h1
xeno pause h1; xeno unpause h1; xeno rename h1 h2; xl domid h2
xeno console h2 </dev/null >said & xeno shutdown -w h2; echo "<$?>"; xeno service; wait; head -1 said; xl list
"""


def xeno_with_debians_daemons():
    """Our tools with oxenstored and xenconsoled, on Debian's Xen: nothing of ours runs in the control domain but xeno."""
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        debian_tools.archive(f"{folder}/debian.cpio")
        result = run(["--xen"], WITH_DEBIANS, "--add", f"{folder}/debian.cpio", "--dom0-memory", "400", "--dom0-args", "daemons=none")
    result.expect_output(r"^<0>\nh1 +1 +16 +1 +[r-][b-]---- +\d+\.\d\n1\n1\n<0>\nhello from hello$")
    result.expect(not re.search(r"^h[12] ", result.output[result.output.rindex("Name "):], re.MULTILINE), "expected the domain to be gone")
