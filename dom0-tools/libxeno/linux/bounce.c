/* SPDX-License-Identifier: MIT */
/*
 * One function a hypercall says how large its structures are and where in them pointers stand. Structures are copied whole
 * both ways; a pointer in one is replaced in the copy, and its old value put back into the caller's after the copy back.
 */
#include "libxeno/linux/bounce.h"

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/xenolith.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"

#define ALIGNMENT 16u

static void *place(struct bounce *b, void *user, size_t n, bool back)
{
    size_t room = ALIGN_UP(n, (size_t)ALIGNMENT);
    struct bounce_item *i = &b->item[b->nr_items];

    if (b->nr_items == BOUNCE_ITEMS || n > b->size || room > b->size - b->used) {
        return NULL;
    }
    *i = (struct bounce_item){.user = user, .copy = b->arena + b->used, .n = n, .back = back};
    memcpy(i->copy, user, n);
    b->used += room;
    b->nr_items++;
    return i->copy;
}

/* The argument points to n bytes; null stays null. The copy, NULL if it does not fit (or is null: *arg tells). */
static void *argument(struct bounce *b, uint64_t *arg, size_t n, bool back)
{
    void *copy = *arg ? place(b, (void *)(uintptr_t)*arg, n, back) : NULL;

    *arg = (uint64_t)(uintptr_t)copy;
    return copy;
}

/*
 * A pointer inside a structure: field is its place in the copy. count elements of size bytes each; 0 or -ENOBUFS.
 * The structure is the last that was placed before its buffers, so the caller's field lies at the same offset in item[0].
 */
static int handle(struct bounce *b, void *field, uint64_t count, size_t size, bool back)
{
    size_t offset = (size_t)((uint8_t *)field - (uint8_t *)b->item[0].copy);
    struct bounce_handle *h = &b->handle[b->nr_handles];
    uint64_t value;
    void *copy;

    memcpy(&value, field, sizeof(value));
    if (!value) {
        return 0;
    }
    if (b->nr_handles == BOUNCE_HANDLES || count > b->size / size) {
        return -ENOBUFS;
    }
    copy = place(b, (void *)(uintptr_t)value, (size_t)count * size, back);
    if (!copy) {
        return -ENOBUFS;
    }
    *h = (struct bounce_handle){.field = (uint8_t *)b->item[0].user + offset, .value = value};
    b->nr_handles++;
    value = (uint64_t)(uintptr_t)copy;
    memcpy(field, &value, sizeof(value));
    return 0;
}

static int bitmap(struct bounce *b, struct xenctl_bitmap *map)
{
    return handle(b, &map->bitmap, (map->nr_bits + 7u) / 8, 1, true);
}

static int domctl(struct bounce *b, uint64_t arg[4])
{
    struct xen_domctl *op = argument(b, &arg[0], sizeof(*op), true);
    int rc;

    if (!op) {
        return -ENOBUFS;
    }
    switch (op->cmd) {
    case XEN_DOMCTL_setvcpucontext:
    case XEN_DOMCTL_getvcpucontext:
        return handle(b, &op->u.vcpucontext.ctxt, 1, sizeof(vcpu_guest_context_t),
                      op->cmd == XEN_DOMCTL_getvcpucontext);
    case XEN_DOMCTL_sethvmcontext:
    case XEN_DOMCTL_gethvmcontext:
        return handle(b, &op->u.hvmcontext.buffer, op->u.hvmcontext.size, 1,
                      op->cmd == XEN_DOMCTL_gethvmcontext);
    case XEN_DOMCTL_setvcpuaffinity:
    case XEN_DOMCTL_getvcpuaffinity:
        rc = bitmap(b, &op->u.vcpuaffinity.cpumap_hard);
        return rc ? rc : bitmap(b, &op->u.vcpuaffinity.cpumap_soft);
    case XEN_DOMCTL_getpageframeinfo3:
        return handle(b, &op->u.getpageframeinfo3.array, op->u.getpageframeinfo3.num,
                      sizeof(xen_pfn_t), true);
    default:
        return 0; /* the wrappers of this library use no other that points anywhere */
    }
}

static int counters(struct bounce *b, struct xen_sysctl *op)
{
    struct xenolith_sysctl_counters c;

    memcpy(&c, op->u.pad, sizeof(c));
    return handle(b, op->u.pad + offsetof(struct xenolith_sysctl_counters, buffer), c.nr,
                  sizeof(xenolith_counter_t), true);
}

static int trace(struct bounce *b, struct xen_sysctl *op)
{
    struct xenolith_sysctl_trace t;

    memcpy(&t, op->u.pad, sizeof(t));
    return handle(b, op->u.pad + offsetof(struct xenolith_sysctl_trace, buffer), t.nr,
                  sizeof(xenolith_trace_record_t), true);
}

