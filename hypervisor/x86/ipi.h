/* SPDX-License-Identifier: MIT */
/*
 * Cross-CPU requests. A request is written into the target's shared per-CPU state and then kicked by an interrupt;
 * the target serves it from the interrupt, from a spinning lock or from another wait loop, whichever comes first.
 */
#ifndef X86_IPI_H
#define X86_IPI_H

#include <stdbool.h>
#include <stdint.h>

#define VEC_UART        0xe0
#define VEC_LAPIC_TIMER 0xf0
#define VEC_IPI         0xf1
#define VEC_SPURIOUS    0xff

/* Serve what others asked of this CPU (a TLB flush). Cheap when there is nothing. */
void ipi_poll(void);

/* Stop all other CPUs for good, by NMI; returns when they have stopped or a while has passed. */
void ipi_stop_others(void);

/* For the NMI handler: is this NMI that of ipi_stop_others()? Then say that we have stopped, and do. */
bool ipi_is_stopping(void);
void ipi_stopped(void) __attribute__((noreturn));

/* Interrupt a CPU so that it looks at its work bits. */
void ipi_kick(uint32_t cpu);

#endif
