/* SPDX-License-Identifier: MIT */
/*
 * Handing a CPU from one guest to another. Guest registers already lie in the vCPUs, so what is left is the FPU, what the
 * vCPU's hooks keep (selectors, bases, roots, descriptor windows), the current pointer, and the books.
 * Invariant: a domain's bit in running_cpus is set before one of its roots is loaded and cleared after another one was.
 */
#include <stddef.h>

#include "debug/trace.h"
#include "sched/sched.h"
#include "sched/sched_private.h"
#include "sched/switch_hooks.h"
#include "x86/fpu.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/time.h"
#include "x86/tlb.h"

static void load(struct vcpu *v, uint64_t me)
{
    __atomic_fetch_or(&v->domain->mm.running_cpus, me, __ATOMIC_SEQ_CST);
    percpu_set_current(v);
    fpu_restore(v->fpu); /* before the hook sets the guest's CR0.TS */
    v->hooks->in(v);
    __atomic_store_n(&v->running, 1, __ATOMIC_SEQ_CST);
    COUNT(v, event, COUNT_CONTEXT_SWITCH);
    runstate_change(v, RUNSTATE_running, now_ns());
    vcpu_time_update(v);
    runstate_area_update(v);
}

void sched_switch_state(struct vcpu *prev, struct vcpu *next)
{
    uint64_t me = 1ul << this_cpu()->cpu;

    if (prev) {
        if (counters_traced(prev->counters)) {
            trace_write(prev->counters, XENOLITH_TRACE_SWITCH, next ? next->domain->id : DOMID_IDLE,
                        prev->regs.rip);
        }
        prev->hooks->out(prev);
        fpu_save(prev->fpu); /* after the hook has cleared the guest's CR0.TS */
        __atomic_store_n(&prev->running, 0, __ATOMIC_SEQ_CST);
    }
    if (next) {
        load(next, me);
    } else {
        percpu_set_current(NULL);
        tlb_load_cr3(hv_root_pa());
    }
    if (prev && (!next || next->domain != prev->domain)) {
        __atomic_fetch_and(&prev->domain->mm.running_cpus, ~me, __ATOMIC_SEQ_CST);
    }
}
