/* SPDX-License-Identifier: MIT */
/* Wrappers of domctl: each fills one request, calls, and takes the reply out. */
#include <xen/sched.h>

#include "common/errno.h"
#include "common/string.h"
#include "libxeno/xeno.h"

static long do_domctl(struct xeno *x, struct xen_domctl *op, uint32_t cmd, uint32_t domid)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = (domid_t)domid;
    return x->t->hypercall(x->t->ctx, __HYPERVISOR_domctl, (uint64_t)(uintptr_t)op, 0, 0, 0);
}

long xeno_domain_create(struct xeno *x, uint32_t *domid, const struct xen_domctl_createdomain *cfg)
{
    struct xen_domctl op = {.u.createdomain = *cfg};
    long rc = do_domctl(x, &op, XEN_DOMCTL_createdomain, *domid);

    *domid = op.domain;
    return rc;
}

long xeno_domain_destroy(struct xeno *x, uint32_t domid)
{
    struct xen_domctl op = {.cmd = 0};
    long rc;

    /* A hypervisor may want a long teardown to be asked for again. */
    do {
        rc = do_domctl(x, &op, XEN_DOMCTL_destroydomain, domid);
    } while (rc == -ERESTART || rc == -EAGAIN);
    return rc;
}

long xeno_domain_pause(struct xeno *x, uint32_t domid)
{
    struct xen_domctl op = {.cmd = 0};

    return do_domctl(x, &op, XEN_DOMCTL_pausedomain, domid);
}

long xeno_domain_unpause(struct xeno *x, uint32_t domid)
{
    struct xen_domctl op = {.cmd = 0};

    return do_domctl(x, &op, XEN_DOMCTL_unpausedomain, domid);
}

long xeno_domain_info(struct xeno *x, uint32_t domid, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl op = {.cmd = 0};
    long rc = do_domctl(x, &op, XEN_DOMCTL_getdomaininfo, domid);

    if (rc == 0 && op.u.getdomaininfo.domain != domid) {
        return -ESRCH; /* the next one above answers for one that is not there */
    }
    *info = op.u.getdomaininfo;
    return rc;
}

long xeno_domain_max_vcpus(struct xeno *x, uint32_t domid, uint32_t max)
{
    struct xen_domctl op = {.u.max_vcpus.max = max};

    return do_domctl(x, &op, XEN_DOMCTL_max_vcpus, domid);
}

long xeno_domain_max_mem(struct xeno *x, uint32_t domid, uint64_t kib)
{
    struct xen_domctl op = {.u.max_mem.max_memkb = kib};

    return do_domctl(x, &op, XEN_DOMCTL_max_mem, domid);
}

long xeno_domain_set_context(struct xeno *x, uint32_t domid, uint32_t vcpu, vcpu_guest_context_t *ctx)
{
    struct xen_domctl op = {.u.vcpucontext.vcpu = vcpu};

    set_xen_guest_handle(op.u.vcpucontext.ctxt, ctx);
    return do_domctl(x, &op, XEN_DOMCTL_setvcpucontext, domid);
}

long xeno_domain_get_context(struct xeno *x, uint32_t domid, uint32_t vcpu,
                             vcpu_guest_context_t *ctx)
{
    struct xen_domctl op = {.u.vcpucontext.vcpu = vcpu};

    set_xen_guest_handle(op.u.vcpucontext.ctxt, ctx);
    return do_domctl(x, &op, XEN_DOMCTL_getvcpucontext, domid);
}

long xeno_frame_kinds(struct xeno *x, uint32_t domid, xen_pfn_t *frames, uint64_t nr)
{
    struct xen_domctl op = {.u.getpageframeinfo3.num = nr};

    set_xen_guest_handle(op.u.getpageframeinfo3.array, frames);
    return do_domctl(x, &op, XEN_DOMCTL_getpageframeinfo3, domid);
}

long xeno_domain_set_hvm_context(struct xeno *x, uint32_t domid, const void *records,
                                 uint32_t bytes)
{
    struct xen_domctl op = {.u.hvmcontext.size = bytes};

    set_xen_guest_handle(op.u.hvmcontext.buffer, (uint8_t *)(uintptr_t)records);
    return do_domctl(x, &op, XEN_DOMCTL_sethvmcontext, domid);
}

long xeno_domain_hypercall_page(struct xeno *x, uint32_t domid, uint64_t mfn)
{
    struct xen_domctl op = {.u.hypercall_init.gmfn = mfn};

    return do_domctl(x, &op, XEN_DOMCTL_hypercall_init, domid);
}

