/* SPDX-License-Identifier: MIT */
/*
 * xeno-unpack: standard input is a kernel's file, standard output becomes the ELF kernel in it. xeno runs it as
 * a process of its own, because kernels may come from strangers and decompressors are large: before it looks at a single
 * byte it gives up root, new files and processes, and every system call but a dozen that memory and output need.
 */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
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
#define MORE_MEMORY ((uint64_t)64 << 20) /* beside the file and the dictionary */
#define CPU_SECONDS 600
#define NO_ROOM     2 /* the status when the output has none */

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
    const struct rlimit memory = {IN_LIMIT + UNPACK_MEMORY + MORE_MEMORY,
                                  IN_LIMIT + UNPACK_MEMORY + MORE_MEMORY};
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

/* Written, not mapped: a page of a mapping costs a fault and is zeroed first, and where there is no room for it, that is a signal. */
static int put(void *no_room, const uint8_t *data, size_t n)
{
    while (n) {
        ssize_t done = write(STDOUT_FILENO, data, n);

        if (done <= 0 && errno != EINTR) {
            *(bool *)no_room = true;
            return -1;
        }
        data += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

int main(void)
{
    static struct unpack_out out;
    bool no_room = false;
    struct unpack_piece piece;
    struct stat st;
    uint8_t *in;
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
    out.room = unpack_size_hint(&piece);
    if (out.room == 0 || out.room > OUT_LIMIT) {
        return complain("it says a size that no kernel has");
    }
    out.put = put;
    out.ctx = &no_room;
    if (unpack(&piece, &out, err, sizeof(err)) >= 0) {
        return EXIT_SUCCESS;
    }
    complain(err);
    return no_room ? NO_ROOM : EXIT_FAILURE;
}
