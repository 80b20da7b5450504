/* SPDX-License-Identifier: MIT */
/*
 * Ways out of the hypervisor, in entry.S. All of them drop what is on the CPU's main stack: the hypervisor keeps no
 * state of a vCPU there between two guest entries.
 */
#ifndef X86_ENTRY_H
#define X86_ENTRY_H

#include "common/compiler.h"

struct vcpu;

/* Load this_cpu()->curr's state and continue it; runs pending work and event delivery first. */
void exit_to_guest(void) __noreturn_fn;

/* Reset the main stack and call fn, which must not return. */
void stack_reset_and_call(void (*fn)(void)) __noreturn_fn;

/*
 * Let interrupts in for one instruction, then tell whether work waits on this CPU: the preemption point of every
 * operation whose length a guest chooses. Interrupts only set work bits, so the caller's state is safe.
 */
int preempt_pending(void);

/* sti; hlt; cli: sleep until an interrupt. */
void cpu_sleep(void);

#endif
