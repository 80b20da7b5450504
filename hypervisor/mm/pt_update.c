/* SPDX-License-Identifier: MIT */
/*
 * Apply checked updates to live page tables. Lock-free: the batch's type reference keeps the table
 * a checked table, and each entry changes by compare-and-swap after its new references were taken
 * and before its old ones are dropped. Invariant: at every moment a present entry in a VALID table
 * holds its references (I2 in page_type.c).
 */
#include "mm/pt_update.h"

#include "mm/map.h"

int pt_update_begin(struct pt_update *u, struct mm_owner *tables, struct mm_owner *frames)
{
    int rc = pt_walk_settle(tables);

    if (likely(rc == 0) && unlikely(frames != tables)) {
        rc = pt_walk_settle(frames);
    }
    if (unlikely(rc != 0)) {
        return rc;
    }
    if (unlikely(tables->dying || frames->dying)) {
        return -ESRCH;
    }
    u->scope = (struct pt_scope){tables, frames->id, tables != frames};
    u->frames = frames;
    u->frame = NULL;
    u->slots = NULL;
    u->level = 0;
    return 0;
}

static void release_frame(struct pt_update *u)
{
    if (u->frame) {
        unmap_frame(u->slots);
        pt_walk_put(u->scope.tables, u->frame);
        u->frame = NULL;
    }
}

void pt_update_end(struct pt_update *u)
{
    release_frame(u);
}

static int refuse(const struct pt_update *u, unsigned int slot, uint64_t entry,
                  enum pt_reason reason)
{
    const struct pt_fault fault = {
        .table = u->frame ? page_mfn(u->frame) : MFN_INVALID,
        .slot = (uint16_t)slot,
        .level = (uint8_t)u->level,
        .reason = reason,
        .entry = entry,
    };

    mm_report_fault(u->scope.tables, &fault);
    return -pt_reason_errno(reason);
}

/*
 * A refusal counts only when no work is open: a frame that an earlier entry of the same batch gave
 * up may still have its old type. The caller restarts, which settles the work, and asks again.
 */
static inline bool may_be_passing(const struct pt_update *u)
{
    return pt_walk_is_open(u->scope.tables) || pt_walk_is_open(u->frames);
}

/* Make `mfn` the batch's frame: as a table if it is one, as memory if it can be written. */
static enum pt_reason use_frame(struct pt_update *u, mfn_t mfn, int *rc)
{
    struct page_info *pg = page_of_mfn(mfn);
    enum page_type type;
    enum pt_reason reason;

    *rc = 0;
    if (likely(u->frame) && u->frame == pg) {
        return PT_OK;
    }
    release_frame(u);
    if (!pg) {
        return PT_REFUSED_FRAME;
    }
    if (!page_get(pg, u->scope.tables->id, false)) {
        return PT_REFUSED_OWNER;
    }
    type = pgt_type(READ_ONCE(pg->type));
    if (!page_type_is_table(type) || pgt_count(READ_ONCE(pg->type)) == 0) {
        type = PAGE_WRITABLE;
    }
    reason = page_type_get(pg, type);
    if (reason != PT_OK) {
        page_put(pg);
        if (!may_be_passing(u)) {
            return PT_REFUSED_NOT_TABLE;
        }
        *rc = -ERESTART;
        return PT_OK;
    }
    u->frame = pg;
    u->slots = map_frame(mfn);
    u->level = type == PAGE_WRITABLE ? 0 : page_type_level(type);
    return PT_OK;
}

static inline unsigned int slot_of(maddr_t where)
{
    return (unsigned int)(maddr_raw(where) & (PAGE_SIZE - 1)) / (unsigned int)sizeof(uint64_t);
}

