/* SPDX-License-Identifier: MIT */
/*
 * Checked changes of single page-table entries, in batches: the back end of mmu_update,
 * update_va_mapping, the emulation of page-table writes and grant mappings. Preemption is between
 * entries; a batch keeps a reference on the table it worked on last, so that runs of updates to one
 * table cost one look-up.
 */
#ifndef MM_PT_UPDATE_H
#define MM_PT_UPDATE_H

#include "mm/pt_walk.h"

struct pt_update {
    struct pt_scope scope;
    struct mm_owner *frames;
    uint64_t slow_bits; /* of an L1 entry: the short way does not know them */

    /* the frame written last, with a general and a type reference */
    struct page_info *frame; /* NULL: none */
    uint64_t mfn;            /* its number, or MFN_INVALID_RAW */
    uint64_t *slots;         /* its contents */
    unsigned int level;      /* 1..4, or 0: not a table, plain memory */
};

enum pt_store_mode {
    PT_STORE_NORMAL,
    PT_STORE_KEEP_AD, /* accessed and dirty bits that the CPU set meanwhile survive */
    PT_STORE_COMPARE, /* only if the entry is what was expected: emulation of a guest's own store */
};

/*
 * Start a batch on `tables`' page tables that maps frames of `frames` (may be the same). Settles
 * open work of both: -ERESTART when preempted, -ESRCH for a domain that is being destroyed; nothing
 * to end then.
 */
int pt_update_begin(struct pt_update *u, struct mm_owner *tables,
                    struct mm_owner *frames) __must_check;
void pt_update_end(struct pt_update *u);

/*
 * Store `entry` at machine address `where`. 0, -ERESTART (end the batch, begin again, repeat this
 * entry) or the errno of the broken rule, after a report. A frame of `tables` that is no table is
 * written as memory, if nothing forbids that.
 */
int pt_update_store(struct pt_update *u, maddr_t where, uint64_t entry,
                    enum pt_store_mode mode) __must_check;

/* The same for an entry that must be one of an L1 table (-EINVAL otherwise): what pt_update_find() gave. */
int pt_update_store_l1(struct pt_update *u, maddr_t where, uint64_t entry) __must_check;

/*
 * As a locked compare-and-exchange of *expected by `entry` would: -EAGAIN and the current value in
 * *expected if they differ. Only tables; `where` is in an L1 to L4 table or the answer is -EINVAL
 * without a report.
 */
int pt_update_compare(struct pt_update *u, maddr_t where, uint64_t *expected,
                      uint64_t entry) __must_check;

/*
 * Machine address of the L1 entry that maps `va` in the tables under `root`; -EINVAL if there is no
 * L1 table. The answer is a hint that the checked store verifies: another CPU may change the tables
 * meanwhile.
 */
int pt_update_find(const struct mm_owner *tables, mfn_t root, gva_t va,
                   maddr_t *where) __must_check;

/* A whole batch of one, for a frame of the same owner; pt_update_va(): the entry that maps `va`. */
int pt_update_single(struct mm_owner *o, maddr_t where, uint64_t entry,
                     enum pt_store_mode mode) __must_check;
int pt_update_va(struct mm_owner *o, mfn_t root, gva_t va, uint64_t entry) __must_check;

/*
 * The same as an exchange: *was is the entry that was replaced. False: nothing was done, for it takes more than a moment or
 * is refused; pt_update_compare() says which.
 */
bool pt_update_exchange(struct mm_owner *o, maddr_t where, uint64_t entry,
                        uint64_t *was) __must_check;

/*
 * Grants (mm/frame_ref.h): store an L1 entry for a frame of `frames`, which need not be a domain that
 * `tables` may name; and replace one that maps `mfn`. -EINVAL: not an L1 entry of `tables`, or it maps
 * something else.
 */
int pt_update_granted(struct mm_owner *tables, maddr_t where, uint64_t entry,
                      struct mm_owner *frames) __must_check;
int pt_update_ungrant(struct mm_owner *tables, maddr_t where, mfn_t mfn,
                      uint64_t entry) __must_check;

#endif
