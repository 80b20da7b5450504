/* SPDX-License-Identifier: MIT */
/*
 * Keeps its CPU busy with work that asks the machine for nothing, and says how many ticks of the time stamp counter that took: what it
 * costs to run on a hypervisor without using it.   compute [millions=N (of rounds; 20)]
 */
#include <stdint.h>
#include <stdio.h>

#include "pvk/machine.h"

#define WORDS (1u << 18)

static uint64_t table[WORDS]; /* 2 MiB: more than a few translations are in use */

/* A generator whose numbers say where in the table they go. */
static uint64_t work(uint64_t rounds)
{
    uint64_t x = 1;

    for (uint64_t i = 0; i < rounds; i++) {
        x = x * 6364136223846793005ul + 1442695040888963407ul;
        table[x >> 46] ^= x;
    }
    return x;
}

int main(int argc, char **argv)
{
    uint64_t rounds = cmdline_number("millions", 20) * 1000000;
    uint64_t start, ticks, last;

    (void)argc;
    (void)argv;
    work(WORDS); /* pages and caches are as they will be */
    start = __builtin_ia32_rdtsc();
    last = work(rounds);
    ticks = __builtin_ia32_rdtsc() - start;
    printf("compute: %lu ticks for %lu rounds, ending at %lx\n", ticks, rounds, last);
    return 0;
}
