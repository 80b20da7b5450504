# SPDX-License-Identifier: MIT
#
# Debian's own programs as load for Linux on our hypervisor: a folder of packages for the machine's second disk, and what a run
# with them must leave: an untroubled kernel log, and nothing in the hypervisor's but what is expected.
# Invariant: the packages' files are unpacked, not installed, and are the same for every run until the list of packages changes.
import fcntl
import os
import re

import linux_cases
import qemu

PROGRAMS = ["stress-ng", "make", "tcc", "libc6-dev", "dash"]
TROUBLE = re.compile(r"WARNING:|BUG:|BUG at|Call Trace|[Oo]ops|general protection|soft lockup|rcu:.*stall|hung_task|blocked for more than|"
                     r"segfault at .* error (?!4|6|7|14|15|5)|bad page|Bad page|corrupt")
# What the hypervisor says when all is well.
EXPECTED = re.compile(r"^\(hv\) (Xenolith, loaded|command line:|CPU |clock:|memory:|CPUs:|boot domain:|domain 0 switches the machine off)")
# The machine's clock goes by instructions, eight ns each: nothing in it depends on how busy the machine below is, which only decides how
# long a run takes. One thread runs all CPUs, so that QEMU 7.2 does not crash under load with several.
BY_INSTRUCTIONS = ["-icount", "shift=3,sleep=off"]
BEGIN = """set -e; mkdir -p /t/proc /t/sys /t/dev; tar -xf /dev/vda -C /t 2>/dev/null; for f in proc sys dev; do mount --bind /$f /t/$f; done
mkdir -p /t/tmp /t/work; set +e
"""
END = "\nstatus=$?; echo; echo '=== kernel log'; dmesg; exit $status\n"


def programs():
    """The archive with PROGRAMS and what they depend on; the test is skipped where it cannot be had."""
    linux_cases.images()
    folder = qemu.BUILD / "dom0"
    target = folder / f"load-{'-'.join(PROGRAMS)}.tar"
    with open(folder / "lock-load", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_file():
            part = folder / f"load-{os.getpid()}.tar"
            try:
                linux_cases.dom0_image.disk.run(
                    ["mmdebstrap", "--quiet", "--variant=extract", f"--include={','.join(PROGRAMS)}",
                     '--customize-hook=rm -rf "$1/usr/share" "$1/var" "$1/etc"', linux_cases.dom0_image.disk.SUITE, str(part)], "mmdebstrap")
            except linux_cases.packages.Problem as problem:
                raise qemu.Skip(str(problem)) from problem
            part.rename(target)
    return target


def run(command, *words, timeout=qemu.HANG, where=()):
    """The command with /t as the folder of the packages; the Result, whose kernel_log is cut off its output."""
    result = linux_cases.linux(where, BEGIN + command + END, "--memory", "1024", "--dom0-memory", "768", *words, "--", *BY_INSTRUCTIONS,
                               "-drive", f"file={programs()},if=none,id=load,format=raw,readonly=on", "-device", "virtio-blk-pci,drive=load",
                               timeout=timeout)
    result.output, _, result.kernel_log = result.output.partition("=== kernel log\n")
    return result


def expect_untroubled(result):
    trouble = [line for line in result.kernel_log.splitlines() if TROUBLE.search(line)]
    result.expect("Run /init" in result.kernel_log, "expected a kernel log")
    result.expect(not trouble, "trouble in the kernel's log:\n" + "\n".join(trouble))
    unexpected = [line for line in result.log.splitlines() if not EXPECTED.match(line)]
    return result.expect(not unexpected, "unexpected lines of the hypervisor's:\n" + "\n".join(unexpected))


# stress-ng's stressors, a broad set: one process each, which checks its own results (--verify). Not madvise, which as root poisons memory:
# that makes Linux 6.1 warn in unmap_page_range (mm_inline.h:564) within a minute, on Debian's Xen as well (docs/compat/linux.md).
STRESSORS = """cpu vm fork vfork clone exec mmap mremap msync mprotect brk stack bigheap futex mutex sem pipe sock eventfd sigsegv
    sigfpe sigpipe sigq sigsuspend sigtrap timer itimer timerfd nanosleep clock switch yield context get getrandom memfd mincore shm sysinfo
    prctl ptrace userfaultfd membarrier rseq seek dentry""".split()
# What a PV kernel and its hypervisor do differently from a machine: instructions that trap, faults, odd ways into the kernel.
ODD_STRESSORS = """opcode priv-instr ioport x86syscall x86cpuid vdso sysbadaddr sysinval usersyscall bad-altstack vm-segv vm-addr fault
    stackmmap fp fp-error vecmath rdrand tsc regs lockbus misaligned tlb-shootdown sigabrt sigchld signest sigrt sigio alarm hrtimers cyclic
    pthread spawn forkheavy vforkmany mmapfork mmapmany mmapaddr mlock munmap remap resources vm-rw vm-splice pageswap shm-sysv sem-sysv msg
    poll epoll fifo splice tee affinity schedpolicy personality pidfd kcmp null zero urandom rlimit seccomp""".split()


# As root some stressors (mutex) have threads of real-time priority that never sleep; Linux leaves the other processes of a CPU a twentieth of
# it then, with which fifty stressors do not see their end in minutes, on any hypervisor and on none. So they get a fifth themselves.
REAL_TIME = "echo 200000 >/proc/sys/kernel/sched_rt_runtime_us\n"


def stress(seconds, stressors, *words, memory="24M"):
    """stress-ng's command line."""
    sizes = " ".join(f"--{name}-bytes {memory}" for name in ("vm", "mmap", "mremap", "msync", "memfd", "shm-sysv"))
    return (REAL_TIME + f"cd /t/work; chroot /t /usr/bin/stress-ng --verify --temp-path /work --timeout {seconds} {sizes} --oomable "
            + " ".join(words) + " " + " ".join(f"--{name} 1" for name in stressors) + " 2>&1")


def expect_stress(result):
    expect_untroubled(result)
    result.expect_status(0).expect_output(r"successful run completed")
    return result.expect(not re.search(r"fail:|\bfailed: [1-9]", result.output), "expected no stressor to fail")


# make -j over files that a C compiler compiles, each with a header of the C library: processes, files and pages by the hundred.
MAKE = r"""cd /t/work; i=0; while [ $i -lt FILES ]; do
printf '#include <stdio.h>\n#include <string.h>\nint f%d(int n) { char s[64]; sprintf(s, "%%d", n + %d); return (int)strlen(s) + n; }\n' $i $i >f$i.c
i=$((i + 1)); done
{ echo 'int printf(const char *, ...);'; i=0; while [ $i -lt FILES ]; do echo "int f$i(int);"; i=$((i + 1)); done
echo 'int main(void) { int n = 0;'; i=0; while [ $i -lt FILES ]; do echo "n = f$i(n);"; i=$((i + 1)); done
echo 'printf("the sum is %d\n", n); return 0; }'; } >main.c
printf 'objects := $(patsubst %%.c,%%.o,$(wildcard *.c))\nprogram: $(objects)\n\ttcc -o $@ $^\n%%.o: %%.c\n\ttcc -c -o $@ $<\n' >Makefile
chroot /t /bin/sh -c 'cd /work && make -s -j4 && ./program' 2>&1
"""


def make(files):
    return MAKE.replace("FILES", str(files))


def sum_of(files):
    """What the program must print: f<i>(n) is n and the number of digits of n + i."""
    total = 0
    for i in range(files):
        total += len(str(total + i))
    return f"the sum is {total}"
