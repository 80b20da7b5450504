/* SPDX-License-Identifier: MIT */
/*
 * Frames and their owners: a domain gets frames, gives them up, lends of the hypervisor's, and
 * gives all back at its end. Each frame of a domain has one count that stands for the domain's
 * having it (PGR_ALLOCATED).
 */
#ifndef MM_PAGE_INFO_H
#define MM_PAGE_INFO_H

#include "mm/mm_owner.h"
#include "mm/page.h"

/*
 * 2^order zeroed frames for `o`, contiguous, with numbers below 2^max_bits. The first one's
 * page_info; NULL: over the domain's limit, dying, or no such memory (the first two with *limit
 * set).
 */
struct page_info *page_alloc_for(struct mm_owner *o, unsigned int order, unsigned int max_bits,
                                 bool *limit);

/*
 * The owner gives up a frame (the caller has a reference of its own): false if it did before. The
 * frame goes when its last reference does.
 */
bool page_release(struct page_info *pg);

/*
 * Take a frame away from its owner for an exchange: only if nobody refers to it but the owner's
 * having it. -EBUSY, or -EINVAL if it is not o's. A stolen frame belongs to nobody; it is given back
 * by page_unsteal() or freed by page_give_back(). Both cope with an owner that has begun to die.
 */
int page_steal(struct mm_owner *o, struct page_info *pg) __must_check;
void page_unsteal(struct mm_owner *o, struct page_info *pg);
void page_give_back(struct page_info *pg);

/*
 * The owners of frames that no domain has: the hypervisor's public tables, and device memory (ABI:
 * DOMID_XEN, DOMID_IO).
 */
extern struct mm_owner mm_owner_xen, mm_owner_io;
int page_info_init(void) __must_check;

#endif
