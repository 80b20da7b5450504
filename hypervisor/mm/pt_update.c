/* SPDX-License-Identifier: MIT */
/*
 * Apply checked updates to live page tables. Lock-free: the batch's type reference keeps the table
 * a checked table, and each entry changes by compare-and-swap after its new references were taken
 * and before its old ones are dropped. Invariant: at every moment a present entry in a VALID table
 * holds its references (I2 in page_type.c).
 */
#include "mm/pt_update.h"

#include "mm/map.h"

static inline void init(struct pt_update *u, struct mm_owner *tables, struct mm_owner *frames)
{
    u->scope = (struct pt_scope){tables, frames->id, tables != frames};
    u->frames = frames;
    u->slow_bits = tables->rules.bad_addr | PTE_CACHE;
    u->frame = NULL;
    u->mfn = MFN_INVALID_RAW;
}

int pt_update_begin(struct pt_update *u, struct mm_owner *tables, struct mm_owner *frames)
{
    int rc;

    if (unlikely(pt_walk_is_open(tables)) || unlikely(frames != tables)) {
        rc = pt_walk_settle(tables);
        if (rc == 0) {
            rc = pt_walk_settle(frames);
        }
        if (rc != 0) {
            return rc;
        }
    }
    if (unlikely(tables->dying || frames->dying)) {
        return -ESRCH;
    }
    init(u, tables, frames);
    return 0;
}

