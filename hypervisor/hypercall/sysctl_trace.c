/* SPDX-License-Identifier: MIT */
/*
 * Who is traced, and reading the rings. The rings are made when the first domain is traced, and stay.
 * Invariant: this changes what of a vCPU is traced only while it has no CPU, for its slow paths change with it.
 */
#include "hypercall/sysctl_trace.h"

#include <xen/sysctl.h>

#include "common/errno.h"
#include "common/string.h"
#include "debug/trace.h"
#include "domain/domain.h"
#include "hypercall/domctl.h"
#include "mm/guest_copy.h"
#include "mm/hv_alloc.h"
#include "pv/pv.h"
#include "x86/percpu.h"
#include "x86/time.h"

/* Records at one call: a page and a half, so that the caller's CPU is not held for long. */
#define READ_MAX 256u
#define ALL      (XENOLITH_TRACE_MARKS | XENOLITH_TRACE_CROSSINGS | XENOLITH_TRACE_ARMED)

static struct spinlock lock = SPINLOCK_INIT("trace", LOCK_DOMCTL); /* rings, and their readers */

/* One at a time, for a ring has many pages to be zeroed: -ERESTART while there are more to make. */
static int make_ring(void)
{
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        struct trace_ring **ring = &percpu_of(cpu)->trace;

        if (!*ring) {
            *ring = hv_alloc_pages(TRACE_RING_PAGES);
            return *ring ? -ERESTART : -ENOMEM;
        }
    }
    return 0;
}

static void set(struct domain *d, uint8_t what)
{
    struct vcpu *v;
    unsigned int i;

    domain_pause(d);
    for_each_vcpu (d, v, i) {
        v->counters->traced = what;
        if (!v->full) {
            pv_slow_paths_update(v);
        }
    }
    domain_unpause(d);
}

static int64_t choose(const struct xenolith_sysctl_trace *t)
{
    struct domain *d = t->what & ~ALL ? NULL : domain_get_by_id(t->domain);
    int rc = d == current_domain() ? -EINVAL : 0;

    if (!d) {
        return t->what & ~ALL ? -EINVAL : -ESRCH;
    }
    if (rc == 0) {
        spin_lock(&lock);
        rc = make_ring();
        spin_unlock(&lock);
    }
    if (rc == 0) {
        set(d, (uint8_t)t->what);
    }
    domain_put(d);
    return rc;
}

static int64_t read(struct xenolith_sysctl_trace *t)
{
    struct trace_ring *ring = t->cpu < nr_cpus ? percpu_of(t->cpu)->trace : NULL;
    const struct xenolith_trace_record *from;
    int rc;

    if (!ring) {
        return -ENOENT;
    }
    t->nr = MIN(t->nr, READ_MAX);
    spin_lock(&lock);
    from = trace_peek(ring, &t->nr);
    rc = t->nr ? guest_write(gva_make((uint64_t)t->buffer.p), from, t->nr * sizeof(*from)) : 0;
    if (rc == 0) {
        t->lost = __atomic_exchange_n(&ring->lost, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&ring->taken, ring->taken + t->nr, __ATOMIC_RELEASE);
    }
    spin_unlock(&lock);
    return rc;
}

int64_t sysctl_trace(struct xen_sysctl *op)
{
    struct xenolith_sysctl_trace t;
    int64_t rc;

    memcpy(&t, op->u.pad, sizeof(t));
    rc = t.op == XENOLITH_TRACE_set    ? choose(&t)
         : t.op == XENOLITH_TRACE_read ? read(&t)
                                       : -EOPNOTSUPP;
    t.tsc_khz = tsc_khz;
    memcpy(op->u.pad, &t, sizeof(t));
    return rc;
}
