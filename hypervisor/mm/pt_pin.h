/* SPDX-License-Identifier: MIT */
/*
 * References to whole trees of tables that are not entries: a guest's pins, and the roots that
 * vCPUs have loaded. The last reference of a tree leaves open work (pt_walk.h), so giving one up
 * never takes long and never fails.
 */
#ifndef MM_PT_PIN_H
#define MM_PT_PIN_H

#include "mm/pt_walk.h"

/*
 * Pin `mfn` as a table of `level`: checked now and until unpinned. 0, -ERESTART, -EINVAL …; a pin
 * does not nest.
 */
int pt_pin(struct mm_owner *o, mfn_t mfn, unsigned int level) __must_check;
int pt_unpin(struct mm_owner *o, mfn_t mfn) __must_check;

/*
 * Reference for a page-table base pointer (an L4). The caller loads it afterwards, and puts the old
 * one after that.
 */
int pt_root_get(struct mm_owner *o, mfn_t mfn) __must_check;
void pt_root_put(struct mm_owner *o, mfn_t mfn);

/*
 * Teardown: drop the pin or the hand-over of this frame, if it has one. Lock held; the caller has a
 * reference.
 */
void pt_unpin_any_locked(struct mm_owner *o, struct page_info *pg);

#endif
