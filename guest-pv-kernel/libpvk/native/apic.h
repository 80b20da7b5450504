/* SPDX-License-Identifier: MIT */
/*
 * The CPU's own interrupt controller: its timer, and interrupts to other CPUs. A machine without one has the PIC alone, and
 * one CPU.
 */
#ifndef PVK_NATIVE_APIC_H
#define PVK_NATIVE_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Find it and map it; then, on each CPU, switch it on. */
void apic_init(void);
void apic_init_cpu(void);

bool apic_present(void);

/* The interrupt at hand is done. */
void apic_end(void);

/* Interrupt the CPU with that APIC id. Any context. */
void apic_send(unsigned apic_id, unsigned vector);

/* Start a CPU in real mode at a page below 1 MiB. */
void apic_start_cpu(unsigned apic_id, uint32_t paddr);

/* The timer's interrupt after that many nanoseconds or a little before; 0: none. */
void apic_timer_set(uint64_t ns);

#endif
