/* SPDX-License-Identifier: MIT */
/*
 * sched_op, its older form and set_timer_op: decode one private copy, check, and hand over to sched/. What a call does to
 * the calling vCPU (block, yield, poll, shutdown) takes effect in the exit path, never in here.
 */
#include <xen/sched.h>

#include "common/errno.h"
#include "domain/privilege.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "sched/sched.h"
#include "sched/vcpu_timer.h"
#include "x86/percpu.h"

/* More ports than a vCPU can usefully poll; the ABI leaves the limit to us (Xen: 128). */
#define POLL_MAX_PORTS 128u

static int64_t op_shutdown(struct domain *d, gva_t arg)
{
    struct sched_shutdown s;
    int rc = guest_read(&s, arg, sizeof(s));

    if (rc == 0) {
        domain_shutdown(d, (uint8_t)s.reason);
    }
    return rc;
}

static int64_t op_shutdown_code(struct domain *d, gva_t arg)
{
    struct sched_shutdown s;
    int rc = guest_read(&s, arg, sizeof(s));

    if (rc == 0 && d->life < DOMAIN_SHUTDOWN) {
        d->shutdown_code = (uint8_t)s.reason;
    }
    return rc;
}

static int64_t op_poll(struct vcpu *v, gva_t arg)
{
    uint32_t ports[POLL_MAX_PORTS];
    struct sched_poll p;
    int rc = guest_read(&p, arg, sizeof(p));

    if (rc) {
        return rc;
    }
    if (p.nr_ports > POLL_MAX_PORTS) {
        return -EINVAL;
    }
    rc = p.nr_ports ? guest_read(ports, gva_make((uint64_t)p.ports.p), p.nr_ports * sizeof(ports[0])) : 0;
    return rc ? rc : sched_poll(v, ports, p.nr_ports, p.timeout);
}

static int64_t op_remote_shutdown(gva_t arg)
{
    struct sched_remote_shutdown r;
    struct domain *d;
    int rc = guest_read(&r, arg, sizeof(r));

    if (rc) {
        return rc;
    }
    d = domain_get_by_id(r.domain_id);
    if (!d) {
        return -ESRCH;
    }
    if (may_control(current_domain(), d)) {
        domain_shutdown(d, (uint8_t)r.reason);
    } else {
        rc = -EPERM;
    }
    domain_put(d);
    return rc;
}

int64_t hc_sched_op(uint64_t cmd, uint64_t arg)
{
    struct vcpu *v = current_vcpu();

    switch ((uint32_t)cmd) {
    case SCHEDOP_yield:
        sched_yield(v);
        return 0;
    case SCHEDOP_block:
        sched_block(v);
        return 0;
    case SCHEDOP_shutdown:
        return op_shutdown(v->domain, gva_make(arg));
    case SCHEDOP_poll:
        return op_poll(v, gva_make(arg));
    case SCHEDOP_remote_shutdown:
        return op_remote_shutdown(gva_make(arg));
    case SCHEDOP_shutdown_code:
        return op_shutdown_code(v->domain, gva_make(arg));
    default:
        return -ENOSYS;
    }
}

int64_t hc_sched_op_compat(uint64_t cmd, uint64_t arg)
{
    if ((uint32_t)cmd == SCHEDOP_shutdown) { /* the reason itself, not a pointer to it */
        domain_shutdown(current_domain(), (uint8_t)arg);
        return 0;
    }
    return (uint32_t)cmd <= SCHEDOP_block ? hc_sched_op(cmd, arg) : -ENOSYS;
}

int64_t hc_set_timer_op(uint64_t timeout)
{
    struct vcpu *v = current_vcpu();

    if (timeout == 0 || (int64_t)timeout < 0) {
        vcpu_singleshot_stop(v);
    } else {
        vcpu_singleshot_set(v, timeout);
    }
    return 0;
}
