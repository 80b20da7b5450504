/* SPDX-License-Identifier: MIT */
/*
 * Operations between processes and threads: fork, exec, a byte through two pipes, a thread switch by futex.
 * Invariant: all run on one CPU, so that a round trip is two switches; every process that is started is waited for.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* Linux's ABI: include/uapi/linux/futex.h, which musl does not bring. */
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

enum turn {
    MAIN,
    OTHER
};

static _Atomic int turn;
static int to_child[2], from_child[2];

static void wait_for(pid_t child)
{
    int status;

    if (child < 0) {
        bench_fail("fork");
    }
    if (waitpid(child, &status, 0) != child || status) {
        bench_fail("a child");
    }
}

static void run_fork(unsigned int count)
{
    while (count--) {
        pid_t child = fork();

        if (!child) {
            _exit(0);
        }
        wait_for(child);
    }
}

static void run_exec(unsigned int count)
{
    while (count--) {
        pid_t child = fork();

        if (!child) {
            execl("/proc/self/exe", "linux-bench", "--end", (char *)NULL);
            _exit(1);
        }
        wait_for(child);
    }
}

/* The other end: it lives as long as the pipe to it. */
static _Noreturn void echo(void)
{
    char byte;

    close(to_child[1]);
    while (read(to_child[0], &byte, 1) == 1 && write(from_child[1], &byte, 1) == 1) {
    }
    _exit(0);
}

static int begin_pipe(void)
{
    cpu_set_t first;

    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (sched_setaffinity(0, sizeof(first), &first) || pipe(to_child) || pipe(from_child)) {
        bench_fail("pipes on one CPU");
    }
    switch (fork()) {
    case -1:
        bench_fail("fork");
    case 0:
        echo();
    default:
        break;
    }
    return 0;
}

static void run_pipe(unsigned int count)
{
    char byte = 0;

    while (count--) {
        if (write(to_child[1], &byte, 1) != 1 || read(from_child[0], &byte, 1) != 1) {
            bench_fail("a pipe");
        }
    }
}

static void hand_over(enum turn self, enum turn other)
{
    atomic_store(&turn, other);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    while (atomic_load(&turn) != (int)self) {
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, other, NULL, NULL, 0);
    }
}

static void *other_thread(void *unused)
{
    while (atomic_load(&turn) != OTHER) {
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, MAIN, NULL, NULL, 0);
    }
    for (;;) {
        hand_over(OTHER, MAIN);
    }
    return unused;
}

static int begin_threads(void)
{
    pthread_t other;

    if (pthread_create(&other, NULL, other_thread, NULL)) {
        bench_fail("a thread");
    }
    return 0;
}

static void run_threads(unsigned int count)
{
    while (count--) {
        hand_over(MAIN, OTHER);
    }
}

const struct operation process_operations[] = {
    {"fork-exit", 10, NULL, run_fork},
    {"fork-exec-exit", 10, NULL, run_exec},
    {"pipe-round-trip", 100, begin_pipe, run_pipe},
    {"thread-round-trip", 100, begin_threads, run_threads},
    {NULL, 0, NULL, NULL},
};
