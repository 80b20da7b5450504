/* SPDX-License-Identifier: MIT */
/*
 * The grant table: an array in pages shared with the hypervisor. We write entries, the hypervisor sets the reading and
 * writing bits while the other domain uses the page.
 * Invariant: the flags of an entry are written last when it is made, and cleared first, atomically, when it ends.
 */
#include "pvk/pv/grants.h"

#include <xen/errno.h>

#include "libpvk/core/bitmap.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"
#include "pvk/spinlock.h"

#define TABLE_FRAMES 4u /* 2048 entries */
#define NR_ENTRIES   (TABLE_FRAMES * PAGE_SIZE / (unsigned)sizeof(struct grant_entry_v1))

static struct spinlock lock;
static struct grant_entry_v1 *table; /* lock: lock until it is set, const after */
static struct bitmap free_entries;   /* lock: lock */
static uint64_t free_words[NR_ENTRIES / 64];

/* The table's frames belong to the hypervisor and to us: they are mapped by machine frame number, like a device. */
static bool table_frames(uint64_t *frames, uint32_t nr)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = nr};

    set_xen_guest_handle(op.frame_list, frames);
    return hc_grant_table_op(GNTTABOP_setup_table, &op, 1) == 0 && op.status == GNTST_okay;
}

uint64_t grant_table_mfn(void)
{
    uint64_t frame;

    return table_frames(&frame, 1) ? frame : 0;
}

static struct grant_entry_v1 *map_table(void)
{
    uint64_t frames[TABLE_FRAMES];
    char *va;

    if (!table_frames(frames, TABLE_FRAMES)) {
        return NULL;
    }
    va = window_alloc(TABLE_FRAMES);
    for (unsigned i = 0; va != NULL && i < TABLE_FRAMES; i++) {
        struct pt_entry l1;

        if (!pt_find(&kernel_space, (uintptr_t)va + (size_t)i * PAGE_SIZE, 1, true, &l1) ||
            pt_write(l1.where, pte_make(mfn_make(frames[i]), pte_flags(MAP_R | MAP_W))) != 0) {
            return NULL;
        }
    }
    return (struct grant_entry_v1 *)va;
}

/* Called with the lock held. */
static bool table_ready(void)
{
    if (table == NULL) {
        struct grant_entry_v1 *mapped = map_table();

        if (mapped == NULL) {
            return false;
        }
        bitmap_init(&free_entries, free_words, NR_ENTRIES);
        bitmap_give(&free_entries, GNTTAB_NR_RESERVED_ENTRIES,
                    NR_ENTRIES - GNTTAB_NR_RESERVED_ENTRIES);
        table = mapped;
    }
    return true;
}

long grant_page(unsigned domid, const void *page, bool read_only)
{
    irq_state was = spin_lock(&lock);
    uint64_t ref = table_ready() ? bitmap_take(&free_entries, 1, 1) : BITMAP_NONE;

    spin_unlock(&lock, was);
    if (ref == BITMAP_NONE) {
        return -XEN_ENOSPC;
    }
    table[ref].domid = (domid_t)domid;
    table[ref].frame = (uint32_t)mfn_raw(mfn_of_pfn(pfn_of_va(page)));
    __atomic_store_n(&table[ref].flags,
                     (uint16_t)(GTF_permit_access | (read_only ? GTF_readonly : 0)),
                     __ATOMIC_RELEASE); /* the hypervisor reads the flags first */
    return (long)ref;
}

int grant_end(uint32_t ref)
{
    uint16_t flags = __atomic_load_n(&table[ref].flags, __ATOMIC_ACQUIRE);
    irq_state was;

    do {
        if ((flags & (GTF_reading | GTF_writing)) != 0) {
            return -XEN_EBUSY;
        }
    } while (!__atomic_compare_exchange_n(&table[ref].flags, &flags, GTF_invalid, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
    was = spin_lock(&lock);
    bitmap_give(&free_entries, ref, 1);
    spin_unlock(&lock, was);
    return 0;
}

static int errno_of(int16_t status)
{
    switch (status) {
    case GNTST_okay:
        return 0;
    case GNTST_bad_domain:
        return -XEN_ESRCH;
    case GNTST_permission_denied:
        return -XEN_EPERM;
    case GNTST_bad_gntref:
        return -XEN_ENOENT;
    case GNTST_no_device_space:
    case GNTST_no_space: /* as many mappings as the domain may have */
        return -XEN_ENOSPC;
    case GNTST_eagain:
        return -XEN_EAGAIN;
    default:
        return -XEN_EINVAL;
    }
}

int grant_map(unsigned domid, uint32_t ref, bool read_only, struct grant_mapping *mapping)
{
    struct gnttab_map_grant_ref op = {
        .flags = (uint32_t)(GNTMAP_host_map | (read_only ? GNTMAP_readonly : 0)),
        .ref = ref,
        .dom = (domid_t)domid,
    };
    struct pt_entry l1;
    void *va = window_alloc(1);
    long rc;

    if (va == NULL) {
        return -XEN_ENOMEM;
    }
    /* The hypervisor writes the entry, but the tables that lead to it are ours to make. */
    if (!pt_find(&kernel_space, (uintptr_t)va, 1, true, &l1)) {
        window_free(va, 1);
        return -XEN_ENOMEM;
    }
    op.host_addr = (uintptr_t)va;
    rc = hc_grant_table_op(GNTTABOP_map_grant_ref, &op, 1);
    if (rc != 0 || op.status != GNTST_okay) {
        window_free(va, 1);
        return rc != 0 ? (int)rc : errno_of(op.status);
    }
    mapping->va = va;
    mapping->handle = op.handle;
    return 0;
}

int grant_unmap(struct grant_mapping *mapping)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = (uintptr_t)mapping->va,
        .handle = mapping->handle,
    };
    long rc = hc_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);

    if (rc != 0 || op.status != GNTST_okay) {
        return rc != 0 ? (int)rc : errno_of(op.status);
    }
    window_free(mapping->va, 1);
    mapping->va = NULL;
    return 0;
}

/* Our side of a copy: frame and offset of an address that must not cross a page. */
static void own_side(struct gnttab_copy_ptr *side, const void *va)
{
    side->u.gmfn = mfn_raw(mfn_of_pfn(pfn_of_va(va)));
    side->offset = (uint16_t)((uintptr_t)va & (PAGE_SIZE - 1));
    side->domid = DOMID_SELF;
}

static int copy(struct gnttab_copy *op)
{
    long rc = hc_grant_table_op(GNTTABOP_copy, op, 1);

    return rc != 0 ? (int)rc : errno_of(op->status);
}

int grant_copy_from(unsigned domid, uint32_t ref, size_t offset, void *dst, size_t len)
{
    struct gnttab_copy op = {.len = (uint16_t)len, .flags = GNTCOPY_source_gref};

    op.source.u.ref = ref;
    op.source.domid = (domid_t)domid;
    op.source.offset = (uint16_t)offset;
    own_side(&op.dest, dst);
    return copy(&op);
}

int grant_copy_to(unsigned domid, uint32_t ref, size_t offset, const void *src, size_t len)
{
    struct gnttab_copy op = {.len = (uint16_t)len, .flags = GNTCOPY_dest_gref};

    op.dest.u.ref = ref;
    op.dest.domid = (domid_t)domid;
    op.dest.offset = (uint16_t)offset;
    own_side(&op.source, src);
    return copy(&op);
}
