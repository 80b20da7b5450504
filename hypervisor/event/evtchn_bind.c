/* SPDX-License-Identifier: MIT */
/*
 * Making and breaking bindings: alloc_unbound, bind_interdomain, bind_virq, bind_ipi, close, reset, and a domain's
 * event life (unit). Interdomain changes happen under both domains' locks; an INTERDOMAIN port holds a reference on
 * its peer domain, given back when the port leaves that state.
 */
#include <stddef.h>

#include "common/errno.h"
#include "domain/privilege.h"
#include "event/event.h"
#include "event/pirq.h"
#include "event/port.h"
#include "mm/hv_alloc.h"
#include "x86/entry.h"

int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port)
{
    struct evtchn_port *p;
    int rc;

    spin_lock(&d->event_lock);
    rc = d->life >= DOMAIN_DYING ? -EINVAL : port_alloc(d->evtchn, port, &p);
    if (rc == 0) {
        p->state = PORT_UNBOUND;
        p->remote_id = remote == DOMID_SELF ? current_domain()->id : remote;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *local_port)
{
    struct evtchn_port *lp, *rp;
    struct domain *rd = domain_get_by_id(remote);
    int rc;

    if (!rd) {
        return -ESRCH;
    }
    event_lock_pair(d, rd);
    rc = d->life >= DOMAIN_DYING ? -EINVAL : port_alloc(d->evtchn, local_port, &lp);
    if (rc) {
        goto out_unlock;
    }
    rp = port_lookup(rd->evtchn, remote_port);
    if (!rp || rd->life >= DOMAIN_DYING || rp->state != PORT_UNBOUND || rp->remote_id != d->id) {
        rc = -EINVAL;
        goto out_unlock;
    }
    lp->state = PORT_INTERDOMAIN;
    lp->peer = domain_get(rd);
    lp->peer_port = remote_port;
    rp->state = PORT_INTERDOMAIN;
    rp->peer = domain_get(d);
    rp->peer_port = *local_port;
    /* What was sent to the unbound port has gone nowhere: one notification makes up for all of it. */
    port_notify(d, *local_port, lp);
out_unlock:
    event_unlock_pair(d, rd);
    domain_put(rd);
    return rc;
}

int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_port *p;
    struct vcpu *v;
    int rc;

    if (virq >= NR_VIRQS || (virq_is_global(virq) && vcpu != 0)) {
        return -EINVAL;
    }
    if (vcpu >= d->max_vcpus || !d->vcpu[vcpu]) {
        return -ENOENT;
    }
    v = d->vcpu[vcpu];
    spin_lock(&d->event_lock);
    rc = v->virq_port[virq] ? -EEXIST : port_alloc(d->evtchn, port, &p);
    if (rc == 0) {
        p->state = PORT_VIRQ;
        p->virq = (uint8_t)virq;
        p->vcpu = (uint16_t)vcpu;
        v->virq_port[virq] = *port;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_port *p;
    int rc;

    if (vcpu >= d->max_vcpus || !d->vcpu[vcpu]) {
        return -ENOENT;
    }
    spin_lock(&d->event_lock);
    rc = port_alloc(d->evtchn, port, &p);
    if (rc == 0) {
        p->state = PORT_IPI;
        p->vcpu = (uint16_t)vcpu;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

int evtchn_bind_pirq(struct domain *d, uint32_t pirq, uint32_t *port)
{
    struct evtchn_port *p;
    int rc;

    if (!may_hardware(d)) {
        return -EPERM;
    }
    spin_lock(&d->event_lock);
    rc = d->life >= DOMAIN_DYING ? -EINVAL : port_alloc(d->evtchn, port, &p);
    if (rc == 0) {
        rc = pirq_attach(pirq, d, *port);
    }
    if (rc == 0) {
        p->state = PORT_PIRQ;
        p->pirq = pirq;
    }
    spin_unlock(&d->event_lock);
    return rc;
}

/* Forget every vCPU's VIRQ that this port carried. */
static void unbind_virq(struct domain *d, uint32_t port, const struct evtchn_port *p)
{
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu(d, v, i) {
        if (v->virq_port[p->virq] == port) {
            v->virq_port[p->virq] = 0;
        }
    }
}

/* Close one port that is not INTERDOMAIN, or whose pair is locked. Returns the peer whose reference is to be dropped. */
static struct domain *close_locked(struct domain *d, uint32_t port, struct evtchn_port *p)
{
    struct domain *peer = NULL;

    if (p->state == PORT_VIRQ) {
        unbind_virq(d, port, p);
    } else if (p->state == PORT_PIRQ) {
        pirq_detach(p->pirq);
    } else if (p->state == PORT_INTERDOMAIN) {
        struct evtchn_port *rp = port_lookup(p->peer->evtchn, p->peer_port);

        peer = p->peer;
        rp->state = PORT_UNBOUND;
        rp->remote_id = d->id;
        rp->peer = NULL;
    }
    port_release(d, port, p);
    return peer;
}

int evtchn_close(struct domain *d, uint32_t port)
{
    struct domain *peer, *dropped = NULL;
    struct evtchn_port *p;

    for (;;) {
        spin_lock(&d->event_lock);
        p = port_lookup(d->evtchn, port);
        if (!p || p->state == PORT_FREE || p->state == PORT_RESERVED) {
            spin_unlock(&d->event_lock);
            return -EINVAL;
        }
        if (p->state != PORT_INTERDOMAIN) {
            close_locked(d, port, p);
            spin_unlock(&d->event_lock);
            return 0;
        }
        /* The pair's order may ask for the peer's lock first: let go, take both, and see whether it is still so. */
        peer = domain_get(p->peer);
        spin_unlock(&d->event_lock);
        event_lock_pair(d, peer);
        if (p->state == PORT_INTERDOMAIN && p->peer == peer) {
            dropped = close_locked(d, port, p);
        }
        event_unlock_pair(d, peer);
        domain_put(peer);
        if (dropped) {
            domain_put(dropped); /* the reference that our port held on the peer */
            domain_put(d);       /* the one that the peer's port held on us: the caller has another */
            return 0;
        }
    }
}

int evtchn_reset(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;

    for (; t->next_close < t->limit; t->next_close++) {
        uint32_t port = t->next_close;

        if (!t->bucket[port / PORTS_PER_BUCKET]) {
            t->next_close |= PORTS_PER_BUCKET - 1;
            continue;
        }
        evtchn_close(d, port); /* -EINVAL: it was free */
        if (preempt_pending()) {
            return -ERESTART;
        }
    }
    t->next_close = 0;
    return 0;
}

/* ---- a domain's event life ---- */

static int event_unit_init(struct domain *d)
{
    struct evtchn_table *t = hv_alloc(sizeof(*t));
    struct evtchn_port *p;
    uint32_t port;
    int rc;

    if (!t) {
        return -ENOMEM;
    }
    t->limit = d->max_evtchn_port < EVTCHN_2L_PORTS - 1 ? d->max_evtchn_port + 1 : EVTCHN_2L_PORTS;
    rc = port_alloc(t, &port, &p);
    if (rc) {
        hv_free(t);
        return rc;
    }
    p->state = PORT_RESERVED; /* port 0: "no port" in every interface */
    spin_init(&d->event_lock, "event", LOCK_EVENT);
    d->evtchn = t;
    return 0;
}

static int event_unit_kill(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;
    int rc;

    if (!t) {
        return 0;
    }
    rc = evtchn_reset(d);
    if (rc) {
        return rc;
    }
    /*
     * The table itself stays until no reference to d is left: a sender that holds its own lock may be looking at a
     * peer port of ours that it is about to find closed. its life keeps new bindings away. See event_unit_free.
     */
    return 0;
}

static void event_unit_free(struct domain *d)
{
    struct evtchn_table *t = d->evtchn;

    if (!t) {
        return;
    }
    for (uint32_t i = 0; i < PORT_BUCKETS; i++) {
        hv_free(t->bucket[i]);
    }
    hv_free(t);
    d->evtchn = NULL;
}

DOMAIN_UNIT(20, event_unit, .name = "event", .init = event_unit_init, .kill = event_unit_kill, .free = event_unit_free);
