/* SPDX-License-Identifier: MIT */
/*
 * Starts every CPU that the machine has; each counts for a second, then they pass a token round by waking one another.
 *   smp [rounds=200]
 */
#include <stdio.h>

#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/smp.h"
#include "pvk/thread.h"

#define MAX_CPUS 32

struct worker {
    unsigned cpu;
    uint64_t counted;
    struct thread *thread;
};

static struct worker workers[MAX_CPUS];
static unsigned nr_workers;
static uint64_t token; /* whose turn it is: token % nr_workers */
static uint64_t rounds;
static struct wait_queue queue = WAIT_QUEUE_INIT(queue);

static uint64_t token_now(void)
{
    return __atomic_load_n(&token, __ATOMIC_ACQUIRE);
}

static void work(void *arg)
{
    struct worker *w = arg;
    uint64_t end = clock_ns() + NS_PER_S;

    while (clock_ns() < end) {
        w->counted++;
    }
    while (token_now() < rounds * nr_workers) {
        wait_until(&queue, token_now() % nr_workers == w->cpu || token_now() >= rounds * nr_workers,
                   0);
        if (token_now() < rounds * nr_workers) {
            __atomic_store_n(&token, token_now() + 1, __ATOMIC_RELEASE);
            wait_queue_wake(&queue);
        }
    }
}

int main(void)
{
    uint64_t start;

    rounds = cmdline_number("rounds", 200);
    nr_workers = cpu_count();
    printf("smp: %u CPUs\n", nr_workers);
    for (unsigned i = 1; i < nr_workers; i++) {
        int rc = cpu_start(i);

        if (rc != 0) {
            printf("smp: CPU %u does not start: error %d\n", i, -rc);
            return 1;
        }
    }
    start = clock_ns();
    for (unsigned i = 0; i < nr_workers; i++) {
        workers[i].cpu = i;
        workers[i].thread = thread_create_on(i, "worker", work, &workers[i]);
        if (workers[i].thread == NULL) {
            return 1;
        }
    }
    for (unsigned i = 0; i < nr_workers; i++) {
        thread_join(workers[i].thread);
        printf("smp: CPU %u counted to %lu in a second\n", i, workers[i].counted);
    }
    printf("smp: %lu turns in %lu ms\n", token_now(), (clock_ns() - start - NS_PER_S) / NS_PER_MS);
    return 0;
}
