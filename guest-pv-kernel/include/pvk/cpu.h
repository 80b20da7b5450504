/* SPDX-License-Identifier: MIT */
/*
 * What a kernel asks of its CPU by an instruction that user code may not use, or must not believe: one function each, in
 * pv/privileged.c and native/privileged.c. docs/book/back-ends.md puts the two beside each other.
 */
#ifndef PVK_CPU_H
#define PVK_CPU_H

#include <stdint.h>

/* Physical (for a domain: machine) address of the root of the page tables in use. */
uint64_t cpu_page_root(void);

/* CPUID of subleaf 0: eax, ebx, ecx, edx. */
void cpu_identify(uint32_t leaf, uint32_t regs[4]);

/* One byte from an I/O port; all ones where nothing is, or where this machine may not look. */
uint8_t cpu_port_read(uint16_t port);

/* Sleep until an interrupt has been taken. Called with interrupts off, returns with interrupts on. */
void cpu_halt(void);

/* How long this CPU has slept since the start, where it slept for itself: a domain's sleep is others' work, and 0 here. */
uint64_t cpu_slept_ns(void);

/* A mark in the trace that the control domain may be taking of this machine (<xen/xenolith.h>); elsewhere nothing. */
void machine_mark(uint32_t value);
#define MACHINE_MARK_STOP 0xffffffffu /* the trace ends here */

#endif
