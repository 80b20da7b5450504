/* SPDX-License-Identifier: MIT */
/*
 * Control operations on vCPUs and their scheduling: make, context, information, affinity, weight and cap.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "full/full.h"
#include "hypercall/domctl.h"
#include "mm/guest_copy.h"
#include "mm/hv_alloc.h"
#include "pv/pv.h"
#include "sched/sched.h"
#include "x86/entry.h"
#include "x86/percpu.h"

int cpumap_read(const struct xenctl_bitmap *map, uint64_t *mask)
{
    uint32_t bytes = MIN((map->nr_bits + 7) / 8, (uint32_t)sizeof(*mask));
    int rc;

    *mask = 0;
    rc = bytes ? guest_read(mask, gva_make((uint64_t)map->bitmap.p), bytes) : 0;
    if (map->nr_bits < 64) {
        *mask &= (1ul << map->nr_bits) - 1;
    }
    return rc;
}

int cpumap_write(const struct xenctl_bitmap *map, uint64_t mask)
{
    uint32_t bytes = map->nr_bits / 8 + (map->nr_bits % 8 != 0);
    uint8_t zero = 0;
    int rc;

    if (map->nr_bits < 64) {
        mask &= (1ul << map->nr_bits) - 1;
    }
    rc = bytes ? guest_write(gva_make((uint64_t)map->bitmap.p), &mask, MIN(bytes, (uint32_t)sizeof(mask))) : 0;
    /* A longer map than we have CPUs: the rest is zero. Longer than any machine is a mistake of the caller's. */
    for (uint32_t i = sizeof(mask); i < bytes && rc == 0; i++) {
        rc = i < 512 ? guest_write(gva_make((uint64_t)map->bitmap.p + i), &zero, 1) : -EINVAL;
    }
    return rc;
}

static struct vcpu *vcpu_of(const struct domain *d, uint32_t id)
{
    return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

int64_t domctl_max_vcpus(struct domain *d, struct xen_domctl *op)
{
    if (op->u.max_vcpus.max != d->max_vcpus || d->life >= DOMAIN_DYING) {
        return -EINVAL;
    }
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        int rc = d->vcpu[i] ? 0 : vcpu_create(d, i);

        if (rc) {
            return rc;
        }
        if (i + 1u < d->max_vcpus && preempt_pending()) {
            return -ERESTART;
        }
    }
    return 0;
}

/* The domain is paused around it, so nobody runs the vCPU while its context changes. */
int64_t domctl_setvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = vcpu_of(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context *ctx;
    int rc;

    if (!v || !op->u.vcpucontext.ctxt.p || d->full) { /* that is a PV context */
        return v ? -EINVAL : -ESRCH;
    }
    ctx = hv_alloc_pages(PV_CONTEXT_PAGES);
    if (!ctx) {
        return -ENOMEM;
    }
    rc = guest_read(ctx, gva_make((uint64_t)op->u.vcpucontext.ctxt.p), sizeof(*ctx));
    if (rc == 0) {
        domain_pause(d);
        rc = pv_context_set(v, ctx);
        if (rc == 0) {
            v->initialised = VCPU_INITIALISED;
            if (ctx->flags & VGCF_online) {
                sched_wake(v, VPF_DOWN);
            } else {
                sched_sleep_nosync(v, VPF_DOWN);
            }
        }
        domain_unpause(d);
    }
    hv_free_pages(ctx, PV_CONTEXT_PAGES);
    return rc;
}

