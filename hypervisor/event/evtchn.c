/* SPDX-License-Identifier: MIT */
/*
 * The port table, notification, and the operations that do not change a binding: send, unmask, status, bind_vcpu.
 * Invariant: an INTERDOMAIN port's peer is INTERDOMAIN and names it back; both change under both locks, so either
 * lock keeps the peer alive. Sending takes the local lock only.
 */
#include "event/event.h"

#include <stddef.h>

#include "common/errno.h"
#include "event/port.h"
#include "mm/hv_alloc.h"
#include "sched/sched.h"
#include "x86/ipi.h"
#include "x86/percpu.h"

struct evtchn_port *port_lookup(const struct evtchn_table *t, uint32_t port)
{
    struct evtchn_port *bucket;

    if (port >= t->limit) {
        return NULL;
    }
    bucket = t->bucket[port / PORTS_PER_BUCKET];
    return bucket ? &bucket[port % PORTS_PER_BUCKET] : NULL;
}

int port_alloc(struct evtchn_table *t, uint32_t *port, struct evtchn_port **out)
{
    for (uint32_t i = 0; i < t->limit; i++) {
        struct evtchn_port **bucket = &t->bucket[i / PORTS_PER_BUCKET];

        if (!*bucket) {
            *bucket = hv_alloc(sizeof(**bucket) * PORTS_PER_BUCKET);
            if (!*bucket) {
                return -ENOMEM;
            }
        }
        if ((*bucket)[i % PORTS_PER_BUCKET].state == PORT_FREE) {
            *port = i;
            *out = &(*bucket)[i % PORTS_PER_BUCKET];
            (*out)->vcpu = 0;
            return 0;
        }
    }
    return -ENOSPC;
}

void port_release(struct domain *d, uint32_t port, struct evtchn_port *p)
{
    evtchn_2l_clear_pending(d->shared_info, port);
    *p = (struct evtchn_port){.state = PORT_FREE};
}

void event_lock_pair(struct domain *a, struct domain *b)
{
    struct domain *first = a->id > b->id ? b : a, *second = first == a ? b : a;

    /* Both locks have one level; the second is taken at the level of a peer, lower domid first. */
    spin_lock(&first->event_lock);
    if (first != second) {
        spin_lock_at(&second->event_lock, LOCK_EVENT_PEER);
    }
}

void event_unlock_pair(struct domain *a, struct domain *b)
{
    spin_unlock(&a->event_lock);
    if (a != b) {
        spin_unlock(&b->event_lock);
    }
}

void vcpu_mark_events_pending(struct vcpu *v)
{
    if (__atomic_exchange_n(&v->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST)) {
        return;
    }
    if (__atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE) & VPF_BLOCKED) {
        sched_wake(v, VPF_BLOCKED);
    } else if (v != current_vcpu() && __atomic_load_n(&v->running, __ATOMIC_ACQUIRE)) {
        ipi_kick(__atomic_load_n(&v->processor, __ATOMIC_RELAXED));
    }
}

/* SCHEDOP_poll sleepers wake for their port however it is bound and masked: that is what polling means. */
static void wake_pollers(struct domain *d, uint32_t port)
{
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu(d, v, i) {
        if (unlikely(__atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE) & VPF_POLLING) &&
            (v->poll_port == port || v->poll_port == UINT32_MAX)) {
            sched_wake(v, VPF_POLLING);
        }
    }
}

void port_notify(struct domain *d, uint32_t port, const struct evtchn_port *p)
{
    struct vcpu *v = d->vcpu[p->vcpu];

    if (!v) {
        return;
    }
    if (evtchn_2l_set_pending(d->shared_info, v->info, port)) {
        vcpu_mark_events_pending(v);
    }
    wake_pollers(d, port);
}

int evtchn_send(struct domain *d, uint32_t port)
{
    struct evtchn_port *p;
    int rc = 0;

    spin_lock(&d->event_lock);
    p = port_lookup(d->evtchn, port);
    if (!p) {
        rc = -EINVAL;
    } else if (p->state == PORT_INTERDOMAIN) {
        const struct evtchn_port *peer = port_lookup(p->peer->evtchn, p->peer_port);

        port_notify(p->peer, p->peer_port, peer);
    } else if (p->state == PORT_IPI) {
        port_notify(d, port, p);
    } else if (p->state != PORT_UNBOUND) {
        rc = -EINVAL;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

int evtchn_unmask(struct domain *d, uint32_t port)
{
    const struct evtchn_port *p;
    int rc = -EINVAL;

    spin_lock(&d->event_lock);
    p = port_lookup(d->evtchn, port);
    if (p && p->state != PORT_FREE && d->vcpu[p->vcpu]) {
        struct vcpu *v = d->vcpu[p->vcpu];

        if (evtchn_2l_unmask(d->shared_info, v->info, port)) {
            vcpu_mark_events_pending(v);
        }
        rc = 0;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

int evtchn_status(struct domain *d, uint32_t port, struct evtchn_status *out)
{
    const struct evtchn_port *p;
    int rc = 0;

    spin_lock(&d->event_lock);
    p = port_lookup(d->evtchn, port);
    if (!p) {
        rc = -EINVAL;
        goto out_unlock;
    }
    out->vcpu = p->vcpu;
    switch (p->state) {
    case PORT_UNBOUND:
        out->status = EVTCHNSTAT_unbound;
        out->u.unbound.dom = (domid_t)p->remote_id;
        break;
    case PORT_INTERDOMAIN:
        out->status = EVTCHNSTAT_interdomain;
        out->u.interdomain.dom = p->peer->id;
        out->u.interdomain.port = p->peer_port;
        break;
    case PORT_VIRQ:
        out->status = EVTCHNSTAT_virq;
        out->u.virq = p->virq;
        break;
    case PORT_IPI:
        out->status = EVTCHNSTAT_ipi;
        break;
    case PORT_PIRQ:
        out->status = EVTCHNSTAT_pirq;
        out->u.pirq = p->pirq;
        break;
    default:
        out->status = EVTCHNSTAT_closed;
        break;
    }
out_unlock:
    spin_unlock(&d->event_lock);
    return rc;
}

int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
{
    struct evtchn_port *p;
    int rc = -EINVAL;

    if (vcpu >= d->max_vcpus || !d->vcpu[vcpu]) {
        return -ENOENT;
    }
    spin_lock(&d->event_lock);
    p = port_lookup(d->evtchn, port);
    if (p && (p->state == PORT_UNBOUND || p->state == PORT_INTERDOMAIN || p->state == PORT_PIRQ ||
              (p->state == PORT_VIRQ && virq_is_global(p->virq)))) {
        p->vcpu = (uint16_t)vcpu;
        rc = 0;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

/* Priorities belong to the FIFO ABI; the two-level one has none, and says so. */
int evtchn_set_priority(struct domain *d, uint32_t port, uint32_t priority)
{
    (void)d;
    (void)port;
    (void)priority;
    return -ENOSYS;
}
