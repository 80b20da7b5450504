/* SPDX-License-Identifier: MIT */
/*
 * More than one CPU: how many there are, starting them, and which one runs this code. A started CPU takes threads
 * (thread_create_on).
 */
#ifndef PVK_SMP_H
#define PVK_SMP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"

/* CPUs that this machine has, started or not; CPU 0 is the one that started first. */
unsigned cpu_count(void);

/* The CPU that runs the caller. */
unsigned cpu_id(void);

/* True once the CPU takes threads. */
bool cpu_is_online(unsigned cpu);

/* Interrupt a CPU, which may be this one, without a reason of its own; and how often that has reached it. Any context. */
void cpu_kick(unsigned cpu);
uint64_t cpu_nr_kicks(unsigned cpu);

/* Start a CPU and wait until it takes threads: 0 or -errno. Thread context. */
int cpu_start(unsigned cpu) __must_check;

#endif
