/* SPDX-License-Identifier: MIT */
/*
 * The fake hypervisor's calls: those that libxeno makes, with the checks of a real one. A call that is not here aborts, so
 * that a test does not pass because nothing was done.
 */
#include <string.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/xenolith.h>

#include "common/errno.h"
#include "common/typed_int.h"
#include "tests/unit/fake_hv.h"

/* ---- domctl ---- */

static long create(struct fhv *f, struct xen_domctl *op)
{
    const struct xen_domctl_createdomain *c = &op->u.createdomain;
    uint32_t id = op->domain;
    struct fhv_domain *d;

    if (c->flags || !c->max_vcpus || c->max_vcpus > 128 || !c->max_evtchn_port || c->arch.emulation_flags) {
        return -EINVAL;
    }
    if (id >= DOMID_FIRST_RESERVED) {
        while (f->domain[f->next_domid].used) {
            f->next_domid = f->next_domid % (FHV_DOMAINS - 1) + 1;
        }
        id = f->next_domid;
        f->next_domid = f->next_domid % (FHV_DOMAINS - 1) + 1;
    }
    fhv_never(id >= FHV_DOMAINS, "a domid that the fake has no room for");
    if (f->domain[id].used) {
        return -EEXIST;
    }
    d = &f->domain[id];
    memset(d, 0, sizeof(*d));
    *d = (struct fhv_domain){.used = true, .paused = true, .max_vcpus = c->max_vcpus};
    memcpy(d->handle, c->handle, sizeof(d->handle));
    d->shared_mfn = FHV_FIRST_MFN + fhv_single_frame(f, id);
    d->grant_mfn = FHV_FIRST_MFN + fhv_single_frame(f, id);
    op->domain = (domid_t)id;
    return 0;
}

static void release(struct fhv *f, uint32_t id)
{
    for (uint64_t i = 0; i < FHV_FRAMES; i++) {
        if (f->frame[i].owner == id) {
            fhv_never(f->frame[i].mapped, "a domain was destroyed with a frame mapped: it would stay as a zombie");
            f->frame[i].owner = FHV_FREE;
        }
    }
    for (unsigned int i = 0; i < FHV_PORTS; i++) {
        fhv_never(f->domain[id].port[i].bound, "a domain was destroyed with its event channel bound");
    }
    f->top = FHV_FRAMES;
    memset(&f->domain[id], 0, sizeof(f->domain[id]));
}

static long destroy(struct fhv *f, uint32_t id)
{
    if (id == f->t.own_domid) {
        return -EINVAL;
    }
    if (f->restarts) {
        f->restarts--;
        return -ERESTART;
    }
    if (f->destroy_fails) {
        return f->destroy_fails;
    }
    release(f, id);
    return 0;
}

static void fill_info(const struct fhv *f, uint32_t id, struct xen_domctl_getdomaininfo *i)
{
    const struct fhv_domain *d = &f->domain[id];

    *i = (struct xen_domctl_getdomaininfo){.domain = (domid_t)id,
                                           .flags = d->flags | (d->paused ? XEN_DOMINF_paused : 0),
                                           .tot_pages = d->tot_pages,
                                           .max_pages = d->max_pages,
                                           .shared_info_frame = d->shared_mfn,
                                           .nr_online_vcpus = d->vcpus};
}

static long get_info(struct fhv *f, struct xen_domctl *op)
{
    uint32_t id = op->domain;

    while (id < FHV_DOMAINS && !f->domain[id].used) {
        id++; /* the next one above answers */
    }
    if (id == FHV_DOMAINS) {
        return -ESRCH;
    }
    fill_info(f, id, &op->u.getdomaininfo);
    op->domain = (domid_t)id;
    return 0;
}

static long set_context(struct fhv *f, struct fhv_domain *d, const struct xen_domctl_vcpucontext *c)
{
    uint32_t id = (uint32_t)(d - f->domain);

    if (c->vcpu != 0 || !d->vcpus) {
        return -EINVAL;
    }
    d->context = *c->ctxt.p;
    if (!(d->context.flags & VGCF_in_kernel) || (d->context.user_regs.cs & 3) != 3 || (d->context.user_regs.ss & 3) != 3 ||
        !d->l4_mfn || xen_cr3_to_pfn(d->context.ctrlreg[3]) != d->l4_mfn || d->context.gdt_ents || d->context.ldt_ents ||
        fhv_guest_mfn(f, id, d->context.user_regs.rip, NULL) == MFN_INVALID_RAW) {
        return -EINVAL;
    }
    d->context_set = true;
    return 0;
}

