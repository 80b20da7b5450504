/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: frames, in-use records, pins, set-up and query, the batch loop, and a domain's grant life (unit).
 * Invariant: a grant's frame has a general reference exactly while its pin count is not zero, and GTF_reading/GTF_writing
 * are set exactly while there are readers/writers.
 */
#include "grant/grant.h"

#include <stddef.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "domain/privilege.h"
#include "grant/grant_entry.h"
#include "grant/table.h"
#include "mm/frame_ref.h"
#include "mm/guest_copy.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "mm/pt_walk.h"
#include "x86/entry.h"
#include "x86/percpu.h"

/* The entry of a reference, NULL if out of range; lock held. */
static struct grant_entry_v1 *grant_entry(const struct grant_table *t, uint32_t ref)
{
    uint32_t frame = ref / (uint32_t)ENTRIES_PER_FRAME;

    return !t->dead && frame < t->nr_frames ? &t->frames[frame]->shared[ref % ENTRIES_PER_FRAME] : NULL;
}

/* The in-use record of a reference in range, allocated on demand; NULL when out of memory; lock held. */
static struct active *active_get(struct grant_table *t, uint32_t ref)
{
    struct active **chunk = &t->frames[ref / ENTRIES_PER_FRAME]->chunk[ref % ENTRIES_PER_FRAME / ACTIVE_PER_CHUNK];

    if (unlikely(!*chunk)) {
        *chunk = hv_alloc(sizeof(**chunk) * ACTIVE_PER_CHUNK);
    }
    return *chunk ? grant_active(t, ref) : NULL;
}

static int pin_locked(struct domain *d, uint32_t ref, uint16_t domid, bool write, mfn_t *mfn)
{
    struct grant_table *t = d->grant;
    struct grant_entry_v1 *e = grant_entry(t, ref);
    struct active *a;

    if (!e) {
        return GNTST_bad_gntref;
    }
    a = active_get(t, ref);
    if (!a) {
        return GNTST_no_space;
    }
    if (a->readers + a->writers && a->domid != domid) {
        return GNTST_general_error;
    }
    if (a->readers == UINT16_MAX || a->writers == UINT16_MAX) {
        return GNTST_no_space;
    }
    if (grant_entry_pin((uint32_t *)(void *)e, domid, write) != GRANT_OK) {
        return GNTST_general_error;
    }
    if (a->readers + a->writers == 0) {
        a->mfn = mfn_make(READ_ONCE(e->frame));
        if (frame_get(&d->mm, a->mfn)) {
            grant_entry_unpin((uint32_t *)(void *)e, write, true);
            return GNTST_general_error;
        }
        a->domid = domid;
    }
    a->readers = (uint16_t)(a->readers + !write);
    a->writers = (uint16_t)(a->writers + write);
    *mfn = a->mfn;
    return GNTST_okay;
}

int grant_pin(struct domain *d, uint32_t ref, uint16_t domid, bool write, mfn_t *mfn)
{
    int rc;

    spin_lock(&d->grant->lock);
    rc = pin_locked(d, ref, domid, write, mfn);
    spin_unlock(&d->grant->lock);
    return rc;
}

void grant_unpin(struct domain *d, uint32_t ref, bool write)
{
    struct grant_table *t = d->grant;
    struct grant_entry_v1 *e;
    struct active *a;

    spin_lock(&t->lock);
    a = grant_active(t, ref);
    a->readers = (uint16_t)(a->readers - !write);
    a->writers = (uint16_t)(a->writers - write);
    e = grant_entry(t, ref);
    if (e) {
        grant_entry_unpin((uint32_t *)(void *)e, a->writers == 0, a->readers + a->writers == 0);
    }
    if (a->readers + a->writers == 0) {
        frame_put(a->mfn);
    }
    spin_unlock(&t->lock);
}

static int add_frame(struct domain *d)
{
    struct grant_table *t = d->grant;
    struct grant_frame *f = hv_alloc(sizeof(*f));
    int rc = -ENOMEM;

    if (!f) {
        return rc;
    }
    f->shared = hv_alloc_pages(1);
    if (!f->shared) {
        goto out_frame;
    }
    rc = hv_frame_share(&d->mm, f->shared, true);
    if (rc) {
        goto out_page;
    }
    t->frames[t->nr_frames++] = f;
    return 0;

out_page:
    hv_free_pages(f->shared, 1);
out_frame:
    hv_free(f);
    return rc;
}

