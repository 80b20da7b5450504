/* SPDX-License-Identifier: MIT */
/*
 * Mapping and unmapping another domain's grant. A mapping is: a pin on the grant, a maptrack entry under the handle, and
 * an L1 entry that holds its own references. They are made in that order and undone in reverse; no lock spans two of
 * them, because each keeps the frame alive by itself.
 */
#include <stddef.h>

#include "common/errno.h"
#include "grant/grant.h"
#include "grant/table.h"
#include "mm/frame_ref.h"
#include "mm/hv_alloc.h"
#include "mm/pt_check.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/percpu.h"

#define PTE_AVAIL_SHIFT 9 /* three software bits that the caller may set: GNTMAP_guest_avail0.. at bit 16 of flags */

static struct maptrack *maptrack_entry(const struct grant_table *t, uint32_t handle)
{
    uint32_t page = handle / (uint32_t)MAPTRACK_PER_PAGE;

    return page < t->nr_maptrack_pages ? &t->maptrack[page][handle % MAPTRACK_PER_PAGE] : NULL;
}

/* One more page of free handles; lock held. */
static bool maptrack_grow(struct grant_table *t)
{
    uint32_t page = t->nr_maptrack_pages;
    uint32_t first = page * (uint32_t)MAPTRACK_PER_PAGE;
    struct maptrack *m;

    if (!t->maptrack) {
        t->maptrack = hv_alloc(sizeof(*t->maptrack) * t->max_maptrack_pages);
    }
    if (page >= t->max_maptrack_pages || !t->maptrack) {
        return false;
    }
    m = hv_alloc(PAGE_SIZE);
    if (!m) {
        return false;
    }
    for (uint32_t i = 0; i < MAPTRACK_PER_PAGE; i++) {
        m[i].ref = i + 1 < MAPTRACK_PER_PAGE ? first + i + 1 : MAPTRACK_END;
    }
    t->maptrack[page] = m;
    t->nr_maptrack_pages++;
    t->maptrack_free = first;
    return true;
}

static struct maptrack *maptrack_new(struct grant_table *t, struct domain *granter,
                                     const struct gnttab_map_grant_ref *op, uint32_t *handle)
{
    struct maptrack *m = NULL;

    spin_lock(&t->lock);
    if (t->maptrack_free != MAPTRACK_END || maptrack_grow(t)) {
        *handle = t->maptrack_free;
        m = maptrack_entry(t, *handle);
        t->maptrack_free = m->ref;
        m->granter = domain_get(granter);
        m->ref = op->ref;
        m->flags = (uint16_t)op->flags;
        m->busy = 1; /* until the entry is in place: nobody can unmap what is not mapped */
    }
    spin_unlock(&t->lock);
    return m;
}

static void maptrack_ready(struct maptrack *m)
{
    __atomic_store_n(&m->busy, 0, __ATOMIC_RELEASE);
}

/* Forget a handle; the caller has it marked busy. */
static void maptrack_delete(struct grant_table *t, uint32_t handle)
{
    struct maptrack *m = maptrack_entry(t, handle);
    struct domain *granter = m->granter;

    spin_lock(&t->lock);
    *m = (struct maptrack){.ref = t->maptrack_free};
    t->maptrack_free = handle;
    spin_unlock(&t->lock);
    domain_put(granter);
}

static uint64_t pte_of(mfn_t mfn, uint32_t flags)
{
    uint64_t e = maddr_raw(maddr_of_mfn(mfn)) | PTE_P | PTE_A | PTE_US;

    e |= flags & GNTMAP_readonly ? 0 : PTE_RW | PTE_D;
    e |= cpu_features.nx ? PTE_NX : 0;
    return e | (uint64_t)(flags >> 16 & 7) << PTE_AVAIL_SHIFT;
}

static int host_map(struct domain *ld, struct domain *rd, const struct gnttab_map_grant_ref *op, mfn_t mfn)
{
    uint64_t entry = pte_of(mfn, op->flags);
    int rc;

    if (!(op->flags & GNTMAP_host_map)) {
        return GNTST_okay;
    }
    rc = op->flags & GNTMAP_contains_pte ? pt_grant_set_pte(&ld->mm, maddr_make(op->host_addr), entry, &rd->mm)
                                         : pt_grant_set_va(&ld->mm, gva_make(op->host_addr), entry, &rd->mm);
    return rc ? GNTST_general_error : GNTST_okay;
}

