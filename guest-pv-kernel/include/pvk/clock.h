/* SPDX-License-Identifier: MIT */
/*
 * Time: nanoseconds since the machine started, the wall clock, and timers that call a function in interrupt context.
 */
#ifndef PVK_CLOCK_H
#define PVK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"

#define NS_PER_MS 1000000ul
#define NS_PER_S  1000000000ul

/* Nanoseconds since the start of the machine below; never goes back on one CPU. */
uint64_t clock_ns(void);

/* Nanoseconds since 1970-01-01 UTC, as far as the machine knows. */
uint64_t clock_wall_ns(void);

struct timer {
    struct list link; /* private */
    uint64_t deadline_ns;
    void (*fn)(
        struct timer *timer); /* interrupt context, interrupts off; the timer may be set again */
    bool active;              /* private; owner cpu only */
};

/* Call timer->fn at deadline_ns (clock_ns() scale) or soon after, on this CPU. An active timer is moved. */
void timer_set(struct timer *timer, uint64_t deadline_ns);

/* The function will not be called any more. Same CPU as timer_set(). */
void timer_cancel(struct timer *timer);

#endif
