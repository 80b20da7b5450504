/* SPDX-License-Identifier: MIT */
/* Memory, page tables, event channels and grant frames of a domain under construction. */
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/version.h>

#include "common/errno.h"
#include "libxeno/xeno.h"

static long call(struct xeno *x, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    return x->t->hypercall(x->t->ctx, nr, a1, a2, a3, a4);
}

long xeno_populate(struct xeno *x, uint32_t domid, uint64_t *mfns, uint64_t nr, unsigned int order)
{
    struct xen_memory_reservation r = {.nr_extents = nr, .extent_order = order, .domid = (domid_t)domid};

    set_xen_guest_handle(r.extent_start, (xen_pfn_t *)mfns);
    return call(x, __HYPERVISOR_memory_op, XENMEM_populate_physmap, (uint64_t)(uintptr_t)&r, 0, 0);
}

long xeno_alloc_unbound(struct xeno *x, uint32_t domid, uint32_t remote)
{
    struct evtchn_alloc_unbound a = {.dom = (domid_t)domid, .remote_dom = (domid_t)remote};
    long rc = call(x, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (uint64_t)(uintptr_t)&a, 0, 0);

    return rc ? rc : (long)a.port;
}

long xeno_m2p_frames(struct xeno *x, uint64_t *mfns, uint32_t nr)
{
    struct xen_machphys_mfn_list l = {.max_extents = nr};
    long rc;

    set_xen_guest_handle(l.extent_start, (xen_pfn_t *)mfns);
    rc = call(x, __HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, (uint64_t)(uintptr_t)&l, 0, 0);
    return rc == 0 && l.nr_extents < nr ? -ENOENT : rc;
}

long xeno_max_page(struct xeno *x)
{
    long last = call(x, __HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0, 0, 0);

    return last < 0 ? last : last + 1;
}

long xeno_pin_l4(struct xeno *x, uint32_t domid, uint64_t mfn)
{
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfn};

    return call(x, __HYPERVISOR_mmuext_op, (uint64_t)(uintptr_t)&op, 1, 0, domid);
}

long xeno_grant_frame(struct xeno *x, uint32_t domid, uint64_t *mfn)
{
    xen_pfn_t frame = 0;
    struct xen_mem_acquire_resource r = {.domid = (domid_t)domid,
                                         .type = XENMEM_resource_grant_table,
                                         .id = XENMEM_resource_grant_table_id_shared,
                                         .nr_frames = 1};
    long rc;

    set_xen_guest_handle(r.frame_list, &frame);
    rc = call(x, __HYPERVISOR_memory_op, XENMEM_acquire_resource, (uint64_t)(uintptr_t)&r, 0, 0);
    *mfn = frame;
    return rc;
}

long xeno_version(struct xeno *x, unsigned int cmd, void *arg)
{
    return call(x, __HYPERVISOR_xen_version, cmd, (uint64_t)(uintptr_t)arg, 0, 0);
}
