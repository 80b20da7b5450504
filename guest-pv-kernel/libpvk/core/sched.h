/* SPDX-License-Identifier: MIT */
/*
 * The scheduler, seen from the kernel's own start-up, interrupt return and back end.
 */
#ifndef PVK_CORE_SCHED_H
#define PVK_CORE_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"

/* Make the code that runs now the first thread of this CPU. */
void sched_init(void);

/* Before a return to user mode, interrupts off: let another thread run if there is one. True if one did. */
bool sched_preempt(void);

/* The end of the start of a CPU: what ran so far is the idle thread. */
__noreturn_fn void sched_idle(void);

/* Timers of this CPU: from the clock interrupt. */
void timers_run(void);
void timers_init_cpu(unsigned cpu);

/* Back end: interrupt this CPU at that time (clock_ns() scale; 0: never). */
void backend_timer_set(uint64_t deadline_ns);

/* Back end: interrupt another CPU, so that it looks at its run queue. */
void backend_kick_cpu(unsigned cpu);

#endif