/* References of a canonical entry at a level; may weaken it (see pt_leaf_get). */
static int entry_get(struct pt_update *u, uint64_t *canon, enum pt_reason *reason)
{
    struct page_info *child;

    if (u->level == 1) {
        *reason = pt_leaf_get(&u->scope, canon);
        return -pt_reason_errno(*reason);
    }
    child = page_of_mfn(mfn_make((*canon & PTE_ADDR) >> PAGE_SHIFT));
    if (!child) {
        *reason = PT_REFUSED_FRAME;
        return -pt_reason_errno(*reason);
    }
    if (!page_get(child, u->scope.tables->id, false)) {
        *reason = PT_REFUSED_OWNER;
        return -pt_reason_errno(*reason);
    }
    return pt_walk_get(u->scope.tables, child, u->level - 1, reason);
}

static void entry_put(struct pt_update *u, uint64_t entry)
{
    if (u->level == 1) {
        pt_leaf_put(entry);
    } else {
        pt_walk_put(u->scope.tables, page_of_mfn(mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT)));
    }
}

/* The entry's new value given what is there now. */
static inline uint64_t merge(uint64_t canon, uint64_t old, enum pt_store_mode mode)
{
    return mode == PT_STORE_KEEP_AD && (canon & old & PTE_P) ? canon | (old & PTE_AD) : canon;
}

/*
 * `expected` is for PT_STORE_COMPARE, and receives the current value when that differs (-EAGAIN).
 */
static int store(struct pt_update *u, unsigned int slot, uint64_t entry, enum pt_store_mode mode,
                 uint64_t *expected)
{
    enum pt_reason reason;
    enum pt_change kind;
    uint64_t canon, old, new;
    bool taken = false;
    int rc;

    if (unlikely(!pt_slot_is_guest(u->level, slot))) {
        return refuse(u, slot, entry, PT_REFUSED_SLOT);
    }
    reason = pt_check_flags(u->level, entry, &u->scope.tables->rules, &canon);
    if (unlikely(reason != PT_OK)) {
        return refuse(u, slot, entry, reason);
    }
    for (;;) {
        old = __atomic_load_n(&u->slots[slot], __ATOMIC_RELAXED);
        if (unlikely(mode == PT_STORE_COMPARE && old != *expected)) {
            *expected = old;
            rc = -EAGAIN;
            break;
        }
        new = merge(canon, old, mode);
        kind = pt_change_kind(u->level, old, new);
        if (!taken && (kind == PT_CHANGE_MAP || kind == PT_CHANGE_REPLACE)) {
            rc = entry_get(u, &canon, &reason);
            if (unlikely(rc != 0)) {
                return rc == -ERESTART || may_be_passing(u) ? -ERESTART
                                                            : refuse(u, slot, entry, reason);
            }
            taken = true;
            new = merge(canon, old, mode);
            kind = pt_change_kind(u->level, old, new);
        }
        if (likely(__atomic_compare_exchange_n(&u->slots[slot], &old, new, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_RELAXED))) {
            if (kind == PT_CHANGE_UNMAP || kind == PT_CHANGE_REPLACE) {
                entry_put(u, old);
            }
            taken = taken && kind != PT_CHANGE_MAP && kind != PT_CHANGE_REPLACE;
            rc = 0;
            break;
        }
    }
    if (unlikely(taken)) {
        entry_put(
            u, canon); /* what was there by now needed no new reference, or the comparison failed */
    }
    return rc;
}

int pt_update_store(struct pt_update *u, maddr_t where, uint64_t entry, enum pt_store_mode mode)
{
    unsigned int slot = slot_of(where);
    enum pt_reason reason;
    int rc;

    reason = use_frame(u, mfn_of_maddr(where), &rc);
    if (unlikely(reason != PT_OK)) {
        return refuse(u, slot, entry, reason);
    }
    if (unlikely(rc != 0)) {
        return rc;
    }
    if (unlikely(u->level == 0)) {
        __atomic_store_n(&u->slots[slot], entry, __ATOMIC_RELAXED);
        release_frame(u); /* the next entry may use it as a table */
        return 0;
    }
    return store(u, slot, entry, mode, NULL);
}