static int map_from(struct domain *ld, struct domain *rd, struct gnttab_map_grant_ref *op)
{
    bool write = !(op->flags & GNTMAP_readonly);
    struct maptrack *m;
    uint32_t handle;
    mfn_t mfn;
    int rc = grant_pin(rd, op->ref, ld->id, write, &mfn);

    if (rc != GNTST_okay) {
        return rc;
    }
    m = maptrack_new(ld->grant, rd, op, &handle);
    if (!m) {
        rc = GNTST_no_space;
        goto out_unpin;
    }
    rc = host_map(ld, rd, op, mfn);
    if (rc != GNTST_okay) {
        goto out_maptrack;
    }
    op->handle = handle;
    op->dev_bus_addr = maddr_raw(maddr_of_mfn(mfn));
    maptrack_ready(m);
    return GNTST_okay;

out_maptrack:
    maptrack_delete(ld->grant, handle);
out_unpin:
    grant_unpin(rd, op->ref, write);
    return rc;
}

void grant_map_one(struct gnttab_map_grant_ref *op)
{
    struct domain *ld = current_domain();
    struct domain *rd;

    if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map))) {
        op->status = GNTST_bad_gntref;
        return;
    }
    rd = domain_get_by_id(op->dom);
    if (!rd) {
        op->status = GNTST_bad_domain;
        return;
    }
    op->status = (int16_t)map_from(ld, rd, op);
    domain_put(rd);
}

/* The handle's record as a private copy, marked busy so that no other CPU works on it; false when there is none. */
static bool maptrack_claim(struct grant_table *t, uint32_t handle, struct maptrack *out)
{
    struct maptrack *m;
    bool ok = false;

    spin_lock(&t->lock);
    m = maptrack_entry(t, handle);
    if (m && m->granter && !m->busy) {
        m->busy = 1;
        *out = *m;
        ok = true;
    }
    spin_unlock(&t->lock);
    return ok;
}

static int host_unmap(struct domain *ld, const struct gnttab_unmap_grant_ref *op, uint16_t flags, mfn_t mfn)
{
    int rc = flags & GNTMAP_contains_pte ? pt_grant_clear_pte(&ld->mm, maddr_make(op->host_addr), mfn, 0)
                                         : pt_grant_clear_va(&ld->mm, gva_make(op->host_addr), mfn, 0);

    return rc ? GNTST_general_error : GNTST_okay;
}

void grant_unmap_one(struct gnttab_unmap_grant_ref *op)
{
    struct domain *ld = current_domain();
    struct maptrack m;
    uint16_t left;
    mfn_t mfn;

    if (!maptrack_claim(ld->grant, op->handle, &m)) {
        op->status = GNTST_bad_handle;
        return;
    }
    op->status = GNTST_okay;
    left = m.flags & (GNTMAP_host_map | GNTMAP_device_map);
    mfn = grant_active(m.granter->grant, m.ref)->mfn;
    if (op->dev_bus_addr && (left & GNTMAP_device_map)) {
        if (op->dev_bus_addr != maddr_raw(maddr_of_mfn(mfn))) {
            op->status = GNTST_general_error;
        } else {
            left = (uint16_t)(left & ~GNTMAP_device_map);
        }
    }
    if (op->status == GNTST_okay && op->host_addr && (left & GNTMAP_host_map)) {
        op->status = (int16_t)host_unmap(ld, op, m.flags, mfn);
        if (op->status == GNTST_okay) {
            left = (uint16_t)(left & ~GNTMAP_host_map);
        }
    }
    if (left) {
        struct maptrack *live = maptrack_entry(ld->grant, op->handle);

        live->flags = (uint16_t)((m.flags & ~(GNTMAP_host_map | GNTMAP_device_map)) | left);
        maptrack_ready(live);
        return;
    }
    grant_unpin(m.granter, m.ref, !(m.flags & GNTMAP_readonly));
    maptrack_delete(ld->grant, op->handle);
}

int grant_maptrack_release(struct domain *d)
{
    struct grant_table *t = d->grant;
    uint32_t end = t->nr_maptrack_pages * (uint32_t)MAPTRACK_PER_PAGE;

    for (; t->maptrack_kill < end; t->maptrack_kill++) {
        struct maptrack *m = maptrack_entry(t, t->maptrack_kill);

        if (m->granter) {
            grant_unpin(m->granter, m->ref, !(m->flags & GNTMAP_readonly));
            maptrack_delete(t, t->maptrack_kill);
        }
        if (t->maptrack_kill % 64 == 63 && preempt_pending()) {
            t->maptrack_kill++;
            return -ERESTART;
        }
    }
    return 0;
}
