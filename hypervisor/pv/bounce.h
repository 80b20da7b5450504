/* SPDX-License-Identifier: MIT */
/*
 * Entering the guest kernel: exceptions, events and system calls become frames on its stack. Each function either leaves
 * v->regs at the guest's entry point or crashes the domain; there is no third outcome for the caller to handle.
 * All run on v's own CPU with its address space loaded.
 */
#ifndef PV_BOUNCE_H
#define PV_BOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/vcpu.h"

/* A software interrupt: vector n without an error code; regs.rip is already behind the instruction. */
void bounce_vector(struct vcpu *v, uint32_t vector);

/* A system call of user mode to this entry. */
void bounce_syscall(struct vcpu *v, const struct guest_callback *to);

/* Event upcall: the caller has seen that one is deliverable and that a callback is registered. */
void bounce_event(struct vcpu *v);
void bounce_nmi(struct vcpu *v);

/* Data selectors could not be loaded: the guest gets them by its failsafe callback. */
void bounce_failsafe(struct vcpu *v, uint16_t ds, uint16_t es, uint16_t fs, uint16_t gs);

/* The guest kernel's stack takes no frame: end of the domain. Also called by fast.S. */
void bounce_no_stack(struct vcpu *v, uint64_t rsp);

#endif
