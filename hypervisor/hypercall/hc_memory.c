/* SPDX-License-Identifier: MIT */
/*
 * memory_op: a table of its calls. Each copies its structure once; those that work on lists keep their progress where the ABI
 * has it (extents done in the bits above the command, or in the structure).
 */
#include "hypercall/hc_memory.h"

#include <xen/memory.h>

#include "common/errno.h"
#include "domain/privilege.h"
#include "full/full.h"
#include "grant/grant.h"
#include "hypercall/hc_mmu.h"
#include "hypercall/hypercall.h"
#include "hypercall/memory_res.h"
#include "mm/guest_copy.h"
#include "mm/heap.h"
#include "mm/mm_init.h"
#include "mm/page.h"
#include "x86/layout.h"
#include "x86/percpu.h"

/* ABI: the command is in the low 6 bits, the extents already done above. */
#define CMD_BITS 6u
#define CMD_MASK ((1u << CMD_BITS) - 1)

/* An E820 entry as the ABI has it: 20 bytes, types as the firmware's. */
struct map_entry {
    uint64_t start, bytes;
    uint32_t type;
} __packed_struct;
#define MAP_MAX 128u

static struct map_entry machine_map[MAP_MAX];
static uint32_t machine_map_nr;

bool memory_machine_map_add(uint64_t start, uint64_t bytes, uint32_t type)
{
    if (machine_map_nr == MAP_MAX) {
        return false;
    }
    machine_map[machine_map_nr++] = (struct map_entry){start, bytes, type};
    return true;
}

struct memory_call {
    uint32_t cmd;
    uint64_t start; /* extents done before */
    gva_t arg;
};

/* The domain that a call is about: the caller, or one that it controls. */
static int domain_ref(domid_t id, struct owner_ref *ref)
{
    int rc = owner_get(id, ref);

    if (rc == 0 && !ref->d) {
        if (ref->o != &current_domain()->mm) {
            return -EINVAL; /* DOMID_IO and DOMID_XEN have no memory of their own */
        }
        ref->d = domain_get(current_domain());
    }
    return rc;
}

/* The ABI: what cannot be read or named ends the list before its first extent, and the count tells. */
static int64_t op_reservation(const struct memory_call *c)
{
    struct xen_memory_reservation r;
    struct owner_ref ref;
    uint64_t done = c->start;
    int rc;

    if (guest_read(&r, c->arg, sizeof(r)) || r.nr_extents > UINT32_MAX >> CMD_BITS ||
        done >= r.nr_extents) {
        return (int64_t)done;
    }
    rc = domain_ref(r.domid, &ref);
    if (rc) {
        return rc == -ESRCH ? (int64_t)done : rc;
    }
    rc = c->cmd == XENMEM_decrease_reservation
             ? memory_decrease(ref.d, &r, &done)
             : memory_populate(ref.d, &r, c->cmd == XENMEM_populate_physmap, &done);
    owner_put(&ref);
    if (rc == -ERESTART) {
        return hc_continue_memory_op(c->cmd | done << CMD_BITS, gva_raw(c->arg));
    }
    return rc ? rc : (int64_t)done;
}

static int64_t op_exchange(const struct memory_call *c)
{
    struct xen_memory_exchange x;
    struct owner_ref ref;
    uint64_t before;
    int rc = guest_read(&x, c->arg, sizeof(x));

    if (rc == 0) {
        rc = domain_ref(x.in.domid, &ref);
    }
    if (rc) {
        return rc;
    }
    before = x.nr_exchanged;
    rc = memory_exchange(ref.d, &x);
    owner_put(&ref);
    if (x.nr_exchanged != before &&
        guest_write_field(c->arg, struct xen_memory_exchange, nr_exchanged, x.nr_exchanged)) {
        rc = -EFAULT;
    }
    return rc == -ERESTART ? hc_continue_memory_op(c->cmd, gva_raw(c->arg)) : rc;
}

static int64_t op_domain(const struct memory_call *c)
{
    struct xen_memory_domain a;
    struct owner_ref ref;
    int64_t n;
    int rc = guest_read(&a, c->arg, sizeof(a));

    if (rc == 0) {
        rc = domain_ref(a.domid, &ref);
    }
    if (rc) {
        return rc;
    }
    if (c->cmd == XENMEM_current_reservation) {
        n = (int64_t)READ_ONCE(ref.d->mm.tot_pages);
    } else if (c->cmd == XENMEM_maximum_reservation) {
        n = (int64_t)READ_ONCE(ref.d->mm.max_pages);
    } else {
        /* shared_info counts PFNs, the call answers the last one: 0 while the guest has not said */
        n = ref.d->shared_info ? (int64_t)READ_ONCE(ref.d->shared_info->arch.max_pfn) : 0;
        n = n > 0 ? n - 1 : 0;
    }
    owner_put(&ref);
    return n;
}

