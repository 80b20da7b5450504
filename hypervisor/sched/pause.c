/* SPDX-License-Identifier: MIT */
/*
 * Pause counts, and the end of a domain's running: shutdown, crash, and the reaper for domains that nobody else destroys
 * (the boot domain). Declared in domain/domain.h; here because stopping a vCPU is the scheduler's work.
 */
#include <stdarg.h>
#include <stddef.h>

#include <xen/sched.h>

#include "common/errno.h"
#include "common/format.h"
#include "debug/console.h"
#include "domain/domain.h"
#include "sched/sched.h"
#include "x86/percpu.h"

void domain_pause(struct domain *d)
{
    struct vcpu *v;
    unsigned int i;

    __atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    for_each_vcpu(d, v, i) {
        sched_sleep_sync(v, VPF_PAUSED);
    }
}

void domain_unpause(struct domain *d)
{
    struct vcpu *v;
    unsigned int i;

    if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST) == 0) {
        for_each_vcpu(d, v, i) {
            sched_pause_changed(v);
        }
    }
}

void vcpu_pause(struct vcpu *v)
{
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    sched_sleep_sync(v, VPF_PAUSED);
}

void vcpu_unpause(struct vcpu *v)
{
    if (__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST) == 0) {
        sched_pause_changed(v);
    }
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    enum domain_life life = d->life;
    struct vcpu *v;
    unsigned int i;

    /* Two vCPUs may call at once: the first reason counts. */
    do {
        if (life >= DOMAIN_SHUTDOWN) {
            return;
        }
    } while (!__atomic_compare_exchange_n(&d->life, &life, DOMAIN_SHUTDOWN, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    d->shutdown_code = reason;
    for_each_vcpu(d, v, i) {
        sched_sleep_nosync(v, VPF_DYING);
    }
    if (domain_hooks.shutdown) {
        domain_hooks.shutdown(d);
    }
}

void domain_resume(struct domain *d)
{
    struct vcpu *v;
    unsigned int i;

    if (d->life != DOMAIN_SHUTDOWN) {
        return;
    }
    d->life = DOMAIN_RUNNING;
    d->shutdown_code = 0;
    for_each_vcpu(d, v, i) {
        sched_wake(v, VPF_DYING);
    }
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    va_list args;

    if (d->life < DOMAIN_SHUTDOWN) {
        va_start(args, fmt);
        format_v(d->crash_reason, sizeof(d->crash_reason), fmt, args);
        va_end(args);
        hv_log_guest("d%u crashed: %s", d->id, d->crash_reason);
    }
    domain_shutdown(d, SHUTDOWN_crash);
}

/* One domain at a time is enough: the boot domain is the only one that ends on its own. */
static struct domain *to_reap;

void domain_reap_later(struct domain *d)
{
    d->self_destroy = true;
    __atomic_store_n(&to_reap, domain_get(d), __ATOMIC_RELEASE);
    percpu_raise(this_cpu()->cpu, WORK_REAP);
}

void domain_reap(void)
{
    struct domain *d = __atomic_exchange_n(&to_reap, NULL, __ATOMIC_ACQ_REL);

    if (!d) {
        return;
    }
    /* A domain's own last exit cannot be where it is taken apart: first let this CPU leave it. */
    if ((current_vcpu() && current_vcpu()->domain == d) || domain_kill(d) == -ERESTART) {
        __atomic_store_n(&to_reap, d, __ATOMIC_RELEASE);
        percpu_raise(this_cpu()->cpu, WORK_REAP);
        return;
    }
    domain_put(d);
}
