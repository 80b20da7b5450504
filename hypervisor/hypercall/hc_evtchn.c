/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: decodes each sub-operation's structure from one private copy, calls event/, and writes the whole
 * structure back where it has results. Sub-operations are a table: number, size, handler, whether there is a reply.
 */
#include <xen/event_channel.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "event/event.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

union evtchn_arg {
    domid_t dom; /* of those that name the domain that they are about; it comes first in all of them */
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_set_priority set_priority;
};

struct evtchn_row {
    int (*run)(struct domain *d, union evtchn_arg *a);
    uint8_t size;
    bool reply;
    bool names_domain; /* the caller or one that it controls; all others are about the caller */
};

static int op_alloc_unbound(struct domain *d, union evtchn_arg *a)
{
    return evtchn_alloc_unbound(d, a->alloc_unbound.remote_dom, &a->alloc_unbound.port);
}

static int op_bind_interdomain(struct domain *d, union evtchn_arg *a)
{
    return evtchn_bind_interdomain(d, a->bind_interdomain.remote_dom, a->bind_interdomain.remote_port,
                                   &a->bind_interdomain.local_port);
}

static int op_bind_virq(struct domain *d, union evtchn_arg *a)
{
    return evtchn_bind_virq(d, a->bind_virq.virq, a->bind_virq.vcpu, &a->bind_virq.port);
}

static int op_bind_ipi(struct domain *d, union evtchn_arg *a)
{
    return evtchn_bind_ipi(d, a->bind_ipi.vcpu, &a->bind_ipi.port);
}

static int op_bind_pirq(struct domain *d, union evtchn_arg *a)
{
    return evtchn_bind_pirq(d, a->bind_pirq.pirq, &a->bind_pirq.port);
}

static int op_close(struct domain *d, union evtchn_arg *a)
{
    return evtchn_close(d, a->close.port);
}

static int op_send(struct domain *d, union evtchn_arg *a)
{
    return evtchn_send(d, a->send.port);
}

static int op_status(struct domain *d, union evtchn_arg *a)
{
    return evtchn_status(d, a->status.port, &a->status);
}

static int op_bind_vcpu(struct domain *d, union evtchn_arg *a)
{
    return evtchn_bind_vcpu(d, a->bind_vcpu.port, a->bind_vcpu.vcpu);
}

static int op_unmask(struct domain *d, union evtchn_arg *a)
{
    return evtchn_unmask(d, a->unmask.port);
}

static int op_reset(struct domain *d, union evtchn_arg *a)
{
    (void)a;
    return evtchn_reset(d);
}

static int op_set_priority(struct domain *d, union evtchn_arg *a)
{
    return evtchn_set_priority(d, a->set_priority.port, a->set_priority.priority);
}

#define ROW(op, ...) [EVTCHNOP_##op] = {op_##op, sizeof(struct evtchn_##op), __VA_ARGS__}

static const struct evtchn_row rows[] = {
    ROW(alloc_unbound, .reply = true, .names_domain = true),
    ROW(bind_interdomain, .reply = true),
    ROW(bind_virq, .reply = true),
    ROW(bind_ipi, .reply = true),
    ROW(bind_pirq, .reply = true),
    ROW(close, .reply = false),
    ROW(send, .reply = false),
    ROW(status, .reply = true, .names_domain = true),
    ROW(bind_vcpu, .reply = false),
    ROW(unmask, .reply = false),
    ROW(reset, .reply = false, .names_domain = true),
    ROW(set_priority, .reply = false),
};

static int run_for_named(const struct evtchn_row *row, union evtchn_arg *a)
{
    struct domain *d;
    int rc = domain_get_controlled(a->dom, &d);

    if (rc == 0) {
        rc = row->run(d, a);
        domain_put(d);
    }
    return rc;
}

int64_t hc_event_channel_op(uint64_t cmd, uint64_t arg)
{
    uint32_t op = (uint32_t)cmd;
    union evtchn_arg a;
    int rc;

    if (op >= ARRAY_SIZE(rows) || !rows[op].run) {
        return -ENOSYS;
    }
    rc = guest_read(&a, gva_make(arg), rows[op].size);
    if (rc) {
        return rc;
    }
    rc = rows[op].names_domain ? run_for_named(&rows[op], &a) : rows[op].run(current_domain(), &a);
    if (rc == -ERESTART) {
        return hc_continue_event_channel_op(cmd, arg);
    }
    if (rc == 0 && rows[op].reply) {
        rc = guest_write(gva_make(arg), &a, rows[op].size);
    }
    return rc;
}
