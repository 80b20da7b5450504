/* SPDX-License-Identifier: MIT */
/*
 * Event channels. A port is FREE, RESERVED, UNBOUND, INTERDOMAIN, PIRQ, VIRQ or IPI; every change is made under the
 * domain's event lock (both locks, lower domid first, for a pair). Pending and mask bits live in guest memory.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/event_channel.h>

#include "domain/domain.h"

/* Operations as the ABI names them; struct arguments are private copies. 0 or -E…; results in the struct. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port);
int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *local_port);
int evtchn_bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu, uint32_t *port);
int evtchn_bind_ipi(struct domain *d, uint32_t vcpu, uint32_t *port);
int evtchn_bind_pirq(struct domain *d, uint32_t pirq, uint32_t *port);
int evtchn_bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu);
int evtchn_close(struct domain *d, uint32_t port);
int evtchn_send(struct domain *d, uint32_t port);
int evtchn_status(struct domain *d, uint32_t port, struct evtchn_status *out);
int evtchn_unmask(struct domain *d, uint32_t port);
int evtchn_reset(struct domain *d); /* preemptible: -ERESTART */
int evtchn_set_priority(struct domain *d, uint32_t port, uint32_t priority);

/* Global VIRQs are bound once a domain; the others once a vCPU. */
bool virq_is_global(uint32_t virq);

/* Raise a VIRQ: per-vCPU ones on v, global ones on d's bound vCPU. No effect when unbound. */
void virq_raise_vcpu(struct vcpu *v, uint32_t virq);
void virq_raise_domain(struct domain *d, uint32_t virq);
/* VIRQ for the control domain (DOM_EXC, CONSOLE, CON_RING …). */
void virq_raise_control(uint32_t virq);

/* Set upcall_pending of v and wake it, kick its CPU when it runs elsewhere. */
void vcpu_mark_events_pending(struct vcpu *v);

/* Deliver now? upcall_pending set and not masked. Reads guest memory once each. */
static inline bool vcpu_event_deliverable(const struct vcpu *v)
{
    return READ_ONCE(v->info->evtchn_upcall_pending) && !READ_ONCE(v->info->evtchn_upcall_mask);
}

/* VCPUOP_register_vcpu_info: move the structure into guest memory; pending bits are evaluated anew. */
int vcpu_info_register(struct vcpu *v, mfn_t gmfn, uint32_t offset);

#endif
