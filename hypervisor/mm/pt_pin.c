/* SPDX-License-Identifier: MIT */
/*
 * Pins and roots: whole-tree references. Each is one type reference with its general one; PINNED
 * marks the pin's.
 */
#include "mm/pt_pin.h"

static int refuse(const struct mm_owner *o, mfn_t mfn, unsigned int level, enum pt_reason reason)
{
    const struct pt_fault fault = {mfn, 0, (uint8_t)level, reason, 0};

    mm_report_fault(o, &fault);
    return -pt_reason_errno(reason);
}

/* The frame with general and type reference. */
static int get_tree(struct mm_owner *o, mfn_t mfn, unsigned int level, struct page_info **out)
{
    struct page_info *pg = page_of_mfn(mfn);
    enum pt_reason reason;
    int rc;

    rc = pt_walk_settle(o);
    if (rc != 0) {
        return rc;
    }
    if (!pg) {
        return refuse(o, mfn, level, PT_REFUSED_FRAME);
    }
    if (!page_get(pg, o->id, false)) {
        return refuse(o, mfn, level, PT_REFUSED_OWNER);
    }
    rc = pt_walk_get(o, pg, level, &reason);
    if (rc == 0) {
        *out = pg;
    } else if (rc != -ERESTART) {
        rc = refuse(o, mfn, level, reason);
    }
    return rc;
}

int pt_pin(struct mm_owner *o, mfn_t mfn, unsigned int level)
{
    struct page_info *pg;
    enum pt_reason reason = PT_OK;
    int rc = get_tree(o, mfn, level, &pg);

    if (rc != 0) {
        return rc;
    }
    /* the lock: teardown sets dying under it and then looks at each frame once */
    spin_lock(&o->lock);
    if (o->dying) {
        reason = PT_REFUSED_DYING;
    } else if (__atomic_fetch_or(&pg->type, PGT_PINNED, __ATOMIC_SEQ_CST) & PGT_PINNED) {
        reason = PT_REFUSED_PINNED;
    }
    if (reason != PT_OK) {
        pt_walk_put_locked(o, pg);
    }
    spin_unlock(&o->lock);
    return reason == PT_OK ? 0 : refuse(o, mfn, level, reason);
}

int pt_unpin(struct mm_owner *o, mfn_t mfn)
{
    struct page_info *pg = page_of_mfn(mfn);
    int rc = pt_walk_settle(o);

    if (rc != 0) {
        return rc;
    }
    if (!pg || !page_get(pg, o->id, false)) {
        return refuse(o, mfn, 0, pg ? PT_REFUSED_OWNER : PT_REFUSED_FRAME);
    }
    if (__atomic_fetch_and(&pg->type, ~PGT_PINNED, __ATOMIC_SEQ_CST) & PGT_PINNED) {
        pt_walk_put(o, pg);
    } else {
        rc = refuse(o, mfn, 0, PT_REFUSED_NOT_PINNED);
    }
    page_put(pg);
    return rc;
}

int pt_root_get(struct mm_owner *o, mfn_t mfn)
{
    struct page_info *pg;

    return get_tree(o, mfn, 4, &pg);
}

void pt_root_put(struct mm_owner *o, mfn_t mfn)
{
    pt_walk_put(o, page_of_mfn(mfn));
}

void pt_unpin_any_locked(struct mm_owner *o, struct page_info *pg)
{
    uint64_t old = __atomic_fetch_and(&pg->type, ~(PGT_PINNED | PGT_HELD), __ATOMIC_SEQ_CST);

    if (old & PGT_PINNED) {
        pt_walk_put_locked(o, pg);
    }
    if (old & PGT_HELD) {
        pt_walk_put_locked(o, pg);
    }
}
