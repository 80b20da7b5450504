# SPDX-License-Identifier: MIT
#
# The kernel's own tests of what user space sees, out of Debian's package of the kernel's source (linux-source-6.1): fetched, built here
# as static programs, and handed to the control domain as an archive on a disk. Nothing of them is kept in this repository.
# Invariant: what does not build is named, and tests that build are the same for every hypervisor they run on.
import lzma
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

import linux_cases
import linux_load
import qemu

# The kernel's convention for "does not apply here".
SKIPPED = 4
PACKAGE = "linux-source-6.1"
TESTS = "tools/testing/selftests"
# x86 first: entry and exit, segments, debug registers, single steps, I/O privilege, the vDSO. Then what rests on paging and time.
FOLDERS = ["x86", "breakpoints", "sigaltstack", "ptrace", "vDSO", "clone3", "membarrier", "futex/functional", "kcmp", "ipc", "proc", "vm", "timers"]
# They set the machine's clock, sleep through a suspend, want other hardware or huge pages, or run for minutes by design.
LEFT_OUT = re.compile(r"timers-(?!nanosleep$|posix_timers$|threadtest$|set-timer-lat$)|step_after_suspend|vm-.*(huge|thp)|vm-(userfaultfd|va_128.*|"
                      r"charge.*|write_.*|khugepaged)|x86-trivial_32.*")
# vm/mrelease_test takes a system call whose number it has not been told for one that the kernel lacks.
FLAGS = ["-O2", "-w", "-static", "-no-pie", "-pthread", "-s", "-D_GNU_SOURCE", "-I.", "-Ifutex/include", "-include", "sys/syscall.h"]
FURTHER = {"vDSO": "vDSO/parse_vdso.c", "x86/sysret_ss_attrs.c": "x86/thunks.S", "x86/check_initial_reg_state.c": "-Wl,-ereal_start"}


def source(folder):
    """The tests' part of the source, unpacked; its path."""
    deb = linux_cases.packages.fetch(PACKAGE, qemu.BUILD / "dom0" / "packages")
    wanted = (f"/{TESTS}/", "/arch/x86/include/asm/desc_defs.h")
    process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE)
    with process.stdout, tarfile.open(fileobj=process.stdout, mode="r|") as outer:
        for member in outer:
            if member.name.endswith(f"{PACKAGE}.tar.xz"):
                with lzma.open(outer.extractfile(member)) as plain, tarfile.open(fileobj=plain, mode="r|") as inner:
                    inner.extractall(folder, (m for m in inner if any(part in m.name for part in wanted) and (m.isreg() or m.isdir())))
    process.wait()
    found = Path(folder, PACKAGE, TESTS)
    if not found.is_dir():
        raise qemu.Skip(f"{deb} has no {TESTS}")
    return found


def build(top, name, target):
    folder, _, _ = name.rpartition("/")
    further = [FURTHER[key] for key in (folder, name) if key in FURTHER and FURTHER[key] != name]
    return subprocess.run(["gcc", *FLAGS, "-o", str(target), name, *further, "-lrt", "-lm"], cwd=top, capture_output=True,
                          check=False).returncode == 0


def archive():
    """The archive with the programs, made once; the test is skipped where the package cannot be had."""
    linux_cases.images()
    target = qemu.BUILD / "dom0" / "kernel-tests.tar"
    if target.is_file():
        return target
    with tempfile.TemporaryDirectory(prefix="kernel-tests-", dir=qemu.BUILD) as folder:
        try:
            top = source(folder)
        except linux_cases.packages.Problem as problem:
            raise qemu.Skip(str(problem)) from problem
        part, refused = Path(folder) / "part.tar", []
        with tarfile.open(part, "w") as out:
            for file in (file for where in FOLDERS for file in sorted((top / where).glob("*.c"))):
                name = str(file.relative_to(top))
                program = name.removesuffix(".c").replace("/", "-")
                if LEFT_OUT.search(program) or not re.search(r"\bmain\(|TEST_HARNESS_MAIN", file.read_text(errors="replace")):
                    continue
                if build(top, name, Path(folder) / program):
                    out.add(Path(folder) / program, program)
                else:
                    refused.append(program)
        print(f"not built, for want of a 32-bit C library or of headers: {' '.join(refused)}")
        part.rename(target)
    return target


# The longest, timers/set-timer-lat, takes more than two minutes by design.
COMMAND = """mkdir /t; tar -C /t -xf /dev/vda; cd /t
for t in *; do timeout -s KILL 300 ./$t </dev/null >/tmp/said 2>&1; s=$?; echo "TEST $t $s"; [ $s = 0 ] || tail -6 /tmp/said; done
echo '=== kernel log'; dmesg
"""


def run(where):
    """name -> status of each test, and the Result. The machine's time goes by instructions: some tests judge by it."""
    result = linux_cases.linux(where, COMMAND, "--cpus", "2", "--memory", "1024", "--dom0-memory", "768", "--", *linux_load.BY_INSTRUCTIONS, "-drive",
                               f"file={archive()},if=none,id=load,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=load", timeout=1500)
    result.output, _, result.kernel_log = result.output.partition("=== kernel log\n")
    return {name: int(status) for name, status in re.findall(r"^TEST (\S+) (\d+)$", result.output, re.MULTILINE)}, result
