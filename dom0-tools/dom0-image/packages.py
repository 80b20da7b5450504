# SPDX-License-Identifier: MIT
#
# Debian packages as they come from the archive: fetched by apt-get (which checks their signatures' chain), kept in a folder,
# read without being installed.
# Invariant: what is kept is complete: a download goes to a folder of its own and is moved into place when apt-get is content.
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path


class Problem(Exception):
    """Something that the person at the keyboard can mend; one line."""


class Unreachable(Problem):
    """The packages cannot be had here and now: no apt-get, no network, no archive."""


def apt(words, folder=None):
    if not shutil.which(words[0]):
        raise Unreachable(f"{words[0]} is not there: Debian's packages are fetched with it")
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def update_lists():
    """A fresh machine has no package lists, an old one lists that name files which are gone."""
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "update"]
    if os.geteuid() and shutil.which("sudo"):
        command = ["sudo", "-n"] + command
    apt(command)


def twice(action):
    """Once with the lists as they are, once with new ones."""
    try:
        return action()
    except Unreachable:
        update_lists()
        return action()


def real_name(package):
    """What a metapackage such as linux-image-amd64 stands for today."""

    def ask():
        shown = apt(["apt-cache", "show", "--no-all-versions", package]).stdout
        depends = re.search(r"^Depends:(.*)$", shown, re.MULTILINE)
        found = re.findall(r"\blinux-image-\d[\w.+-]*", depends.group(1)) if depends else []
        if not found:
            raise Unreachable(f"apt knows no package {package}: is Debian's archive in /etc/apt/sources.list*?")
        return found[0]

    return twice(ask)


def fetch(package, folder):
    """The path of the package's file, fetched into folder unless that version is there."""
    folder.mkdir(parents=True, exist_ok=True)

    def ask():
        said = apt(["apt-get", "--print-uris", "-qq", "download", package])
        match = re.match(r"'\S+' (\S+\.deb) (\d+)", said.stdout)
        if not match:
            raise Unreachable(f"apt-get finds no package {package}")
        name, size = match.group(1), int(match.group(2))
        target = folder / name
        if not target.is_file() or target.stat().st_size != size:
            download(package, name, folder)
        return target

    return twice(ask)


def download(package, name, folder):
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as part:
        said = apt(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], part)
        got = Path(part) / name
        if said.returncode or not got.is_file():
            why = [line for line in said.stderr.splitlines() if line.startswith("E:")] or ["no such file in the archive"]
            raise Unreachable(f"apt-get cannot download {package}: {why[0]}")
        got.rename(folder / name)


def contents(deb, wanted):
    """name -> bytes of the package's regular files whose name (without './') wanted() accepts."""
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    found = {}
    with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isreg() and wanted(name):
                found[name] = archive.extractfile(member).read()
    process.stdout.close()
    if process.wait():
        raise Problem(f"{deb} is no Debian package: delete it and start again")
    return found