static long hypercall_page(struct fhv *f, uint32_t id, uint64_t mfn)
{
    uint8_t stubs[PAGE_SIZE];

    if (!fhv_owns(f, id, mfn)) {
        return -EINVAL;
    }
    memset(stubs, 0x0f, sizeof(stubs));
    fhv_frame_write(f, mfn, stubs);
    f->domain[id].hypercall_mfn = mfn;
    return 0;
}

static long affinity(struct fhv_domain *d, const struct xen_domctl_vcpuaffinity *a)
{
    uint64_t mask = 0;

    if (a->vcpu >= d->vcpus || a->flags != XEN_VCPUAFFINITY_HARD || a->cpumap_hard.nr_bits != 64) {
        return -EINVAL;
    }
    memcpy(&mask, a->cpumap_hard.bitmap.p, sizeof(mask));
    if (!(mask & 3)) {
        return -EINVAL; /* the machine has two CPUs */
    }
    d->affinity = mask & 3;
    d->pinned_vcpus++;
    return 0;
}

static long scheduler(struct fhv_domain *d, const struct xen_domctl_scheduler_op *s)
{
    if (s->sched_id != XEN_SCHEDULER_CREDIT2 || s->cmd != XEN_DOMCTL_SCHEDOP_putinfo) {
        return -EINVAL;
    }
    if (!s->u.credit2.weight || s->u.credit2.cap > 100 * d->vcpus) {
        return -EINVAL;
    }
    d->weight = s->u.credit2.weight;
    d->cap = s->u.credit2.cap;
    return 0;
}

static long domctl(struct fhv *f, struct xen_domctl *op)
{
    uint32_t id = op->domain;
    struct fhv_domain *d = id < FHV_DOMAINS ? &f->domain[id] : NULL;

    if (op->interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op->cmd == XEN_DOMCTL_createdomain) {
        return create(f, op);
    }
    if (op->cmd == XEN_DOMCTL_getdomaininfo) {
        return get_info(f, op);
    }
    if (!d || !d->used) {
        return -ESRCH;
    }
    switch (op->cmd) {
    case XEN_DOMCTL_destroydomain:
        return destroy(f, id);
    case XEN_DOMCTL_pausedomain:
        d->paused = true;
        return 0;
    case XEN_DOMCTL_unpausedomain:
        d->paused = !d->context_set;
        return d->context_set ? 0 : -EINVAL;
    case XEN_DOMCTL_max_vcpus:
        d->vcpus = op->u.max_vcpus.max <= d->max_vcpus ? op->u.max_vcpus.max : 0;
        return d->vcpus ? 0 : -EINVAL;
    case XEN_DOMCTL_max_mem:
        d->max_pages = op->u.max_mem.max_memkb / 4;
        return 0;
    case XEN_DOMCTL_setvcpucontext:
        return set_context(f, d, &op->u.vcpucontext);
    case XEN_DOMCTL_hypercall_init:
        return hypercall_page(f, id, op->u.hypercall_init.gmfn);
    case XEN_DOMCTL_setvcpuaffinity:
        return affinity(d, &op->u.vcpuaffinity);
    case XEN_DOMCTL_scheduler_op:
        return scheduler(d, &op->u.scheduler_op);
    default:
        fhv_never(true, "a domctl that it does not know");
        return -ENOSYS;
    }
}

/* ---- the other calls ---- */