static int64_t op_maximum_ram_page(const struct memory_call *c)
{
    (void)c;
    return (int64_t)nr_frames - 1;
}

static int64_t op_machphys_mapping(const struct memory_call *c)
{
    /* others than the hardware domain are told the window's size: nothing of this machine's */
    uint64_t last = (M2P_VIRT_END - M2P_VIRT_START) / sizeof(uint64_t) - 1;
    struct xen_machphys_mapping m = {
        .v_start = M2P_VIRT_START, .v_end = M2P_VIRT_END, .max_mfn = last};

    if (may_hardware(current_domain())) {
        m.max_mfn = nr_frames - 1;
    }
    return guest_write(c->arg, &m, sizeof(m));
}

static int64_t op_machphys_mfn_list(const struct memory_call *c)
{
    struct xen_machphys_mfn_list l;
    uint64_t pieces = ALIGN_UP(nr_frames * M2P_BYTES, M2P_PIECE) / M2P_PIECE, last = 0;
    uint32_t i;
    int rc = guest_read(&l, c->arg, sizeof(l));

    for (i = 0; rc == 0 && i < MIN(l.max_extents, pieces); i++) {
        uint64_t mfn = mfn_raw(mm_m2p_piece(i));

        /* A hole shows what stands before it (ABI): there is a piece for each GiB, and tools map them all. */
        last = mfn == MFN_INVALID_RAW ? last : mfn;
        rc = guest_write_elem(gva_make((uint64_t)l.extent_start.p), i, &last, sizeof(last));
    }
    return rc ? rc : guest_write_field(c->arg, struct xen_machphys_mfn_list, nr_extents, i);
}

/* Write a map out: as much as there is room for. */
static int map_reply(gva_t arg, const void *entries, uint32_t nr)
{
    struct xen_memory_map m;
    int rc = guest_read(&m, arg, sizeof(m));

    if (rc) {
        return rc;
    }
    m.nr_entries = MIN(m.nr_entries, nr);
    rc = guest_write(gva_make((uint64_t)m.buffer.p), entries,
                     m.nr_entries * sizeof(struct map_entry));
    return rc ? rc : guest_write(arg, &m, sizeof(m));
}

static int64_t op_memory_map(const struct memory_call *c)
{
    struct domain *d = current_domain();
    int rc = -ENOSYS;

    spin_lock(&d->domctl_lock);
    if (d->e820) {
        rc = map_reply(c->arg, d->e820, d->e820_nr);
    }
    spin_unlock(&d->domctl_lock);
    return rc;
}

static int64_t op_machine_memory_map(const struct memory_call *c)
{
    return map_reply(c->arg, machine_map, machine_map_nr);
}

static int64_t op_set_memory_map(const struct memory_call *c)
{
    struct xen_foreign_memory_map f;
    struct owner_ref ref;
    void *map, *old;
    int rc = guest_read(&f, c->arg, sizeof(f));

    if (rc == 0 && f.map.nr_entries > MAP_MAX) {
        rc = -EINVAL;
    }
    if (rc == 0) {
        rc = domain_ref(f.domid, &ref);
    }
    if (rc) {
        return rc;
    }
    map = hv_alloc(f.map.nr_entries * sizeof(struct map_entry));
    rc = map ? guest_read(map, gva_make((uint64_t)f.map.buffer.p),
                          f.map.nr_entries * sizeof(struct map_entry))
             : -ENOMEM;
    if (rc == 0) {
        spin_lock(&ref.d->domctl_lock);
        old = ref.d->e820;
        ref.d->e820 = map;
        ref.d->e820_nr = f.map.nr_entries;
        spin_unlock(&ref.d->domctl_lock);
        map = old;
    }
    hv_free(map);
    owner_put(&ref);
    return rc;
}

static int64_t op_claim_pages(const struct memory_call *c)
{
    struct xen_memory_reservation r;
    struct owner_ref ref;
    int rc = guest_read(&r, c->arg, sizeof(r));

    if (rc == 0 && (r.extent_start.p || r.extent_order || r.mem_flags)) {
        rc = -EINVAL;
    }
    if (rc == 0) {
        rc = domain_ref(r.domid, &ref);
    }
    if (rc == 0) {
        rc = heap_claim(&ref.d->mm, r.nr_extents);
        owner_put(&ref);
    }
    return rc;
}

/* Frames that a caller names at once; the ABI lets it come again for more. */
#define RESOURCE_FRAMES 64u

static int resource_frame(struct domain *d, const struct xen_mem_acquire_resource *a,
                          uint64_t frame, mfn_t *mfn)
{
    return a->type == XENMEM_resource_ioreq_server ? full_server_frame(d, a->id, frame, mfn)
                                                   : grant_table_frame(d, (uint32_t)frame, mfn);
}