static int sysctl(struct bounce *b, uint64_t arg[4])
{
    struct xen_sysctl *op = argument(b, &arg[0], sizeof(*op), true);

    if (!op) {
        return -ENOBUFS;
    }
    switch (op->cmd) {
    case XEN_SYSCTL_readconsole:
        return handle(b, &op->u.readconsole.buffer, op->u.readconsole.count, 1, true);
    case XEN_SYSCTL_debug_keys:
        return handle(b, &op->u.debug_keys.keys, op->u.debug_keys.nr_keys, 1, false);
    case XEN_SYSCTL_getdomaininfolist:
        return handle(b, &op->u.getdomaininfolist.buffer, op->u.getdomaininfolist.max_domains,
                      sizeof(xen_domctl_getdomaininfo_t), true);
    case XEN_SYSCTL_getcpuinfo:
        return handle(b, &op->u.getcpuinfo.info, op->u.getcpuinfo.max_cpus,
                      sizeof(xen_sysctl_cpuinfo_t), true);
    case XEN_SYSCTL_xenolith_counters:
        return counters(b, op);
    case XEN_SYSCTL_xenolith_trace:
        return trace(b, op);
    default:
        return 0;
    }
}

static int memory_op(struct bounce *b, uint64_t arg[4])
{
    struct xen_memory_reservation *r;
    struct xen_mem_acquire_resource *a;
    struct xen_machphys_mfn_list *m;

    switch (arg[0]) {
    case XENMEM_populate_physmap:
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
        r = argument(b, &arg[1], sizeof(*r), true);
        return r ? handle(b, &r->extent_start, r->nr_extents, sizeof(xen_pfn_t), true) : -ENOBUFS;
    case XENMEM_acquire_resource:
        a = argument(b, &arg[1], sizeof(*a), true);
        return a ? handle(b, &a->frame_list, a->nr_frames, sizeof(xen_pfn_t), true) : -ENOBUFS;
    case XENMEM_machphys_mfn_list:
        m = argument(b, &arg[1], sizeof(*m), true);
        return m ? handle(b, &m->extent_start, m->max_extents, sizeof(xen_pfn_t), true) : -ENOBUFS;
    case XENMEM_maximum_ram_page:
        return 0;
    default:
        return -ENOSYS;
    }
}

static int event_channel_op(struct bounce *b, uint64_t arg[4])
{
    static const uint8_t sizes[] = {
        [EVTCHNOP_bind_interdomain] = sizeof(evtchn_bind_interdomain_t),
        [EVTCHNOP_close] = sizeof(evtchn_close_t),
        [EVTCHNOP_send] = sizeof(evtchn_send_t),
        [EVTCHNOP_status] = sizeof(evtchn_status_t),
        [EVTCHNOP_alloc_unbound] = sizeof(evtchn_alloc_unbound_t),
    };

    if (arg[0] >= ARRAY_SIZE(sizes) || !sizes[arg[0]]) {
        return -ENOSYS;
    }
    return argument(b, &arg[1], sizes[arg[0]], true) ? 0 : -ENOBUFS;
}

static int xen_version(struct bounce *b, uint64_t arg[4])
{
    static const uint16_t sizes[] = {
        [XENVER_version] = 0,
        [XENVER_extraversion] = sizeof(xen_extraversion_t),
        [XENVER_compile_info] = sizeof(xen_compile_info_t),
        [XENVER_capabilities] = sizeof(xen_capabilities_info_t),
        [XENVER_changeset] = sizeof(xen_changeset_info_t),
        [XENVER_platform_parameters] = sizeof(xen_platform_parameters_t),
        [XENVER_get_features] = sizeof(xen_feature_info_t),
        [XENVER_pagesize] = 0,
        [XENVER_guest_handle] = sizeof(xen_domain_handle_t),
        [XENVER_commandline] = sizeof(xen_commandline_t),
    };

    if (arg[0] >= ARRAY_SIZE(sizes)) {
        return -ENOSYS;
    }
    return arg[1] && sizes[arg[0]] && !argument(b, &arg[1], sizes[arg[0]], true) ? -ENOBUFS : 0;
}

/* An array that the hypervisor only reads. */
static int mmuext_ops(struct bounce *b, uint64_t arg[4])
{
    const size_t size = sizeof(struct mmuext_op);

    return arg[1] > b->size / size || !argument(b, &arg[0], (size_t)arg[1] * size, false) ? -ENOBUFS : 0;
}

int bounce_in(struct bounce *b, unsigned int nr, uint64_t arg[4])
{
    b->used = 0;
    b->nr_items = b->nr_handles = 0;
    switch (nr) {
    case __HYPERVISOR_domctl:
        return domctl(b, arg);
    case __HYPERVISOR_sysctl:
        return sysctl(b, arg);
    case __HYPERVISOR_memory_op:
        return memory_op(b, arg);
    case __HYPERVISOR_event_channel_op:
        return event_channel_op(b, arg);
    case __HYPERVISOR_xen_version:
        return xen_version(b, arg);
    case __HYPERVISOR_mmuext_op:
        return mmuext_ops(b, arg);
    case __HYPERVISOR_sched_op:
        return arg[0] != SCHEDOP_remote_shutdown                                   ? -ENOSYS
               : argument(b, &arg[1], sizeof(struct sched_remote_shutdown), false) ? 0
                                                                                   : -ENOBUFS;
    default:
        return -ENOSYS;
    }
}

void bounce_out(struct bounce *b)
{
    for (unsigned int i = 0; i < b->nr_items; i++) {
        if (b->item[i].back) {
            memcpy(b->item[i].user, b->item[i].copy, b->item[i].n);
        }
    }
    for (unsigned int i = 0; i < b->nr_handles; i++) {
        memcpy(b->handle[i].field, &b->handle[i].value, sizeof(b->handle[i].value));
    }
}