static long sysctl(struct fhv *f, struct xen_sysctl *op)
{
    if (op->interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    fhv_never(op->cmd != XEN_SYSCTL_physinfo, "a sysctl that it does not know");
    op->u.physinfo = (struct xen_sysctl_physinfo){.nr_cpus = 2, .total_pages = FHV_FRAMES, .free_pages = fhv_free_pages(f),
                                                  .outstanding_pages = f->outstanding,
                                                  .capabilities = f->dirty ? 0 : XENOLITH_PHYSCAP_ZEROED};
    return 0;
}

static long populate(struct fhv *f, const struct xen_memory_reservation *r)
{
    struct fhv_domain *d = r->domid < FHV_DOMAINS ? &f->domain[r->domid] : NULL;
    uint64_t size = 1ul << r->extent_order, n;
    uint8_t dirt[PAGE_SIZE];

    memset(dirt, 0xa5, sizeof(dirt));
    if (!d || !d->used || (r->extent_order != 0 && r->extent_order != 9)) {
        return -EINVAL;
    }
    for (n = 0; n < r->nr_extents && !(f->chunk && n == f->chunk); n++) {
        uint64_t at;

        if (d->tot_pages + size > d->max_pages) {
            break;
        }
        at = r->extent_order ? fhv_super_frame(f, r->domid) : fhv_single_frame(f, r->domid);
        if (at == FHV_FRAMES) {
            break;
        }
        for (uint64_t i = 0; i < size; i++) {
            f->frame[at + i].pfn = r->extent_start.p[n] + i;
            if (f->dirty) {
                fhv_frame_write(f, FHV_FIRST_MFN + at + i, dirt);
            }
        }
        r->extent_start.p[n] = FHV_FIRST_MFN + at;
        d->tot_pages += size;
    }
    return (long)n;
}

static long acquire(struct fhv *f, const struct xen_mem_acquire_resource *r)
{
    if (r->domid >= FHV_DOMAINS || !f->domain[r->domid].used || r->type != XENMEM_resource_grant_table ||
        r->id != XENMEM_resource_grant_table_id_shared || r->frame || r->nr_frames != 1) {
        return -EINVAL;
    }
    *r->frame_list.p = f->domain[r->domid].grant_mfn;
    return 0;
}

static long alloc_unbound(struct fhv *f, struct evtchn_alloc_unbound *a)
{
    if (a->dom >= FHV_DOMAINS || !f->domain[a->dom].used) {
        return -ESRCH;
    }
    for (uint32_t i = 1; i < FHV_PORTS; i++) {
        struct fhv_port *p = &f->domain[a->dom].port[i];

        if (!p->used) {
            *p = (struct fhv_port){.used = true, .remote = a->remote_dom};
            a->port = i;
            return 0;
        }
    }
    return -ENOSPC;
}

long fhv_hypercall(void *ctx, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    struct fhv *f = ctx;
    void *p1 = (void *)(uintptr_t)a1, *p2 = (void *)(uintptr_t)a2;
    bool undo = nr == __HYPERVISOR_domctl && ((struct xen_domctl *)p1)->cmd == XEN_DOMCTL_destroydomain;

    (void)a3;
    /* Pieces that there are not cannot fail either. */
    if (nr == __HYPERVISOR_memory_op && a1 == XENMEM_populate_physmap && ((struct xen_memory_reservation *)p2)->extent_order &&
        f->no_superpages) {
        return 0;
    }
    if (!undo && fhv_fails(f)) {
        return nr == __HYPERVISOR_memory_op && a1 == XENMEM_populate_physmap ? 0 : -ENOMEM;
    }
    switch (nr) {
    case __HYPERVISOR_domctl:
        return domctl(f, p1);
    case __HYPERVISOR_sysctl:
        return sysctl(f, p1);
    case __HYPERVISOR_memory_op:
        fhv_never(a1 != XENMEM_populate_physmap && a1 != XENMEM_acquire_resource, "a memory_op that it does not know");
        return a1 == XENMEM_populate_physmap ? populate(f, p2) : acquire(f, p2);
    case __HYPERVISOR_event_channel_op:
        fhv_never(a1 != EVTCHNOP_alloc_unbound, "an event_channel_op that it does not know");
        return alloc_unbound(f, p2);
    case __HYPERVISOR_mmuext_op:
        fhv_never(a2 != 1 || ((struct mmuext_op *)p1)->cmd != MMUEXT_PIN_L4_TABLE, "an mmuext_op that it does not know");
        return fhv_pin(f, (uint32_t)a4, ((struct mmuext_op *)p1)->arg1.mfn);
    default:
        fhv_never(true, "a hypercall that it does not know");
        return -ENOSYS;
    }
}
