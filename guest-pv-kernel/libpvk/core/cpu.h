/* SPDX-License-Identifier: MIT */
/*
 * What each CPU has of its own. The kernel's GS base and FS base both point at it: GS for this_cpu(), FS because compilers
 * take the stack protector's canary from %fs:0x28.
 */
#ifndef PVK_CORE_CPU_H
#define PVK_CORE_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"
#include "pvk/regs.h"
#include "pvk/traps.h"

#define PVK_MAX_CPUS 32 /* as many vcpu_info structures as there are in the shared info page */

struct thread;
struct user_context;
struct user_space;

/* A running trap_catch(): where to unwind to, and where to tell what happened. */
struct catch_frame {
    uint64_t rsp;
    struct trap_seen *seen;
};

struct cpu {
    struct cpu *self;
    uint32_t id;
    uint32_t online; /* set by the CPU itself when it takes threads */
    uint64_t fault_address;
    struct catch_frame *catch;
    struct thread *current;
    uint64_t stack_canary;     /* at 0x28: fixed by the compilers' ABI */
    struct user_context *user; /* the user code that this CPU runs; NULL: none */
    struct user_space *space;  /* the one in use; NULL: none */
    uint64_t
        user_entry_stack; /* stack that user mode is left to; pv: as last told to the hypervisor */
    void *vcpu_info;      /* pv: this CPU's part of the shared info page */
    uint64_t user_rsp;    /* native: user mode's stack pointer while a system call changes stacks */
    uint64_t slept_ns;    /* native: in backend_idle(); written by the CPU itself */
    uint64_t nr_kicks;    /* interrupts from other CPUs that have arrived; written by the CPU itself */
};
_Static_assert(offsetof(struct cpu, stack_canary) == 0x28, "fixed by the compilers' ABI");

extern struct cpu cpus[PVK_MAX_CPUS];

static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

#endif
