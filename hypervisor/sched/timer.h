/* SPDX-License-Identifier: MIT */
/*
 * Software timers: a heap per CPU over the one-shot hardware timer. A callback runs on the CPU that owns the timer,
 * before that CPU returns to a guest, with interrupts off; it may re-arm its own timer.
 */
#ifndef SCHED_TIMER_H
#define SCHED_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    uint64_t deadline_ns; /* now_ns() scale */
    void (*fn)(void *arg);
    void *arg;
    uint32_t cpu;         /* whose heap */
    int32_t heap_idx;     /* -1 when not armed */
};

void timer_setup(struct timer *t, void (*fn)(void *arg), void *arg);
/* Arm (or move) for an absolute deadline; one in the past fires at the next exit. */
void timer_arm(struct timer *t, uint64_t deadline_ns);
/* After it returns the callback neither runs nor will run. */
void timer_cancel(struct timer *t);
void timer_init_cpu(void);
/* Run what has expired on this CPU: WORK_TIMER. */
void timers_run(void);

#endif