/* Have at least nr frames; lock held. */
static int grow_locked(struct domain *d, uint32_t nr)
{
    struct grant_table *t = d->grant;

    if (nr > t->max_frames || t->dead) {
        return -EINVAL;
    }
    while (t->nr_frames < nr) {
        int rc = add_frame(d);

        if (rc) {
            return rc;
        }
    }
    return 0;
}

int grant_table_frame(struct domain *d, uint32_t idx, mfn_t *out)
{
    struct grant_table *t = d->grant;
    int rc;

    if (idx >= t->max_frames) {
        return -EINVAL;
    }
    spin_lock(&t->lock);
    rc = grow_locked(d, idx + 1);
    if (rc == 0) {
        *out = mfn_of_hv(t->frames[idx]->shared);
    }
    spin_unlock(&t->lock);
    return rc;
}

/* The domain that a set-up call names: the caller, or one that it controls; with a reference. GNTST_*. */
static struct domain *named_domain(domid_t id, int16_t *status)
{
    struct domain *d;
    int rc = domain_get_controlled(id, &d);

    *status = rc == 0 ? GNTST_okay : rc == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
    return rc == 0 ? d : NULL;
}

static int setup_table(gva_t uop)
{
    struct gnttab_setup_table op;
    struct domain *d;
    gva_t list;
    int rc = guest_read(&op, uop, sizeof(op));

    if (rc) {
        return rc;
    }
    d = named_domain(op.dom, &op.status);
    if (d) {
        spin_lock(&d->grant->lock);
        if (grow_locked(d, op.nr_frames)) {
            op.status = GNTST_general_error;
        }
        spin_unlock(&d->grant->lock);
        list = gva_make((uint64_t)op.frame_list.p);
        for (uint32_t i = 0; op.status == GNTST_okay && i < op.nr_frames; i++) {
            uint64_t mfn = mfn_raw(mfn_of_hv(d->grant->frames[i]->shared));

            if (guest_write_elem(list, i, &mfn, sizeof(mfn))) {
                op.status = GNTST_bad_virt_addr;
            }
        }
        domain_put(d);
    }
    return guest_write_field(uop, struct gnttab_setup_table, status, op.status);
}

static int query_size(gva_t uop)
{
    struct gnttab_query_size op;
    struct domain *d;
    int rc = guest_read(&op, uop, sizeof(op));

    if (rc) {
        return rc;
    }
    d = named_domain(op.dom, &op.status);
    if (d) {
        op.nr_frames = d->grant->nr_frames;
        op.max_nr_frames = d->grant->max_frames;
        domain_put(d);
    }
    return guest_write(uop, &op, sizeof(op));
}

/* Only version 1 is offered; asking for it is how a guest makes sure. */
static int set_version(gva_t uop)
{
    struct gnttab_set_version op;
    int rc = guest_read(&op, uop, sizeof(op));

    if (rc) {
        return rc;
    }
    rc = op.version == 1 ? 0 : op.version == 2 ? -ENOSYS : -EINVAL;
    op.version = 1; /* what is in force is told in any case */
    return guest_write(uop, &op, sizeof(op)) ? -EFAULT : rc;
}

static int get_version(gva_t uop)
{
    struct gnttab_get_version op;
    struct domain *d;
    int rc = guest_read(&op, uop, sizeof(op));

    rc = rc ? rc : domain_get_controlled(op.dom, &d);
    if (rc) {
        return rc;
    }
    domain_put(d);
    op.version = 1;
    return guest_write(uop, &op, sizeof(op));
}

union batch_op {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_copy copy;
};

static size_t batch_elem_size(uint32_t cmd)
{
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return sizeof(struct gnttab_map_grant_ref);
    case GNTTABOP_unmap_grant_ref:
        return sizeof(struct gnttab_unmap_grant_ref);
    case GNTTABOP_copy:
        return sizeof(struct gnttab_copy);
    default:
        return 0;
    }
}

