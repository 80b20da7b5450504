/* SPDX-License-Identifier: MIT */
/*
 * Virtual interrupts: per-vCPU ones (timer, debug, profiling) and global ones, which a domain binds once, on vCPU 0, and
 * may then move. A VIRQ that nobody has bound is dropped, as the ABI says.
 */
#include "event/event.h"
#include "event/port.h"

bool virq_is_global(uint32_t virq)
{
    switch (virq) {
    case VIRQ_TIMER:
    case VIRQ_DEBUG:
    case VIRQ_XENOPROF:
    case VIRQ_XENPMU:
        return false;
    default:
        return true;
    }
}

static void raise_on(struct domain *d, const struct vcpu *v, uint32_t virq)
{
    const struct evtchn_port *p;
    uint32_t port;

    spin_lock(&d->event_lock);
    port = v->virq_port[virq];
    p = port ? port_lookup(d->evtchn, port) : NULL;
    if (p && p->state == PORT_VIRQ) {
        port_notify(d, port, p);
    }
    spin_unlock(&d->event_lock);
}

void virq_raise_vcpu(struct vcpu *v, uint32_t virq)
{
    raise_on(v->domain, v, virq);
}

/* A global VIRQ is recorded on the vCPU that bound it, which the ABI fixes to be vCPU 0. */
void virq_raise_domain(struct domain *d, uint32_t virq)
{
    if (d->vcpu[0]) {
        raise_on(d, d->vcpu[0], virq);
    }
}

void virq_raise_control(uint32_t virq)
{
    struct domain *d = NULL;
    domid_t next = 0;

    while ((d = domain_next(next)) != NULL) {
        bool control = d->control;

        next = (domid_t)(d->id + 1);
        if (control) {
            virq_raise_domain(d, virq);
        }
        domain_put(d);
        if (control) {
            return;
        }
    }
}
