/* SPDX-License-Identifier: MIT */
/*
 * What the parts of linux-bench share: an operation is a function that does it n times; the frame counts.
 * Invariant: an operation that fails ends the program with a line that says which and why: no number comes of it.
 */
#ifndef LINUX_BENCH_H
#define LINUX_BENCH_H

#include <stdint.h>

struct operation {
    const char *name;
    unsigned int count; /* how often in one batch */
    int (*begin)(
        void); /* NULL, or what has to be there first; 1: not possible here, leave it out */
    void (*run)(unsigned int count);
};

extern const struct operation kernel_operations[]; /* ends with a NULL name */
extern const struct operation process_operations[];
extern const struct operation xen_operations[];

/* The time-stamp counter: with QEMU's -icount shift=0 it counts instructions since the machine's start. */
static inline uint64_t ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* What lies between these two is a window of tests/bench/profile/count.c; to everybody else they do nothing. */
static inline void window_begin(void)
{
    __asm__ volatile("nopl 0x62656730(%%rax)" : : : "memory");
}

static inline void window_end(void)
{
    __asm__ volatile("nopl 0x62656731(%%rax)" : : : "memory");
}

/* linux-bench run; the arguments behind that word. */
int bench_run(int argc, char **argv);

/* Ends the program; errno says why. */
_Noreturn void bench_fail(const char *what);

#endif