static int resource_list(struct domain *d, const struct xen_mem_acquire_resource *a)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < a->nr_frames; i++) {
        mfn_t mfn = MFN_INVALID;
        uint64_t raw;

        if (a->frame + i > UINT32_MAX) {
            return -EINVAL;
        }
        rc = resource_frame(d, a, a->frame + i, &mfn);
        raw = mfn_raw(mfn);
        if (rc == 0) {
            rc = guest_write_elem(gva_make((uint64_t)a->frame_list.p), i, &raw, sizeof(raw));
        }
    }
    return rc;
}

static int64_t op_acquire_resource(const struct memory_call *c)
{
    struct xen_mem_acquire_resource a;
    struct owner_ref ref;
    int rc = guest_read(&a, c->arg, sizeof(a));

    if (rc) {
        return rc;
    }
    if (a.pad || a.type > XENMEM_resource_grant_table ||
        (a.type == XENMEM_resource_grant_table && a.id != XENMEM_resource_grant_table_id_shared)) {
        return a.pad ? -EINVAL : -EOPNOTSUPP;
    }
    if (a.frame_list.p && (a.nr_frames == 0 || a.nr_frames > RESOURCE_FRAMES)) {
        return a.nr_frames ? -E2BIG : -EINVAL;
    }
    rc = domain_ref(a.domid, &ref);
    if (rc) {
        return rc;
    }
    if (ref.d == current_domain()) {
        rc = -EPERM;
    } else if (a.frame_list.p) {
        rc = resource_list(ref.d, &a);
    } else {
        rc = a.nr_frames
                 ? -EINVAL
                 : guest_write_field(
                       c->arg, struct xen_mem_acquire_resource, nr_frames,
                       a.type == XENMEM_resource_ioreq_server ? 2 : ref.d->max_grant_frames);
    }
    owner_put(&ref);
    return rc;
}

/* Pages saved by sharing frames between domains: that is not done here. */
static int64_t op_sharing_pages(const struct memory_call *c)
{
    (void)c;
    return 0;
}

/* For translated domains, of which there are none. */
static int64_t op_translated(const struct memory_call *c)
{
    (void)c;
    return -EACCES;
}

static int64_t op_no_vnuma(const struct memory_call *c)
{
    (void)c;
    return -EOPNOTSUPP;
}

enum memory_who {
    WHO_ANY,
    WHO_CONTROL,
    WHO_HARDWARE
};

static const struct {
    int64_t (*run)(const struct memory_call *c);
    uint8_t who;
} calls[] = {
    [XENMEM_increase_reservation] = {op_reservation, WHO_ANY},
    [XENMEM_decrease_reservation] = {op_reservation, WHO_ANY},
    [XENMEM_populate_physmap] = {op_reservation, WHO_ANY},
    [XENMEM_exchange] = {op_exchange, WHO_ANY},
    [XENMEM_current_reservation] = {op_domain, WHO_ANY},
    [XENMEM_maximum_reservation] = {op_domain, WHO_ANY},
    [XENMEM_maximum_gpfn] = {op_domain, WHO_ANY},
    [XENMEM_maximum_ram_page] = {op_maximum_ram_page, WHO_ANY},
    [XENMEM_machphys_mapping] = {op_machphys_mapping, WHO_ANY},
    [XENMEM_machphys_mfn_list] = {op_machphys_mfn_list, WHO_ANY},
    [XENMEM_memory_map] = {op_memory_map, WHO_ANY},
    [XENMEM_machine_memory_map] = {op_machine_memory_map, WHO_HARDWARE},
    [XENMEM_set_memory_map] = {op_set_memory_map, WHO_CONTROL},
    [XENMEM_claim_pages] = {op_claim_pages, WHO_CONTROL},
    [XENMEM_acquire_resource] = {op_acquire_resource, WHO_CONTROL},
    [XENMEM_get_sharing_freed_pages] = {op_sharing_pages, WHO_ANY},
    [XENMEM_get_sharing_shared_pages] = {op_sharing_pages, WHO_ANY},
    [XENMEM_add_to_physmap] = {op_translated, WHO_ANY},
    [XENMEM_add_to_physmap_batch] = {op_translated, WHO_ANY},
    [XENMEM_remove_from_physmap] = {op_translated, WHO_ANY},
    [XENMEM_get_vnumainfo] = {op_no_vnuma, WHO_ANY},
};

int64_t hc_memory_op(uint64_t cmd, uint64_t arg)
{
    const struct memory_call c = {(uint32_t)cmd & CMD_MASK, cmd >> CMD_BITS, gva_make(arg)};
    const struct domain *d = current_domain();

    if (c.cmd >= ARRAY_SIZE(calls) || !calls[c.cmd].run) {
        return -ENOSYS;
    }
    if ((calls[c.cmd].who == WHO_CONTROL && !may_domctl(d)) ||
        (calls[c.cmd].who == WHO_HARDWARE && !may_hardware(d))) {
        return -EPERM;
    }
    return calls[c.cmd].run(&c);
}
