/* SPDX-License-Identifier: MIT */
/*
 * Starting another CPU of a PV machine: its whole first state is handed over in one structure, then it is switched on. There is
 * no real mode and no trampoline: it begins in C, on its own stack, with the same page tables.
 */
#include "pvk/smp.h"

#include <stdlib.h>

#include <xen/errno.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "libpvk/pv/boot.h"
#include "libpvk/pv/entry.h"
#include "libpvk/pv/events.h"
#include "libpvk/pv/traps.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"
#include "pvk/thread.h"

#define STACK_ORDER 2 /* start-up and idle loop of the CPU */

unsigned cpu_count(void)
{
    unsigned count = 0;

    /* 1: up, 0: down, negative: no such CPU. */
    while (count < PVK_MAX_CPUS && hc_vcpu_op(VCPUOP_is_up, count, NULL) >= 0) {
        count++;
    }
    return count;
}

unsigned cpu_id(void)
{
    return this_cpu()->id;
}

bool cpu_is_online(unsigned cpu)
{
    return cpu < PVK_MAX_CPUS && __atomic_load_n(&cpus[cpu].online, __ATOMIC_ACQUIRE) != 0;
}

/* The other CPU's first function. Events are masked. */
static __noreturn_fn void secondary_main(unsigned id)
{
    cpu_init_self(id);
    pv_traps_init_cpu(); /* the system call entry is not part of the state that was handed over */
    events_init_cpu(id);
    clock_init_cpu(id);
    sched_init(); /* the CPU is online from here on */
    sched_idle();
}

static void fill_context(struct vcpu_guest_context *c, unsigned id, char *stack_top)
{
    c->flags = VGCF_IN_KERNEL;
    c->user_regs.rip = (uintptr_t)secondary_main;
    c->user_regs.rdi = id;
    c->user_regs.rsp =
        (uintptr_t)stack_top - 8; /* as after a call: the word is the end of backtraces, zero */
    c->user_regs.rflags = 0;
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = (uintptr_t)stack_top;
    c->ctrlreg[3] = xen_pfn_to_cr3(mfn_raw(mfn_of_pfn(pfn_of_va(kernel_space.kernel_root))));
    c->gs_base_kernel = (uintptr_t)&cpus[id];
    c->fs_base = (uintptr_t)&cpus[id];
    for (const struct trap_info *t = pv_trap_table; t->address != 0; t++) {
        c->trap_ctxt[t->vector] = *t;
    }
    c->event_callback_eip = (uintptr_t)entry_event;
    c->failsafe_callback_eip = (uintptr_t)entry_failsafe;
}

int cpu_start(unsigned cpu)
{
    struct vcpu_guest_context *context;
    char *stack;
    long rc;

    if (cpu >= PVK_MAX_CPUS || cpu_is_online(cpu)) {
        return -XEN_EINVAL;
    }
    context = calloc(1, sizeof(*context));
    stack = page_alloc(STACK_ORDER);
    if (context == NULL || stack == NULL || map_remove(stack, 1) != 0) {
        rc = -XEN_ENOMEM;
    } else {
        fill_context(context, cpu, stack + ((size_t)PAGE_SIZE << STACK_ORDER));
        rc = hc_vcpu_op(VCPUOP_initialise, cpu, context);
    }
    free(context);
    if (rc == 0) {
        rc = hc_vcpu_op(VCPUOP_up, cpu, NULL);
    }
    while (rc == 0 && !cpu_is_online(cpu)) {
        hc_sched_op(SCHEDOP_yield, NULL);
    }
    return (int)rc; /* a failed start keeps its stack: the CPU may have been initialised with it */
}
