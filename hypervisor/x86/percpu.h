/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data. Every stack of a CPU lies in that CPU's 1 MiB area, so the stack pointer alone names the CPU:
 * this_cpu() is two instructions and needs no segment register (GS belongs to the guest while the hypervisor runs).
 * Invariant: only the owning CPU writes the private part; the shared part is accessed atomically.
 */
#ifndef X86_PERCPU_H
#define X86_PERCPU_H

#include <stdint.h>

#include "common/compiler.h"
#include "x86/layout.h"

struct vcpu;

/* Hardware 64-bit TSS, SDM vol. 3, 8.7. The I/O bitmap base points past the limit: every guest port access faults. */
struct tss64 {
    uint32_t reserved0;
    uint64_t rsp0; /* end of curr->regs' hardware frame: guest state is saved straight into the vCPU */
    uint64_t rsp1, rsp2;
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iobase;
} __packed_struct __aligned_to(8);

/* Work to be done on a CPU before it returns to a guest or sleeps: bits of percpu.work. */
#define WORK_RESCHED (1u << 0) /* run the scheduler */
#define WORK_TIMER   (1u << 1) /* expired software timers */
#define WORK_CONSOLE (1u << 3) /* characters arrived on the console */
#define WORK_REAP    (1u << 4) /* a domain that has ended is to be destroyed */

struct percpu {
    /* private to the owning CPU */
    uint64_t scratch_rsp;   /* syscall stub: the guest's rsp for three instructions */
    struct vcpu *curr;      /* the vCPU whose guest state is loaded, NULL while idle */
    uint64_t syscall_rsp;   /* curr->regs.ss: what the SYSCALL stub pushes first is regs.rsp */
    uint64_t syscall_entry; /* where the SYSCALL stubs go on: entry.S */
    uint64_t syscall32_entry;
    uint64_t trap_entry; /* what exceptions and interrupts of a guest are given to: entry.S */
    uint32_t cpu; /* our number, 0 is the boot CPU */
    uint32_t apic_id;
    uint64_t lock_levels; /* debug: bitmap of held lock levels, see x86/lock.h */
    uint64_t idle_ns;
    uint32_t fault_vector; /* of the last fault that had a fix-up: what uaccess and IRET ran into */
    uint32_t fault_code;
    uint64_t fault_cr2;
    uint64_t *area_ptes; /* the L1 entries of our area: descriptor windows, see x86/gdt_tss.h */
    struct trace_ring *trace; /* debug/trace.h; NULL: nothing was ever traced */
    struct tss64 tss __aligned_to(64);

    /* shared: other CPUs set bits here, atomically */
    uint32_t work __aligned_to(64); /* WORK_* */
    uint32_t online;
    uint32_t flush_wanted; /* another CPU waits for us to forget all guest translations */
    uint64_t tlb_seen; /* x86/tlb.c: our guest translations are newer than this reading of the clock */
};

static inline struct percpu *percpu_of(uint32_t cpu)
{
    return (struct percpu *)(PERCPU_AREA_BASE + cpu * PERCPU_AREA_SIZE + PCPU_DATA_OFFSET);
}

static inline struct percpu *this_cpu(void)
{
    uint64_t sp;

    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
    return (struct percpu *)((sp & ~(PERCPU_AREA_SIZE - 1)) + PCPU_DATA_OFFSET);
}

/* The running vCPU; never NULL where a guest's request or trap is being handled. */
static inline struct vcpu *current_vcpu(void)
{
    return this_cpu()->curr;
}

/* Make v the running vCPU of this CPU: curr, TSS.rsp0 and v->hv_stack_top. NULL: none, the CPU idles. */
void percpu_set_current(struct vcpu *v);

/* Ask a CPU for work (WORK_* bits) and make sure that it notices: another CPU gets an interrupt. */
void percpu_raise(uint32_t cpu, uint32_t work);

extern uint64_t cpus_online; /* bitmap; const after SMP start except by CPU hotplug, which there is none of */
extern uint32_t nr_cpus;

/* The boot CPU's area in the final tables, over the frames that it uses already. */
int percpu_init_boot(void);
/* Memory, mappings and data of another CPU's area; 0 or -ENOMEM. */
int percpu_create(uint32_t cpu, uint32_t apic_id);

#endif