int pt_update_store_l1(struct pt_update *u, maddr_t where, uint64_t entry)
{
    int rc;

    if (unlikely(use_frame(u, mfn_of_maddr(where), &rc) != PT_OK)) {
        return -EINVAL;
    }
    if (unlikely(rc != 0)) {
        return rc;
    }
    return likely(u->level == 1) ? store(u, slot_of(where), entry, PT_STORE_NORMAL, NULL) : -EINVAL;
}

int pt_update_compare(struct pt_update *u, maddr_t where, uint64_t *expected, uint64_t entry)
{
    unsigned int slot = slot_of(where);
    int rc;

    if (use_frame(u, mfn_of_maddr(where), &rc) != PT_OK) {
        return -EINVAL;
    }
    if (rc == 0 && u->level == 0) {
        release_frame(u);
        return -EINVAL;
    }
    return rc != 0 ? rc : store(u, slot, entry, PT_STORE_COMPARE, expected);
}

/* RAM of this owner; checked again by whoever takes a reference. */
static bool owns(const struct mm_owner *o, mfn_t mfn)
{
    const struct page_info *pg = page_of_mfn(mfn);

    return pg && page_owner_id(pg) == o->id;
}

int pt_update_find(const struct mm_owner *tables, mfn_t root, gva_t va, maddr_t *where)
{
    mfn_t mfn = root;
    unsigned int level;

    for (level = 4; level > 1; level--) {
        unsigned int shift = PAGE_SHIFT + 9 * (level - 1);
        unsigned int slot = (unsigned int)(gva_raw(va) >> shift) & (PT_ENTRIES - 1);
        const uint64_t *table;
        uint64_t entry;

        if (!pt_slot_is_guest(level, slot)) {
            return -EINVAL;
        }
        table = map_frame(mfn);
        entry = READ_ONCE(table[slot]);
        unmap_frame(table);
        mfn = mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT);
        /* another CPU may just have given the table up and be writing to it: then this is any number */
        if (!(entry & PTE_P) || !owns(tables, mfn)) {
            return -EINVAL;
        }
    }
    *where = maddr_make(maddr_raw(maddr_of_mfn(mfn)) +
                        ((gva_raw(va) >> PAGE_SHIFT) & (PT_ENTRIES - 1)) * sizeof(uint64_t));
    return 0;
}

int pt_update_granted(struct mm_owner *tables, maddr_t where, uint64_t entry,
                      struct mm_owner *frames)
{
    struct pt_update u;
    int rc = pt_update_begin(&u, tables, tables);

    if (rc != 0) {
        return rc;
    }
    /* not settled: a frame that its owner may grant is mapped writable or not typed at all */
    u.scope = (struct pt_scope){tables, frames->id, tables != frames};
    rc = pt_update_store_l1(&u, where, entry);
    pt_update_end(&u);
    return rc;
}

int pt_update_ungrant(struct mm_owner *tables, maddr_t where, mfn_t mfn, uint64_t entry)
{
    struct pt_update u;
    int rc = pt_update_begin(&u, tables, tables);

    if (rc != 0) {
        return rc;
    }
    if (use_frame(&u, mfn_of_maddr(where), &rc) != PT_OK) {
        rc = -EINVAL;
    } else if (rc == 0) {
        rc = u.level == 1 ? -EAGAIN : -EINVAL;
    }
    while (rc == -EAGAIN) {
        uint64_t old = READ_ONCE(u.slots[slot_of(where)]);

        if (!(old & PTE_P) || (old & PTE_ADDR) >> PAGE_SHIFT != mfn_raw(mfn)) {
            rc = -EINVAL;
        } else {
            rc = store(&u, slot_of(where), entry, PT_STORE_COMPARE, &old);
        }
    }
    pt_update_end(&u);
    return rc;
}
