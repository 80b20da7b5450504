/* SPDX-License-Identifier: MIT */
/*
 * Start-up of event delivery.
 */
#ifndef PVK_PV_EVENTS_INTERNAL_H
#define PVK_PV_EVENTS_INTERNAL_H

/* Map the shared info page, so that the mask byte and the fault address of this CPU are the real ones. Before all else. */
void shared_info_init(void);

/* Mask all ports: a port is unmasked when it gets its handler. */
void events_init(void);

/* Bind what every CPU has: the wake-up interrupt. On the CPU itself or before it runs. */
void events_init_cpu(unsigned cpu);

/* The clock interrupt of a CPU. */
void clock_init_cpu(unsigned cpu);

#endif
