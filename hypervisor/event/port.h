/* SPDX-License-Identifier: MIT */
/*
 * The port table of a domain, private to event/. Buckets of ports are allocated as ports are used and stay until the
 * domain dies. Everything is guarded by the domain's event lock unless a comment says otherwise.
 */
#ifndef EVENT_PORT_H
#define EVENT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/domain.h"
#include "event/evtchn_2l.h"

enum port_state {
    PORT_FREE,
    PORT_RESERVED,    /* port 0 */
    PORT_UNBOUND,     /* remote_id may bind to it */
    PORT_INTERDOMAIN, /* peer and peer_port; a reference on the peer domain is held */
    PORT_VIRQ,
    PORT_IPI,
    PORT_PIRQ,        /* pirq, attached to this port */
};

struct evtchn_port {
    uint8_t state;      /* enum port_state */
    uint8_t virq;       /* PORT_VIRQ */
    uint16_t vcpu;      /* which vCPU is notified */
    union {
        uint32_t peer_port; /* PORT_INTERDOMAIN */
        uint32_t remote_id; /* PORT_UNBOUND */
        uint32_t pirq;      /* PORT_PIRQ */
    };
    struct domain *peer;    /* PORT_INTERDOMAIN, else NULL */
};

#define PORTS_PER_BUCKET 64u
#define PORT_BUCKETS     (EVTCHN_2L_PORTS / PORTS_PER_BUCKET)

struct evtchn_table {
    uint32_t limit;      /* ports are < limit; const */
    uint32_t next_close; /* reset and teardown progress */
    struct evtchn_port *bucket[PORT_BUCKETS];
};

/* The port's entry, or NULL when it is out of range or in a bucket never used. */
struct evtchn_port *port_lookup(const struct evtchn_table *t, uint32_t port);

/* Reserve the lowest free port; *out is PORT_FREE still and the caller sets its state under the same lock. -ENOSPC, -ENOMEM. */
int port_alloc(struct evtchn_table *t, uint32_t *port, struct evtchn_port **out);

/* Forget a port's pending bit and make it free. */
void port_release(struct domain *d, uint32_t port, struct evtchn_port *p);

/* Make a port pending at the vCPU it is bound to and wake pollers. The event lock of d, or of its peer, is held. */
void port_notify(struct domain *d, uint32_t port, const struct evtchn_port *p);

/* Lock two domains' event locks in the fixed order; the same domain twice is locked once. */
void event_lock_pair(struct domain *a, struct domain *b);
void event_unlock_pair(struct domain *a, struct domain *b);

#endif