long xeno_domain_set_sched(struct xeno *x, uint32_t domid, uint32_t weight, uint32_t cap)
{
    struct xen_domctl op = {.u.scheduler_op = {.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo}};

    op.u.scheduler_op.u.credit2.weight = (uint16_t)weight;
    op.u.scheduler_op.u.credit2.cap = (uint16_t)cap;
    return do_domctl(x, &op, XEN_DOMCTL_scheduler_op, domid);
}

long xeno_domain_get_sched(struct xeno *x, uint32_t domid, uint32_t *weight, uint32_t *cap)
{
    struct xen_domctl op = {.u.scheduler_op = {.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_getinfo}};
    long rc = do_domctl(x, &op, XEN_DOMCTL_scheduler_op, domid);

    *weight = op.u.scheduler_op.u.credit2.weight;
    *cap = op.u.scheduler_op.u.credit2.cap;
    return rc;
}

long xeno_vcpu_info(struct xeno *x, uint32_t domid, uint32_t vcpu, struct xen_domctl_getvcpuinfo *info)
{
    struct xen_domctl op = {.u.getvcpuinfo.vcpu = vcpu};
    long rc = do_domctl(x, &op, XEN_DOMCTL_getvcpuinfo, domid);

    *info = op.u.getvcpuinfo;
    return rc;
}

static long set_affinity(struct xeno *x, uint32_t domid, uint32_t vcpu, uint64_t cpus, uint32_t which)
{
    struct xen_domctl op = {.u.vcpuaffinity = {.vcpu = vcpu, .flags = which}};
    struct xenctl_bitmap *map = which == XEN_VCPUAFFINITY_HARD ? &op.u.vcpuaffinity.cpumap_hard : &op.u.vcpuaffinity.cpumap_soft;

    set_xen_guest_handle(map->bitmap, (uint8_t *)&cpus);
    map->nr_bits = 64;
    return do_domctl(x, &op, XEN_DOMCTL_setvcpuaffinity, domid);
}

long xeno_vcpu_set_affinity(struct xeno *x, uint32_t domid, uint32_t vcpu, uint64_t cpus)
{
    return set_affinity(x, domid, vcpu, cpus, XEN_VCPUAFFINITY_HARD);
}

long xeno_vcpu_set_soft_affinity(struct xeno *x, uint32_t domid, uint32_t vcpu, uint64_t cpus)
{
    return set_affinity(x, domid, vcpu, cpus, XEN_VCPUAFFINITY_SOFT);
}

long xeno_vcpu_get_affinity(struct xeno *x, uint32_t domid, uint32_t vcpu, uint64_t *hard, uint64_t *soft)
{
    struct xen_domctl op = {.u.vcpuaffinity = {.vcpu = vcpu, .flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT}};

    *hard = *soft = 0;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)hard);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, (uint8_t *)soft);
    op.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    return do_domctl(x, &op, XEN_DOMCTL_getvcpuaffinity, domid);
}

long xeno_domain_trigger(struct xeno *x, uint32_t domid, uint32_t trigger, uint32_t vcpu)
{
    struct xen_domctl op = {.u.sendtrigger = {.trigger = trigger, .vcpu = vcpu}};

    return do_domctl(x, &op, XEN_DOMCTL_sendtrigger, domid);
}

long xeno_domain_shutdown_as(struct xeno *x, uint32_t domid, uint32_t reason)
{
    struct sched_remote_shutdown r = {.domain_id = (domid_t)domid, .reason = reason};

    return x->t->hypercall(x->t->ctx, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, (uint64_t)(uintptr_t)&r, 0, 0);
}

void xeno_state_text(const struct xen_domctl_getdomaininfo *info, char out[7])
{
    bool dying = info->flags & XEN_DOMINF_dying, shut = info->flags & XEN_DOMINF_shutdown;
    uint32_t code = info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;

    memcpy(out, "------", 7);
    if (info->flags & XEN_DOMINF_running && !dying && !shut) {
        out[0] = 'r';
    } else if (info->flags & XEN_DOMINF_blocked && !dying && !shut) {
        out[1] = 'b';
    }
    out[2] = info->flags & XEN_DOMINF_paused ? 'p' : '-';
    out[3] = shut ? 's' : '-';
    out[4] = shut && code == 3 ? 'c' : '-';
    out[5] = dying ? 'd' : '-';
}
