/* SPDX-License-Identifier: MIT */
/*
 * xeno-unpack: standard input is a kernel's file, standard output (a file in memory) becomes the ELF kernel in it. xeno runs it as
 * a process of its own, because kernels may come from strangers and decompressors are large: before it looks at a single
 * byte it gives up root, new files and processes, and every system call but a dozen that memory and output need.
 */
#include <errno.h>
#include <grp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xeno-unpack/unpack.h"

#define NOBODY      65534
#define IN_LIMIT    ((uint64_t)512 << 20)
#define OUT_LIMIT   ((uint64_t)1 << 30)
#define MAX_RATIO   16 /* of a kernel to its packed form */
#define CPU_SECONDS 600

/* Classic BPF and seccomp as the kernel has them (include/uapi/linux/{filter,seccomp,audit}.h). */
struct filter {
    uint16_t code;
    uint8_t yes, no;
    uint32_t k;
};

struct program {
    uint16_t len;
    const struct filter *filter;
};

#define LOAD         0x20 /* BPF_LD | BPF_W | BPF_ABS */
#define EQUAL        0x15 /* BPF_JMP | BPF_JEQ | BPF_K */
#define RETURN       0x06 /* BPF_RET | BPF_K */
#define AT_NR        0
#define AT_ARCH      4
#define ARCH_X86_64  0xc000003eu
#define ACTION_ALLOW 0x7fff0000u
#define ACTION_KILL  0x80000000u
#define MODE_FILTER  2
#define ALLOW(nr)                                                                                  \
    {EQUAL, 0, 1, (nr)},                                                                           \
    {                                                                                              \
        RETURN, 0, 0, ACTION_ALLOW                                                                 \
    }

static const struct filter filter[] = {
    {LOAD, 0, 0, AT_ARCH},
    {EQUAL, 1, 0, ARCH_X86_64},
    {RETURN, 0, 0, ACTION_KILL},
    {LOAD, 0, 0, AT_NR},
    ALLOW(SYS_mmap),
    ALLOW(SYS_munmap),
    ALLOW(SYS_mremap),
    ALLOW(SYS_madvise),
    ALLOW(SYS_brk),
    ALLOW(SYS_mprotect),
    ALLOW(SYS_write),
    ALLOW(SYS_writev),
    ALLOW(SYS_ftruncate),
    ALLOW(SYS_exit_group),
    ALLOW(SYS_exit),
    ALLOW(SYS_ioctl),
    {RETURN, 0, 0, ACTION_KILL},
};

static int complain(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return EXIT_FAILURE;
}

/* What root could do is given up where we are root; the filter holds in any case. */
static int give_up_everything(void)
{
    const struct program p = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
    const struct rlimit memory = {IN_LIMIT + OUT_LIMIT + UNPACK_MEMORY,
                                  IN_LIMIT + OUT_LIMIT + UNPACK_MEMORY};
    const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS}, none = {0, 0};

    if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
                           setresuid(NOBODY, NOBODY, NOBODY))) {
        return -1;
    }
    if (setrlimit(RLIMIT_AS, &memory) || setrlimit(RLIMIT_CPU, &cpu) ||
        setrlimit(RLIMIT_CORE, &none)) {
        return -1;
    }
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, MODE_FILTER, &p, 0, 0)
               ? -1
               : 0;
}

int main(void)
{
    struct unpack_piece piece;
    struct stat st;
    uint8_t *in, *out;
    uint64_t room;
    int64_t size;
    char err[160];

    if (fstat(STDIN_FILENO, &st) || st.st_size <= 0 || (uint64_t)st.st_size > IN_LIMIT) {
        return complain("empty, or larger than any kernel");
    }
    in = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (in == MAP_FAILED) {
        return complain(strerror(errno));
    }
    if (give_up_everything()) {
        return complain("cannot shut itself in: no kernel is unpacked without that");
    }
    if (unpack_find(in, (size_t)st.st_size, &piece, err, sizeof(err))) {
        return complain(err);
    }
    room = unpack_size_hint(&piece);
    if (room == 0 || room > OUT_LIMIT) {
        return complain("it says a size that no kernel has");
    }
    if (ftruncate(STDOUT_FILENO, (off_t)room)) {
        return complain("not enough memory");
    }
    /* All its pages at once, where the size is one that a kernel can have: a fault for each costs more than the data. */
    out = mmap(NULL, (size_t)room, PROT_READ | PROT_WRITE, MAP_SHARED | (room / MAX_RATIO <= piece.size ? MAP_POPULATE : 0),
               STDOUT_FILENO, 0);
    if (out == MAP_FAILED) {
        return complain("not enough memory");
    }
    size = unpack(&piece, out, (size_t)room, err, sizeof(err));
    if (size < 0) {
        return complain(err);
    }
    return ftruncate(STDOUT_FILENO, (off_t)size) ? complain("not enough memory") : EXIT_SUCCESS;
}
