/* SPDX-License-Identifier: MIT */
/*
 * multicall: a guest's array of calls, each run as if issued alone, each result written back to its entry.
 * Invariants: every entry is copied once and used from the copy; no nesting; a preemption point lies between entries,
 * with the array pointer and count advanced as the typed continuation. iret changes mode and stack, so it ends the batch.
 */
#include <xen/xen.h>

#include "common/errno.h"
#include "domain/domain.h"
#include "hypercall/dispatch.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "x86/entry.h"
#include "x86/percpu.h"

static void args_to_regs(const struct multicall_entry *e, struct cpu_user_regs *r)
{
    r->rdi = e->args[0];
    r->rsi = e->args[1];
    r->rdx = e->args[2];
    r->r10 = e->args[3];
}

/* The entry was preempted midway: what is left of it goes back into the guest's array. */
static int write_back_rest(gva_t at, struct vcpu *v)
{
    struct multicall_entry e = {.op = v->hc_nr};

    for (unsigned int i = 0; i < v->hc_restarted; i++) {
        e.args[i] = v->hc_restart_args[i];
    }
    return guest_write(at, &e, sizeof(e));
}

int64_t hc_multicall(uint64_t list, uint64_t count)
{
    struct vcpu *v = current_vcpu();
    struct multicall_entry e;
    struct cpu_user_regs args;
    int64_t rc = 0;
    uint32_t nr = (uint32_t)count;

    if (v->hc_in_multicall) {
        return -EINVAL;
    }
    if (!guest_range_ok(gva_make(list), (uint64_t)nr * sizeof(e))) {
        return -EFAULT;
    }
    v->hc_in_multicall = 1;
    for (uint32_t i = 0; i < nr; i++) {
        gva_t at = gva_make(list + (uint64_t)i * sizeof(e));

        if (i > 0 && preempt_pending()) {
            rc = hc_continue_multicall(gva_raw(at), nr - i);
            break;
        }
        rc = guest_read(&e, at, sizeof(e));
        if (rc) {
            break;
        }
        if (e.op == __HYPERVISOR_iret) {
            hypercall_run(v, e.op, &v->regs);
            rc = (int64_t)v->regs.rax;
            break;
        }
        args_to_regs(&e, &args);
        rc = hypercall_run(v, e.op, &args);
        if (rc == HC_RESTARTED) {
            rc = write_back_rest(at, v);
            if (rc == 0) {
                rc = hc_continue_multicall(gva_raw(at), nr - i);
            }
            break;
        }
        rc = guest_write_field(at, struct multicall_entry, result, (unsigned long)rc);
        if (rc) {
            break;
        }
        if (!vcpu_runnable(v)) {
            /* Blocked, shut down or crashed by the entry: the rest runs when (and if) it runs again. */
            rc = i + 1 < nr ? hc_continue_multicall(gva_raw(at) + sizeof(e), nr - i - 1) : 0;
            break;
        }
    }
    v->hc_in_multicall = 0;
    return rc;
}
