/* SPDX-License-Identifier: MIT */
/*
 * Promotion and dismissal of page tables by a work list in the frames themselves: no recursion, at
 * most 64 entries between two preemption points, any number of tables. Lock: the owner's mm lock.
 * Invariant: a table on either list is not VALID, has count one and one general reference that
 * belongs to the list.
 */
#include "mm/pt_walk.h"

#include "debug/panic.h"
#include "mm/map.h"
#include "x86/entry.h"

/* Host tests stop at each. */
#ifdef XENO_HOST_TEST
#define ENTRIES_PER_POINT 1u
#else
#define ENTRIES_PER_POINT 64u
#endif
#define ABSENT_PER_ENTRY 64u /* so many absent entries cost what a present one does */
#define GLANCE           8u  /* entries that are looked at together; divides PT_ENTRIES */

static inline mfn_t entry_mfn(uint64_t entry)
{
    return mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT);
}

static inline bool exchange(struct page_info *pg, uint64_t old, uint64_t next)
{
    return __atomic_compare_exchange_n(&pg->type, &old, next, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/* ---- most tables are nearly empty ---- */

static inline bool glance_is_empty(const uint64_t *e)
{
    return !((e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_P);
}

/* The first present entry from i on, or PT_ENTRIES. */
static unsigned int next_present(const uint64_t *table, unsigned int i)
{
    while (i < PT_ENTRIES && !(table[i] & PTE_P)) {
        i += i % GLANCE == 0 && glance_is_empty(&table[i]) ? GLANCE : 1;
    }
    return i;
}

/* One more than the last present entry below n, or 0. */
static unsigned int present_below(const uint64_t *table, unsigned int n)
{
    while (n > 0 && !(table[n - 1] & PTE_P)) {
        n -= n % GLANCE == 0 && glance_is_empty(&table[n - GLANCE]) ? GLANCE : 1;
    }
    return n;
}

static inline unsigned int pay(unsigned int budget, unsigned int nr_absent)
{
    return budget - MIN(budget, 1 + nr_absent / ABSENT_PER_ENTRY);
}

/* ---- L1 entries ---- */

static enum pt_reason io_get(const struct pt_scope *scope, uint64_t *entry)
{
    return pt_check_io(mm_io_access(scope->tables, entry_mfn(*entry)), entry);
}

enum pt_reason pt_leaf_get(const struct pt_scope *scope, uint64_t *entry)
{
    struct page_info *pg = page_of_mfn(entry_mfn(*entry));

    if (unlikely(!pg)) {
        return io_get(scope, entry);
    }
    /*
     * RAM is mapped write-back by everyone, always: with mixed attributes a CPU could show a
     * table's old contents to the check and other contents to the page walker.
     */
    *entry &= ~PTE_CACHE;
    if (unlikely(!page_get(pg, scope->frames_id, scope->foreign))) {
        return PT_REFUSED_OWNER;
    }
    if (*entry & PTE_RW) {
        enum pt_reason reason = page_type_get(pg, PAGE_WRITABLE);

        if (unlikely(reason != PT_OK)) {
            page_put(pg);
            return reason;
        }
    }
    return PT_OK;
}

/* ---- promotion ---- */

static void push(uint32_t *top, struct page_info *pg, uint16_t nr_held)
{
    pg->nr_held = nr_held;
    pg->work_next = *top;
    WRITE_ONCE(*top, page_idx(pg));
}

/*
 * One reference to `pg` as a table of `level`, the caller's general reference going along. PT_OK
 * with *pushed telling whether the table now is at the top of the promotion list (its reference
 * counts when it is finished).
 */
static enum pt_reason child_get(struct mm_owner *o, struct page_info *pg, unsigned int level,
                                bool *pushed)
{
    *pushed = false;
    for (;;) {
        uint64_t old = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
        struct type_step step = pgt_get(old, page_type_of_level(level), true);

        if (step.action == TYPE_REFUSE || step.action == TYPE_LOCK) {
            /*
             * TYPE_LOCK cannot be: under the lock and settled, the only tables that are not VALID
             * are our parents
             */
            ASSERT(step.action == TYPE_REFUSE);
            page_put(pg);
            return step.action == TYPE_REFUSE ? (enum pt_reason)step.reason : PT_REFUSED_LEVEL;
        }
        if (!exchange(pg, old, step.next)) {
            continue;
        }
        if (step.action == TYPE_HANDOVER) {
            page_put(pg);
        } else if (step.action == TYPE_PREPARE) {
            if (step.flush) {
                tlb_flush_stale(mm_cpus_of_page(pg), pgt_stamp(old));
            }
            push(&o->promote_top, pg, 0);
            *pushed = true;
        }
        return PT_OK;
    }
}

/* Check entry i of the table at the top and take its references. */
static enum pt_reason promote_entry(struct mm_owner *o, unsigned int level, uint64_t *table,
                                    unsigned int i, bool *pushed)
{
    uint64_t entry = table[i];
    uint64_t canon;
    enum pt_reason reason;

    *pushed = false;
    if (!(entry & PTE_P) || !pt_slot_is_guest(level, i)) {
        return PT_OK;
    }
    reason = pt_check_flags(level, entry, &o->rules, &canon);
    if (reason != PT_OK) {
        return reason;
    }
    if (level == 1) {
        const struct pt_scope own = {o, o->id, false};

        reason = pt_leaf_get(&own, &canon);
    } else {
        struct page_info *child = page_of_mfn(entry_mfn(canon));

        if (!child) {
            return PT_REFUSED_FRAME;
        }
        if (!page_get(child, o->id, false)) {
            return PT_REFUSED_OWNER;
        }
        reason = child_get(o, child, level - 1, pushed);
    }
    if (reason == PT_OK && canon != entry) {
        WRITE_ONCE(table[i], canon);
    }
    return reason;
}

/*
 * All entries of the top hold their references: it becomes usable, and counts as its parent's next
 * entry.
 */
static void promote_finish(struct mm_owner *o, struct page_info *pg, unsigned int level,
                           uint64_t *table)
{
    uint64_t word = pgt_ready(READ_ONCE(pg->type));

    if (level == 4) {
        mm_fill_hv_slots(table);
    }
    WRITE_ONCE(o->promote_top, pg->work_next);
    if (pg->work_next == PAGE_IDX_NONE) {
        word |= PGT_HELD;
    } else {
        page_of_idx(pg->work_next)->nr_held++;
    }
    pg->work_next = PAGE_IDX_NONE;
    pg->nr_held = 0;
    __atomic_store_n(&pg->type, word, __ATOMIC_RELEASE);
}

void pt_walk_abandon_locked(struct mm_owner *o)
{
    struct page_info *root;

    if (o->promote_top == PAGE_IDX_NONE) {
        return;
    }
    root = page_of_idx(o->promote_top);
    while (root->work_next != PAGE_IDX_NONE) {
        root = page_of_idx(root->work_next);
    }
    root->work_next = o->dismiss_top;
    WRITE_ONCE(o->dismiss_top, o->promote_top);
    WRITE_ONCE(o->promote_top, PAGE_IDX_NONE);
}

/*
 * 0: the whole promotion is done, its root HELD. -ERESTART. Or refused: *reason, and all of it is
 * to be dismissed.
 */
static int promote(struct mm_owner *o, enum pt_reason *reason)
{
    unsigned int budget = ENTRIES_PER_POINT;

    while (o->promote_top != PAGE_IDX_NONE) {
        struct page_info *pg = page_of_idx(o->promote_top);
        unsigned int level = page_type_level(pgt_type(READ_ONCE(pg->type)));
        uint64_t *table = map_frame(page_mfn(pg));
        bool pushed = false;

        while (!pushed && pg->nr_held < PT_ENTRIES && budget > 0) {
            unsigned int i = next_present(table, pg->nr_held);

            budget = pay(budget, i - pg->nr_held);
            pg->nr_held = (uint16_t)i;
            if (i == PT_ENTRIES) {
                break;
            }
            *reason = promote_entry(o, level, table, i, &pushed);
            if (*reason != PT_OK) {
                const struct pt_fault fault = {page_mfn(pg), (uint16_t)i, (uint8_t)level, *reason,
                                               table[i]};

                mm_report_fault(o, &fault);
                unmap_frame(table);
                pt_walk_abandon_locked(o);
                return -pt_reason_errno(*reason);
            }
            pg->nr_held = (uint16_t)(pg->nr_held + (pushed ? 0 : 1));
        }
        if (!pushed && pg->nr_held == PT_ENTRIES) {
            promote_finish(o, pg, level, table);
        }
        unmap_frame(table);
        if (budget == 0) {
            budget = ENTRIES_PER_POINT;
            if (o->promote_top != PAGE_IDX_NONE && preempt_pending()) {
                return -ERESTART;
            }
        }
    }
    return 0;
}

/* ---- dismissal ---- */

void pt_walk_put_locked(struct mm_owner *o, struct page_info *pg)
{
    for (;;) {
        uint64_t old = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
        struct type_step step = pgt_put(old, tlb_clock(), true);

        if (!exchange(pg, old, step.next)) {
            continue;
        }
        if (step.action == TYPE_DISMISS) {
            ASSERT((old & (PGT_VALID | PGT_PINNED | PGT_HELD)) == PGT_VALID);
            push(&o->dismiss_top, pg, PT_ENTRIES);
        } else {
            page_put(pg);
        }
        return;
    }
}

static void dismiss_entry(struct mm_owner *o, unsigned int level, uint64_t entry, unsigned int i)
{
    if (!(entry & PTE_P) || !pt_slot_is_guest(level, i)) {
        return;
    }
    if (level == 1) {
        pt_leaf_put(entry);
    } else {
        pt_walk_put_locked(o, page_of_mfn(entry_mfn(entry)));
    }
}

/* 0: nothing left to dismiss; -ERESTART. */
static int dismiss(struct mm_owner *o)
{
    unsigned int budget = ENTRIES_PER_POINT;

    while (o->dismiss_top != PAGE_IDX_NONE) {
        uint32_t idx = o->dismiss_top;
        struct page_info *pg = page_of_idx(idx);
        uint64_t word = READ_ONCE(pg->type);
        unsigned int level = page_type_level(pgt_type(word));
        const uint64_t *table = map_frame(page_mfn(pg));

        while (o->dismiss_top == idx && pg->nr_held > 0 && budget > 0) {
            unsigned int n = present_below(table, pg->nr_held);

            budget = pay(budget, pg->nr_held - n);
            pg->nr_held = (uint16_t)(n ? n - 1 : 0);
            if (n) {
                dismiss_entry(o, level, READ_ONCE(table[n - 1]), n - 1);
            }
        }
        unmap_frame(table);
        if (o->dismiss_top == idx && pg->nr_held == 0) {
            WRITE_ONCE(o->dismiss_top, pg->work_next);
            pg->work_next = PAGE_IDX_NONE;
            __atomic_store_n(&pg->type, pgt_undo(word, tlb_clock()), __ATOMIC_RELEASE);
            page_put(pg);
        }
        if (budget == 0) {
            budget = ENTRIES_PER_POINT;
            if (o->dismiss_top != PAGE_IDX_NONE && preempt_pending()) {
                return -ERESTART;
            }
        }
    }
    return 0;
}

/* ---- the operations ---- */

int pt_walk_settle_locked(struct mm_owner *o)
{
    while (pt_walk_is_open(o)) {
        enum pt_reason
            reason; /* of someone else's promotion: told to the log, and again to whoever repeats it */
        int rc = dismiss(o);

        if (rc == 0) {
            rc = promote(o, &reason);
        }
        if (rc == -ERESTART) {
            return rc;
        }
    }
    return 0;
}

int pt_walk_settle(struct mm_owner *o)
{
    int rc;

    if (likely(!pt_walk_is_open(o))) {
        return 0;
    }
    spin_lock(&o->lock);
    rc = pt_walk_settle_locked(o);
    spin_unlock(&o->lock);
    return rc;
}

int pt_walk_get_locked(struct mm_owner *o, struct page_info *pg, unsigned int level,
                       enum pt_reason *reason)
{
    bool pushed;
    int rc = pt_walk_settle_locked(o);

    *reason = PT_OK;
    if (rc != 0) {
        page_put(pg);
        return rc;
    }
    if (o->dying) {
        *reason = PT_REFUSED_DYING;
        page_put(pg);
        return -pt_reason_errno(*reason);
    }
    *reason = child_get(o, pg, level, &pushed);
    if (*reason != PT_OK) {
        return -pt_reason_errno(*reason);
    }
    if (pushed) {
        rc = promote(o, reason);
        if (rc == 0) {
            __atomic_and_fetch(&pg->type, ~PGT_HELD, __ATOMIC_SEQ_CST);
        }
    }
    return rc;
}

int pt_walk_get(struct mm_owner *o, struct page_info *pg, unsigned int level,
                enum pt_reason *reason)
{
    uint64_t old = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
    struct type_step step = pgt_get(old, page_type_of_level(level), false);
    int rc;

    *reason = PT_OK;
    if (step.action == TYPE_DONE && !(old & PGT_HELD) && exchange(pg, old, step.next)) {
        return 0;
    }
    spin_lock(&o->lock);
    rc = pt_walk_get_locked(o, pg, level, reason);
    spin_unlock(&o->lock);
    return rc;
}

void pt_walk_put(struct mm_owner *o, struct page_info *pg)
{
    if (likely(page_type_try_put(pg))) {
        page_put(pg);
        return;
    }
    spin_lock(&o->lock);
    pt_walk_put_locked(o, pg);
    spin_unlock(&o->lock);
}
