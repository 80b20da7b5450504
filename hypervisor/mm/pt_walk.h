/* SPDX-License-Identifier: MIT */
/*
 * Promotion (checking every entry of a table, and of the tables below it) and dismissal (releasing
 * them), both stopping at preemption points; references of single L1 entries. The invariants are in
 * the essay above page_type.c.
 */
#ifndef MM_PT_WALK_H
#define MM_PT_WALK_H

#include "common/compiler.h"
#include "debug/panic.h"
#include "mm/mm_owner.h"
#include "mm/page.h"

/* Where which rule was broken: for the log that a guest's writer reads. */
struct pt_fault {
    mfn_t table; /* MFN_INVALID: the operation itself, not an entry */
    uint16_t slot;
    uint8_t level; /* of the table, 1..4 */
    enum pt_reason reason;
    uint64_t entry;
};

/*
 * Who maps what: entries of `tables`' tables may map frames of `frames_id`, which is foreign if it
 * is another domain.
 */
struct pt_scope {
    struct mm_owner *tables;
    uint16_t frames_id;
    bool foreign;
};

/* ---- open work ---- */

static inline bool pt_walk_is_open(const struct mm_owner *o)
{
    return (READ_ONCE(o->promote_top) & READ_ONCE(o->dismiss_top)) != PAGE_IDX_NONE;
}

/*
 * Go on with what earlier operations on o's tables left open. 0: nothing is open now; -ERESTART:
 * preempted, call again. To be called, without the lock, before any operation that depends on frame
 * types.
 */
int pt_walk_settle(struct mm_owner *o) __must_check;
int pt_walk_settle_locked(struct mm_owner *o) __must_check;

/* Turn an open promotion into a dismissal (teardown). Lock held. */
void pt_walk_abandon_locked(struct mm_owner *o);

/* ---- references to tables ---- */

/*
 * Take a reference to `pg` as a table of `level`, checking it if it is not in use as such. The
 * caller's general reference (page_get with o's id) is used up in every case: it goes along with
 * the type reference on success. 0; -ERESTART: preempted, do the whole operation again; or the
 * errno of the rule that was broken, in *reason.
 */
int pt_walk_get(struct mm_owner *o, struct page_info *pg, unsigned int level,
                enum pt_reason *reason) __must_check;
int pt_walk_get_locked(struct mm_owner *o, struct page_info *pg, unsigned int level,
                       enum pt_reason *reason) __must_check;

/*
 * Drop a type reference of any kind with its general one. The last one of a table leaves open work
 * behind.
 */
void pt_walk_put(struct mm_owner *o, struct page_info *pg);
void pt_walk_put_locked(struct mm_owner *o, struct page_info *pg);

/* ---- references of L1 entries ---- */

/*
 * Take what the present, canonical L1 entry *entry needs; may make it weaker (I/O frames that are
 * read-only, cache bits on RAM). PT_OK, or the rule and nothing taken.
 */
enum pt_reason pt_leaf_get(const struct pt_scope *scope, uint64_t *entry);
static inline void pt_leaf_put(uint64_t entry)
{
    struct page_info *pg = page_of_mfn(mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT));

    if (unlikely(!pg)) {
        return; /* an I/O frame: what is RAM never changes, so none was taken either */
    }
    if (entry & PTE_RW) {
        bool done = page_type_try_put(pg); /* WRITABLE has nothing to release */

        ASSERT(done);
        (void)done;
    }
    page_put(pg);
}

/* ---- what the walk asks of the hypervisor; host tests bring their own ---- */

/* Write the hypervisor's entries into slots PT_L4_HV_FIRST to PT_L4_HV_LAST. */
void mm_fill_hv_slots(uint64_t *l4);

/* Tell the guest's writer (rate-limited) which rule was broken where. */
void mm_report_fault(const struct mm_owner *o, const struct pt_fault *fault);

#endif
