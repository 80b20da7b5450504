/* SPDX-License-Identifier: MIT */
/*
 * SCHEDOP_block and SCHEDOP_poll. Both set their flag first and look for events second: an event that comes between finds
 * the flag and wakes the vCPU, so none is lost. Guest memory (pending bits, mask) only decides when to wake.
 */
#include <xen/xen.h>

#include "common/errno.h"
#include "sched/sched.h"
#include "sched/vcpu_timer.h"
#include "x86/percpu.h"

static bool upcall_pending(const struct vcpu *v)
{
    return __atomic_load_n(&v->info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0;
}

void sched_block(struct vcpu *v)
{
    __atomic_store_n(&v->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&v->pause_flags, VPF_BLOCKED, __ATOMIC_SEQ_CST);
    if (upcall_pending(v)) {
        __atomic_fetch_and(&v->pause_flags, ~VPF_BLOCKED, __ATOMIC_SEQ_CST);
        return;
    }
    sched_raise_resched();
}

static bool port_pending(const struct domain *d, uint32_t port)
{
    const uint64_t *words = (const uint64_t *)(const void *)d->shared_info->evtchn_pending;

    return port < 4096 && (__atomic_load_n(&words[port / 64], __ATOMIC_SEQ_CST) >> port % 64 & 1);
}

int sched_poll(struct vcpu *v, const uint32_t *ports, unsigned int nr, uint64_t timeout_ns)
{
    for (unsigned int i = 0; i < nr; i++) {
        if (ports[i] >= 4096) {
            return -EINVAL;
        }
    }
    v->poll_port = nr == 1 ? ports[0] : UINT32_MAX;
    __atomic_fetch_or(&v->pause_flags, VPF_POLLING, __ATOMIC_SEQ_CST);
    /* An unmasked pending upcall is to be taken first. */
    if (upcall_pending(v) && !READ_ONCE(v->info->evtchn_upcall_mask)) {
        goto out_awake;
    }
    for (unsigned int i = 0; i < nr; i++) {
        if (port_pending(v->domain, ports[i])) {
            goto out_awake;
        }
    }
    if (timeout_ns) {
        vcpu_poll_deadline(v, timeout_ns);
    }
    sched_raise_resched();
    return 0;

out_awake:
    __atomic_fetch_and(&v->pause_flags, ~VPF_POLLING, __ATOMIC_SEQ_CST);
    return 0;
}
