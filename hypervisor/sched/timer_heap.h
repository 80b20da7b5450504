/* SPDX-License-Identifier: MIT */
/*
 * A binary heap of timers by deadline, pure. Invariant: every armed timer knows its index, so removal needs no search.
 */
#ifndef SCHED_TIMER_HEAP_H
#define SCHED_TIMER_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "sched/timer.h"

struct timer_heap {
    struct timer **slot; /* capacity entries, the caller's memory */
    uint32_t nr, capacity;
};

/* False when the heap is full. The timer must not be armed. */
bool timer_heap_add(struct timer_heap *h, struct timer *t);
void timer_heap_remove(struct timer_heap *h, struct timer *t);
/* The earliest one, NULL when empty. */
struct timer *timer_heap_first(const struct timer_heap *h);

#endif