int64_t domctl_getvcpucontext(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = vcpu_of(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context *ctx;
    int rc;

    if (!v || d->full) {
        return v ? -EINVAL : -ESRCH;
    }
    if (v->initialised != VCPU_INITIALISED) {
        return -ENODATA;
    }
    ctx = hv_alloc_pages(PV_CONTEXT_PAGES);
    if (!ctx) {
        return -ENOMEM;
    }
    vcpu_pause(v);
    pv_context_get(v, ctx);
    vcpu_unpause(v);
    rc = guest_write(gva_make((uint64_t)op->u.vcpucontext.ctxt.p), ctx, sizeof(*ctx));
    hv_free_pages(ctx, PV_CONTEXT_PAGES);
    return rc;
}

int64_t domctl_sethvmcontext(struct domain *d, struct xen_domctl *op)
{
    return full_context_set(d, gva_make((uint64_t)op->u.hvmcontext.buffer.p), op->u.hvmcontext.size);
}

int64_t domctl_gethvmcontext(struct domain *d, struct xen_domctl *op)
{
    return full_context_get(d, gva_make((uint64_t)op->u.hvmcontext.buffer.p), &op->u.hvmcontext.size);
}

int64_t domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    const struct vcpu *v = vcpu_of(d, info->vcpu);
    uint32_t pf;

    if (!v) {
        return -ESRCH;
    }
    pf = __atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE);
    info->online = !(pf & VPF_DOWN);
    info->blocked = (pf & (VPF_BLOCKED | VPF_POLLING)) != 0;
    info->running = v->running != 0;
    info->cpu_time = vcpu_cpu_time_ns(v);
    info->cpu = v->processor;
    return 0;
}

int64_t domctl_sendtrigger(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = vcpu_of(d, op->u.sendtrigger.vcpu);

    if (!v) {
        return -ESRCH;
    }
    if (op->u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI || d->full) {
        return op->u.sendtrigger.trigger >= XEN_DOMCTL_SENDTRIGGER_POWER ? -EINVAL : -ENOSYS;
    }
    vcpu_pause(v); /* what is set here is its own otherwise */
    v->pv.nmi_pending = true;
    v->exit_call = 1;
    pv_slow_paths_update(v);
    vcpu_unpause(v);
    sched_wake(v, VPF_BLOCKED);
    return 0;
}

int64_t domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    struct vcpu *v = vcpu_of(d, a->vcpu);
    uint64_t hard, soft;
    int rc = 0;

    if (!v || !(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT))) {
        return v ? -EINVAL : -ESRCH;
    }
    hard = v->affinity_hard;
    soft = v->affinity_soft;
    if (a->flags & XEN_VCPUAFFINITY_HARD) {
        rc = cpumap_read(&a->cpumap_hard, &hard);
    }
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT)) {
        rc = cpumap_read(&a->cpumap_soft, &soft);
    }
    rc = rc ? rc : sched_set_affinity(v, hard, soft);
    /* What is in force now goes back, so that the caller sees which CPUs do not exist. */
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_HARD)) {
        rc = cpumap_write(&a->cpumap_hard, hard & cpus_online);
    }
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT)) {
        rc = cpumap_write(&a->cpumap_soft, soft & hard & cpus_online);
    }
    return rc;
}

int64_t domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    const struct vcpu *v = vcpu_of(d, a->vcpu);
    int rc = 0;

    if (!v || !(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT))) {
        return v ? -EINVAL : -ESRCH;
    }
    if (a->flags & XEN_VCPUAFFINITY_HARD) {
        rc = cpumap_write(&a->cpumap_hard, v->affinity_hard);
    }
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT)) {
        rc = cpumap_write(&a->cpumap_soft, v->affinity_soft);
    }
    return rc;
}

/* There is one node. */
int64_t domctl_setnodeaffinity(struct domain *d, struct xen_domctl *op)
{
    uint64_t nodes;
    int rc = cpumap_read(&op->u.nodeaffinity.nodemap, &nodes);

    (void)d;
    return rc ? rc : nodes & 1 ? 0 : -EINVAL;
}

int64_t domctl_getnodeaffinity(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    return cpumap_write(&op->u.nodeaffinity.nodemap, 1);
}

int64_t domctl_scheduler_op(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_scheduler_op *s = &op->u.scheduler_op;
    uint32_t weight, cap;

    if (s->sched_id != XEN_SCHEDULER_CREDIT2) {
        return -EINVAL;
    }
    sched_get_params(d, &weight, &cap);
    switch (s->cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo:
        /* A weight of 0 and a cap of all ones leave the value as it is. */
        weight = s->u.credit2.weight ? s->u.credit2.weight : weight;
        cap = s->u.credit2.cap != UINT16_MAX ? s->u.credit2.cap : cap;
        return sched_set_params(d, weight, cap);
    case XEN_DOMCTL_SCHEDOP_getinfo:
        s->u.credit2.weight = (uint16_t)weight;
        s->u.credit2.cap = (uint16_t)cap;
        return 0;
    default:
        return -EINVAL;
    }
}
