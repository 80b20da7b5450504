#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The control domain on a disk: a minimal Debian with systemd, from power-on to a login, with a network and a working apt.
# Invariant: the test writes into a snapshot, so the disk stays as dom0-image made it.
import sys

import linux_cases
import qemu

# A package and a repository of one's own: apt fetches, checks and installs it as it would any other.
REPOSITORY = r"""set -e; mkdir -p /srv/repo /tmp/p/DEBIAN /tmp/p/usr/bin; cd /tmp
printf 'Package: word\nVersion: 1\nArchitecture: all\nMaintainer: root <root@dom0>\nDescription: says it\n' >p/DEBIAN/control
printf '#!/bin/sh\necho the word of a package\n' >p/usr/bin/word; chmod 755 p/usr/bin/word
dpkg-deb -b p /srv/repo/word.deb >/dev/null; cd /srv/repo
{ dpkg-deb -f word.deb; echo "Filename: ./word.deb"; echo "Size: $(stat -c %s word.deb)"; echo "SHA256: $(sha256sum word.deb | cut -d' ' -f1)"; } >Packages
rm -f /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
apt-get update && apt-get install -y word
"""


def disk():
    linux_cases.images()
    try:
        return linux_cases.dom0_image.make_disk(qemu.BUILD)
    except linux_cases.packages.Problem as problem:
        raise qemu.Skip(str(problem)) from problem


# Killed, and the next command finds them: systemd keeps the daemons.
KEPT = r"""printf 'name = "h"\nkernel = "hello"\nmemory = 8\ncmdline = "1000"\n' >h.cfg
for n in 1 2; do kill -9 $(pidof xenostored) $(pidof xenoconsoled); xeno create h.cfg --wait && xeno shutdown -w h && echo "made $n"; done
"""


def test_to_a_login_with_network_and_packages():
    disk()
    with qemu.session("--disk", "--add", f"{qemu.BUILD / 'guests' / 'hello'}:hello", "--dom0-memory", "320", "--", "-snapshot",
                      timeout=540) as session:
        session.expect("dom0 login: ", timeout=480)
        session.send("root\n")
        session.expect("root@dom0:~# ")
        session.send("stty -echo; PS1=; cat >repo.sh <<'END'\n" + REPOSITORY + "END\ncat >kept.sh <<'END'\n" + KEPT + "END\necho ready\n")
        session.expect("^ready$")
        session.send("bash kept.sh; systemctl is-active xenostored xenoconsoled\n")
        session.expect(r"made 1\s+made 2\s+active\s+active$")
        # As a kernel's package does when it has been installed.
        session.send("run-parts --arg=6.1 --arg=/root/hello /etc/kernel/postinst.d\n")
        session.expect("^/root/hello is not packed: nothing to do$")
        session.send("ping -c 1 -W 60 10.0.2.2; bash repo.sh; word; echo \"failed: $(systemctl --failed --plain --no-legend | wc -l)\"; "
                     "cat /proc/xen/capabilities; findmnt -no SOURCE /; poweroff\n")
        session.expect("1 packets transmitted, 1 received")
        session.expect("^the word of a package$")
        session.expect(r"^failed: 0\s+control_d\s+/dev/vda$")
        session.expect_end(0, timeout=480).expect_log("switches the machine off")


def test_a_command_ends_the_machine():
    disk()
    result = qemu.run("--disk", "-c", "findmnt -no SOURCE /; exit 5", "--dom0-memory", "320", "--", "-snapshot", timeout=540)
    result.expect_status(5).expect_output("^/dev/vda$")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
