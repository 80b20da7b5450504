/* SPDX-License-Identifier: MIT */
/*
 * Operations within one process: system calls, memory, signals, timers.
 * Invariant: each leaves the process as it was, so that batches are alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "bench.h"

#define PAGE  4096
#define PAGES 256
/* 'movb $0, (%rax)': what the SEGV handler steps over. */
#define STORE_BYTES 3

static int zero = -1;
static char *area;
static volatile unsigned int signals;

static void run_getpid(unsigned int count)
{
    while (count--) {
        syscall(SYS_getpid);
    }
}

static int begin_read(void)
{
    zero = open("/dev/zero", O_RDONLY);
    if (zero < 0) {
        bench_fail("/dev/zero");
    }
    return 0;
}

static void run_read(unsigned int count)
{
    char byte;

    while (count--) {
        if (read(zero, &byte, 1) != 1) {
            bench_fail("read");
        }
    }
}

static void touch(char *memory)
{
    for (size_t i = 0; i < PAGES; i++) {
        *(volatile char *)(memory + i * PAGE) = 1;
    }
}

static char *map(void)
{
    char *memory =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        bench_fail("mmap");
    }
    return memory;
}

static void run_map(unsigned int count)
{
    while (count--) {
        char *memory = map();

        touch(memory);
        if (munmap(memory, PAGES * PAGE)) {
            bench_fail("munmap");
        }
    }
}

static int begin_protect(void)
{
    area = map();
    touch(area);
    return 0;
}

/* Taking a right away and giving it back are one operation each; the mean is reported. */
static void run_protect(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        if (mprotect(area, PAGES * PAGE, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ)) {
            bench_fail("mprotect");
        }
    }
}

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void handle(int number, void (*simple)(int), void (*full)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_flags = full ? SA_SIGINFO : 0};

    if (full) {
        action.sa_sigaction = full;
    } else {
        action.sa_handler = simple;
    }
    if (sigaction(number, &action, NULL)) {
        bench_fail("sigaction");
    }
}

static int begin_signal(void)
{
    handle(SIGUSR1, count_signal, NULL);
    return 0;
}

static void run_signal(unsigned int count)
{
    unsigned int wanted = signals + count;
    pid_t self = getpid();

    while (count--) {
        kill(self, SIGUSR1);
    }
    if (signals != wanted) {
        bench_fail("signals get lost");
    }
}

static void step_over(int number, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;

    (void)number;
    (void)info;
    interrupted->uc_mcontext.gregs[REG_RIP] += STORE_BYTES;
    signals++;
}

static int begin_segv(void)
{
    handle(SIGSEGV, NULL, step_over);
    if (mprotect(area, PAGES * PAGE, PROT_READ)) {
        bench_fail("mprotect");
    }
    return 0;
}

static void run_segv(unsigned int count)
{
    unsigned int wanted = signals + count;

    while (count--) {
        __asm__ volatile("movb $0, (%0)" : : "a"(area) : "memory");
    }
    if (signals != wanted) {
        bench_fail("a store to a read-only page raises no signal");
    }
}

static void run_yield(unsigned int count)
{
    while (count--) {
        sched_yield();
    }
}

static void run_sleep(unsigned int count)
{
    const struct timespec none = {0};

    while (count--) {
        if (nanosleep(&none, NULL)) {
            bench_fail("nanosleep");
        }
    }
}

const struct operation kernel_operations[] = {
    {"getpid", 2000, NULL, run_getpid},
    {"read-one-byte", 2000, begin_read, run_read},
    {"map-touch-unmap-256-pages", 4, NULL, run_map},
    {"mprotect-256-pages", 20, begin_protect, run_protect},
    {"signal", 200, begin_signal, run_signal},
    {"segv", 200, begin_segv, run_segv},
    {"sched-yield", 500, NULL, run_yield},
    {"nanosleep-0", 50, NULL, run_sleep},
    {NULL, 0, NULL, NULL},
};
