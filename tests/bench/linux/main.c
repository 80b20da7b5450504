/* SPDX-License-Identifier: MIT */
/*
 * linux-bench: single operations of Linux, counted by the time-stamp counter. Says 'BENCH NAME TICKS' for each, the least of
 * several batches, so that timer ticks do not count. As process 1 (rdinit=) it says how long the boot took, and powers off; with
 * the word run it measures a command (run.c).
 * Invariant: 'BENCH done' comes last, and only if nothing failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "bench.h"

#define BATCHES 9

_Noreturn void bench_fail(const char *what)
{
    printf("BENCH failed: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void measure(const struct operation *op)
{
    uint64_t least = UINT64_MAX;

    if (op->begin && op->begin()) {
        return;
    }
    for (int i = 0; i < BATCHES; i++) {
        uint64_t start;

        window_begin();
        start = ticks();
        op->run(op->count);
        start = ticks() - start;
        window_end();
        least = start < least ? start : least;
    }
    printf("BENCH %s %" PRIu64 "\n", op->name, least / op->count);
    fflush(stdout);
}

static _Noreturn void as_init(uint64_t now)
{
    /* The console that the kernel opened for its first process may be missing: the RAM disk's /dev has one. */
    int fd = open("/dev/console", O_WRONLY);

    if (fd >= 0) {
        dprintf(fd, "BENCH boot-to-init %" PRIu64 "\n", now);
        close(fd);
    }
    reboot(RB_POWER_OFF);
    _exit(1);
}

int main(int argc, char **argv)
{
    uint64_t now = ticks();

    if (argc == 2 && !strcmp(argv[1], "--end")) {
        _exit(0);
    }
    if (getpid() == 1) {
        window_end(); /* which began with the machine */
        as_init(now);
    }
    if (argc > 1 && !strcmp(argv[1], "run")) {
        return bench_run(argc - 2, argv + 2);
    }
    /* Timers that ask for nothing are to end at once, not when it suits. */
    if (prctl(PR_SET_TIMERSLACK, 1)) {
        bench_fail("timer slack");
    }
    for (const struct operation *op = kernel_operations; op->name; op++) {
        measure(op);
    }
    for (const struct operation *op = process_operations; op->name; op++) {
        measure(op);
    }
    for (const struct operation *op = xen_operations; op->name; op++) {
        measure(op);
    }
    puts("BENCH done 0");
    return 0;
}
