/* SPDX-License-Identifier: MIT */
/*
 * References on single frames by number: what event/, grant/ and domain/ need of the memory room.
 * Every function checks that the frame exists and belongs to the owner that is named; none trusts a
 * frame number.
 */
#ifndef MM_FRAME_REF_H
#define MM_FRAME_REF_H

#include <stdbool.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "mm/mm_owner.h"

/*
 * A general reference: the frame stays allocated and the owner's. -EINVAL: no such frame, or not
 * this owner's.
 */
int frame_get(struct mm_owner *owner, mfn_t mfn) __must_check;
void frame_put(mfn_t mfn);

/*
 * General and writable-type reference: it also is and stays no page table or descriptor table.
 * -EINVAL, -EBUSY.
 */
int frame_get_writable(struct mm_owner *owner, mfn_t mfn) __must_check;
void frame_put_writable(mfn_t mfn);

/*
 * Give the owner a share in one hypervisor frame (from hv_alloc_pages): it may map it, writable or
 * not, like a frame of its own, and it never counts as its memory. Revoked by hv_frame_unshare(),
 * which the guest's mappings delay: the frame goes back to the allocator when the last of them is
 * gone.
 */
int hv_frame_share(struct mm_owner *owner, void *page, bool writable) __must_check;
void hv_frame_unshare(void *page);

/*
 * Put an L1 entry for a frame of frame_owner where a grant allows it: into the entry at machine
 * address pte (which must lie in a validated L1 of pt_owner), or at guest address va of the current
 * address space. The entry holds its own references on the frame, as every L1 entry does. `old` is
 * what was there. -EINVAL, -EBUSY.
 */
int pt_grant_set_pte(struct mm_owner *pt_owner, maddr_t pte, uint64_t entry,
                     struct mm_owner *frame_owner) __must_check;
int pt_grant_set_va(struct mm_owner *pt_owner, gva_t va, uint64_t entry,
                    struct mm_owner *frame_owner) __must_check;

/*
 * The way back: replace an entry that maps `mfn` by `entry` (0, or a present one of pt_owner's own
 * frames); -EINVAL when it maps something else. No CPU can use the old translation afterwards.
 */
int pt_grant_clear_pte(struct mm_owner *pt_owner, maddr_t pte, mfn_t mfn,
                       uint64_t entry) __must_check;
int pt_grant_clear_va(struct mm_owner *pt_owner, gva_t va, mfn_t mfn, uint64_t entry) __must_check;

#endif