static inline void release_frame(struct pt_update *u)
{
    if (u->frame) {
        unmap_frame(u->slots);
        pt_walk_put(u->scope.tables, u->frame);
        u->frame = NULL;
        u->mfn = MFN_INVALID_RAW;
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
 * A refusal of a frame for its type counts only when no work is open: what an earlier entry of the
 * same batch gave up may still have its old type. The caller restarts, which settles the work, and
 * asks again. Not so a refusal by pt_walk_get(): it settles first, and what is open afterwards are
 * the remains of the refused table itself, so asking again would never end.
 */
static inline bool may_be_passing(const struct pt_update *u)
{
    return pt_walk_is_open(u->scope.tables) || pt_walk_is_open(u->frames);
}

static enum pt_reason use_other_frame(struct pt_update *u, mfn_t mfn, int *rc)
{
    struct page_info *pg = page_of_mfn(mfn);
    enum page_type type;
    uint64_t word;

    release_frame(u);
    if (!pg) {
        return PT_REFUSED_FRAME;
    }
    if (!page_get(pg, u->scope.tables->id, false)) {
        return PT_REFUSED_OWNER;
    }
    word = READ_ONCE(pg->type);
    type = page_type_is_table(pgt_type(word)) && pgt_count(word) ? pgt_type(word) : PAGE_WRITABLE;
    if (!page_type_get_fast(pg, type) && page_type_get(pg, type) != PT_OK) {
        page_put(pg);
        *rc = may_be_passing(u) ? -ERESTART : 0;
        return *rc ? PT_OK : PT_REFUSED_NOT_TABLE;
    }
    u->frame = pg;
    u->mfn = mfn_raw(mfn);
    u->slots = map_frame(mfn);
    u->level = type == PAGE_WRITABLE ? 0 : page_type_level(type);
    return PT_OK;
}

/* Make `mfn` the batch's frame: as a table if it is one, as memory if it can be written. */
static inline enum pt_reason use_frame(struct pt_update *u, mfn_t mfn, int *rc)
{
    *rc = 0;
    return likely(u->mfn == mfn_raw(mfn)) ? PT_OK : use_other_frame(u, mfn, rc);
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
                return rc == -ERESTART || (u->level == 1 && may_be_passing(u))
                           ? -ERESTART
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

#define ANY_FRAME MFN_INVALID_RAW

static inline bool maps(uint64_t entry, uint64_t mfn)
{
    return (entry & PTE_P) && (entry & PTE_ADDR) >> PAGE_SHIFT == mfn;
}

/* References of an L1 entry for RAM, if one exchange each is enough. */
static inline __attribute__((always_inline)) struct page_info *
leaf_get_fast(const struct pt_scope *scope, uint64_t entry)
{
    struct page_info *pg = page_of_mfn(mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT));

    if (unlikely(!pg) || unlikely(!page_get(pg, scope->frames_id, scope->foreign))) {
        return NULL;
    }
    if ((entry & PTE_RW) && unlikely(!page_type_get_fast(pg, PAGE_WRITABLE))) {
        page_put(pg);
        return NULL;
    }
    return pg;
}

/*
 * What nearly every update is, in one piece without calls: an L1 entry that comes, goes or changes,
 * for RAM whose type does not have to change. The steps are those of store(). `replaced`: the frame
 * that it must have mapped so far, or ANY_FRAME. `was`: NULL, or for the entry that was replaced.
 * False: nothing was done, store() has to do it or to say why not.
 */
static inline __attribute__((always_inline)) bool
store_fast(struct pt_update *u, unsigned int slot, uint64_t entry, enum pt_store_mode mode,
           uint64_t replaced, uint64_t *was)
{
    struct page_info *pg = NULL;
    uint64_t canon = entry, old, new;
    enum pt_change kind;

    if (unlikely(u->level != 1)) {
        return false;
    }
    if (entry & PTE_P) {
        if (unlikely(entry & u->slow_bits)) {
            return false;
        }
        canon = (entry | PTE_US) & ~PTE_G;
    }
    old = __atomic_load_n(&u->slots[slot], __ATOMIC_RELAXED);
    if (replaced != ANY_FRAME && unlikely(!maps(old, replaced))) {
        return false;
    }
    new = merge(canon, old, mode);
    kind = pt_change_kind(1, old, new);
    if (kind == PT_CHANGE_MAP || kind == PT_CHANGE_REPLACE) {
        pg = leaf_get_fast(&u->scope, new);
        if (unlikely(!pg)) {
            return false;
        }
    }
    if (unlikely(!__atomic_compare_exchange_n(&u->slots[slot], &old, new, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_RELAXED))) {
        if (pg) {
            pt_leaf_put(new);
        }
        return false;
    }
    if (kind == PT_CHANGE_UNMAP || kind == PT_CHANGE_REPLACE) {
        pt_leaf_put(old);
    }
    if (was) {
        *was = old;
    }
    return true;
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
    return likely(store_fast(u, slot, entry, mode, ANY_FRAME, NULL)) ? 0 : store(u, slot, entry, mode, NULL);
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
    if (likely(store_fast(u, slot_of(where), entry, PT_STORE_NORMAL, ANY_FRAME, NULL))) {
        return 0;
    }
    return u->level == 1 ? store(u, slot_of(where), entry, PT_STORE_NORMAL, NULL) : -EINVAL;
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

/*
 * The table that an entry points to. Another CPU may just have given the table up and be writing to
 * it: then the number is any, and it is only made sure that it can be looked at.
 */
static inline bool descend(mfn_t *mfn, uint64_t va, unsigned int level)
{
    const uint64_t *table = map_frame(*mfn);
    uint64_t entry = READ_ONCE(table[(va >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1)]);

    unmap_frame(table);
    *mfn = mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT);
    return (entry & PTE_P) && page_of_mfn(*mfn);
}

static inline __attribute__((always_inline)) int find(const struct mm_owner *tables, mfn_t root,
                                                      uint64_t va, maddr_t *where)
{
    mfn_t mfn = root;

    if (!pt_slot_is_guest(4, (unsigned int)(va >> (PAGE_SHIFT + 27)) & (PT_ENTRIES - 1)) ||
        !descend(&mfn, va, 4) || !descend(&mfn, va, 3) || !descend(&mfn, va, 2) ||
        page_owner_id(page_of_idx((uint32_t)mfn_raw(mfn))) != tables->id) {
        return -EINVAL;
    }
    *where = maddr_make(maddr_raw(maddr_of_mfn(mfn)) +
                        ((va >> PAGE_SHIFT) & (PT_ENTRIES - 1)) * sizeof(uint64_t));
    return 0;
}

int pt_update_find(const struct mm_owner *tables, mfn_t root, gva_t va, maddr_t *where)
{
    return find(tables, root, gva_raw(va), where);
}

/* A batch of one by the general way. */
static __cold_fn __attribute__((noinline)) int single_slow(struct mm_owner *o, maddr_t where, uint64_t entry, enum pt_store_mode mode,
                       bool l1_only)
{
    struct pt_update u;
    int rc = pt_update_begin(&u, o, o);

    if (rc == 0) {
        rc = l1_only ? pt_update_store_l1(&u, where, entry)
                     : pt_update_store(&u, where, entry, mode);
        pt_update_end(&u);
    }
    return rc;
}

/* A batch of one in an L1 table, with everything in registers. False: nothing was done. */
static inline __attribute__((always_inline)) bool
single_fast(struct mm_owner *o, struct mm_owner *frames, maddr_t where, uint64_t entry,
            enum pt_store_mode mode, uint64_t replaced, uint64_t *was)
{
    struct page_info *pg = page_of_mfn(mfn_of_maddr(where));
    struct pt_update u;
    bool stored = false;

    if (unlikely(!pg || pt_walk_is_open(o) || o->dying) || unlikely(!page_get(pg, o->id, false))) {
        return false;
    }
    if (likely(page_type_get_fast(pg, PAGE_L1))) {
        init(&u, o, frames);
        u.slots = map_frame(page_mfn(pg));
        u.level = 1;
        stored = store_fast(&u, slot_of(where), entry, mode, replaced, was);
        unmap_frame(u.slots);
        if (unlikely(!page_type_try_put(pg))) {
            pt_walk_put(o, pg);
            return stored;
        }
    }
    page_put(pg);
    return stored;
}

int pt_update_va(struct mm_owner *o, mfn_t root, gva_t va, uint64_t entry)
{
    maddr_t where;

    if (unlikely(find(o, root, gva_raw(va), &where) != 0)) {
        return -EINVAL;
    }
    return likely(single_fast(o, o, where, entry, PT_STORE_NORMAL, ANY_FRAME, NULL))
               ? 0
               : single_slow(o, where, entry, PT_STORE_NORMAL, true);
}

int pt_update_single(struct mm_owner *o, maddr_t where, uint64_t entry, enum pt_store_mode mode)
{
    return likely(single_fast(o, o, where, entry, mode, ANY_FRAME, NULL))
               ? 0
               : single_slow(o, where, entry, mode, false);
}

bool pt_update_exchange(struct mm_owner *o, maddr_t where, uint64_t entry, uint64_t *was)
{
    return single_fast(o, o, where, entry, PT_STORE_NORMAL, ANY_FRAME, was);
}

/* ---- grants: an entry for a frame that `tables` may map only because its owner allows it ---- */

static __cold_fn __attribute__((noinline)) int
granted_slow(struct mm_owner *tables, maddr_t where, uint64_t entry, struct mm_owner *frames)
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

int pt_update_granted(struct mm_owner *tables, maddr_t where, uint64_t entry,
                      struct mm_owner *frames)
{
    return likely(single_fast(tables, frames, where, entry, PT_STORE_NORMAL, ANY_FRAME, NULL))
               ? 0
               : granted_slow(tables, where, entry, frames);
}

static __cold_fn __attribute__((noinline)) int
ungrant_slow(struct mm_owner *tables, maddr_t where, mfn_t mfn, uint64_t entry)
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

        rc = maps(old, mfn_raw(mfn)) ? store(&u, slot_of(where), entry, PT_STORE_COMPARE, &old)
                                     : -EINVAL;
    }
    pt_update_end(&u);
    return rc;
}

int pt_update_ungrant(struct mm_owner *tables, maddr_t where, mfn_t mfn, uint64_t entry)
{
    return likely(single_fast(tables, tables, where, entry, PT_STORE_NORMAL, mfn_raw(mfn), NULL))
               ? 0
               : ungrant_slow(tables, where, mfn, entry);
}