static long batch(uint32_t cmd, gva_t uop, uint32_t count, size_t size, uint32_t *done)
{
    struct mm_owner *mm = &current_domain()->mm;
    union batch_op op;

    for (uint32_t i = 0; i < count; i++) {
        int rc;

        /* table work that earlier calls left open comes first: a refusal in its midst would mean nothing */
        if ((i > 0 && preempt_pending()) || (pt_walk_is_open(mm) && pt_walk_settle(mm))) {
            *done = i;
            return -ERESTART;
        }
        rc = guest_read_elem(&op, uop, i, size);
        if (rc) {
            return rc;
        }
        if (cmd == GNTTABOP_map_grant_ref) {
            grant_map_one(&op.map);
        } else if (cmd == GNTTABOP_unmap_grant_ref) {
            grant_unmap_one(&op.unmap);
        } else {
            grant_copy_one(&op.copy);
        }
        rc = guest_write_elem(uop, i, &op, size);
        if (rc) {
            return rc;
        }
    }
    return 0;
}

long grant_table_op(uint32_t cmd, gva_t uop, uint32_t count, uint32_t *done)
{
    size_t size = batch_elem_size(cmd);

    if ((int32_t)count < 0) {
        return -EINVAL;
    }
    if (size) {
        return batch(cmd, uop, count, size, done);
    }
    /* The others take exactly one structure. */
    switch (cmd) {
    case GNTTABOP_setup_table:
        return count == 1 ? setup_table(uop) : -EINVAL;
    case GNTTABOP_query_size:
        return count == 1 ? query_size(uop) : -EINVAL;
    case GNTTABOP_set_version:
        return count == 1 ? set_version(uop) : -EINVAL;
    case GNTTABOP_get_version:
        return count == 1 ? get_version(uop) : -EINVAL;
    default:
        return -ENOSYS;
    }
}

/* ---- a domain's grant life ---- */

#define FRAMES_DEFAULT   64u /* as Xen's gnttab_max_frames */
#define FRAMES_LIMIT     256u
#define MAPTRACK_DEFAULT 256u /* pages of MAPTRACK_PER_PAGE mappings */
#define MAPTRACK_LIMIT   512u

static uint32_t limit_or_default(uint32_t asked, uint32_t dflt, uint32_t limit)
{
    return asked == UINT32_MAX ? dflt : MIN(asked, limit);
}

static int grant_unit_init(struct domain *d)
{
    struct grant_table *t = hv_alloc(sizeof(*t));

    if (!t) {
        return -ENOMEM;
    }
    spin_init(&t->lock, "grant", LOCK_GRANT);
    t->max_frames = limit_or_default(d->max_grant_frames, FRAMES_DEFAULT, FRAMES_LIMIT);
    t->max_maptrack_pages = limit_or_default(d->max_maptrack_frames, MAPTRACK_DEFAULT, MAPTRACK_LIMIT);
    t->maptrack_free = MAPTRACK_END;
    t->frames = hv_alloc(sizeof(*t->frames) * (t->max_frames + 1));
    if (!t->frames) {
        hv_free(t);
        return -ENOMEM;
    }
    d->grant = t;
    return 0;
}

static int grant_unit_kill(struct domain *d)
{
    struct grant_table *t = d->grant;
    int rc;

    if (!t) {
        return 0;
    }
    rc = grant_maptrack_release(d);
    if (rc) {
        return rc;
    }
    spin_lock(&t->lock);
    t->dead = true;
    for (uint32_t i = 0; i < t->nr_frames; i++) {
        hv_frame_unshare(t->frames[i]->shared);
    }
    t->nr_frames = 0;
    spin_unlock(&t->lock);
    return 0;
}

static void grant_unit_free(struct domain *d)
{
    struct grant_table *t = d->grant;

    if (!t) {
        return;
    }
    for (uint32_t i = 0; i < t->max_frames && t->frames[i]; i++) {
        for (uint32_t c = 0; c < ARRAY_SIZE(t->frames[i]->chunk); c++) {
            hv_free(t->frames[i]->chunk[c]);
        }
        hv_free(t->frames[i]);
    }
    for (uint32_t i = 0; i < t->nr_maptrack_pages; i++) {
        hv_free(t->maptrack[i]);
    }
    hv_free(t->frames);
    hv_free(t->maptrack);
    hv_free(t);
    d->grant = NULL;
}

DOMAIN_UNIT(30, grant_unit, .name = "grant", .init = grant_unit_init, .kill = grant_unit_kill, .free = grant_unit_free);
