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


KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Problem(Exception):
    """Something that the person at the keyboard can mend; one line."""


class Unreachable(Problem):
    """The packages cannot be had here and now: no apt-get, no network, no archive."""


def apt(words, folder=None):
    if not shutil.which(words[0]):
        raise Unreachable(f"{words[0]} is not there: Debian's packages are fetched with it")
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def update_lists(archive):
    """A fresh machine has no package lists, an old one lists that name files which are gone."""
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", *archive, "update"]
    if os.geteuid() and not archive and shutil.which("sudo"):
        command = ["sudo", "-n"] + command
    apt(command)


def twice(action, archive):
    """Once with the lists as they are, once with new ones."""
    try:
        return action()
    except Unreachable:
        update_lists(archive)
        return action()


def backports(folder):
    """apt's options for the backports of this machine's Debian, from where its own packages come; the machine's lists stay as they are."""
    said = apt(["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI) $(CODENAME)", "Created-By: Packages"]).stdout
    found = re.search(r"^Debian (\S+) ([a-z]+)$", said, re.MULTILINE)
    if not found:
        raise Unreachable("apt knows no archive of Debian: its lists are empty, or /etc/apt/sources.list* names none")
    lists, sources = folder / "lists", folder / "backports.list"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    sources.write_text(f"deb [signed-by={KEYRING}] {found.group(1)} {found.group(2)}-backports main\n", encoding="utf-8")
    words = {"Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": "/dev/null", "Dir::State::Lists": lists, "Dir::Cache::pkgcache": "",
             "Dir::Cache::srcpkgcache": "", "APT::Sandbox::User": "root"}
    return [word for key, value in words.items() for word in ("-o", f"{key}={value}")]


def real_name(package, archive=()):
    """What a metapackage such as linux-image-amd64 stands for today."""

    def ask():
        shown = apt(["apt-cache", *archive, "show", "--no-all-versions", package]).stdout
        depends = re.search(r"^Depends:(.*)$", shown, re.MULTILINE)
        found = re.findall(r"\blinux-image-\d[\w.+-]*", depends.group(1)) if depends else []
        if not found:
            raise Unreachable(f"apt knows no package {package}: is Debian's archive in /etc/apt/sources.list*?")
        return found[0]

    return twice(ask, archive)


def fetch(package, folder, archive=()):
    """The path of the package's file, fetched into folder unless that version is there."""
    folder.mkdir(parents=True, exist_ok=True)

    def ask():
        said = apt(["apt-get", *archive, "--print-uris", "-qq", "download", package])
        match = re.match(r"'\S+' (\S+\.deb) (\d+)", said.stdout)
        if not match:
            raise Unreachable(f"apt-get finds no package {package}")
        name, size = match.group(1), int(match.group(2))
        target = folder / name
        if not target.is_file() or target.stat().st_size != size:
            download(package, name, folder, archive)
        return target

    return twice(ask, archive)


def download(package, name, folder, archive):
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as part:
        said = apt(["apt-get", "-q", "-o", "APT::Sandbox::User=root", *archive, "download", package], part)
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
