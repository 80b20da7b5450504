/* SPDX-License-Identifier: MIT */
/*
 * Buddy allocator over the frame table: free blocks of 2^order frames, aligned to their size, in
 * lists by order and by the width of their frame number, so that "below 2^bits" needs no search.
 * Pure; the caller locks, zeroes and flushes. Invariant: two free buddies of one width are never
 * both on a list (they would be one block); lists hold heads only.
 */
#ifndef MM_PAGE_ALLOC_H
#define MM_PAGE_ALLOC_H

#include <stdint.h>

#include "mm/page.h"

#define POOL_MAX_ORDER 18u /* 1 GiB */
#define POOL_WIDTHS    33u /* frame numbers have 32 bits */

struct page_pool {
    uint64_t nr_free;
    uint64_t nr_total;            /* RAM; the caller's book */
    uint64_t widths;              /* bit w: some list of that width is not empty */
    uint32_t orders[POOL_WIDTHS]; /* bit o: head[w][o] is not empty */
    uint32_t head[POOL_WIDTHS][POOL_MAX_ORDER + 1];
};

void page_pool_init(struct page_pool *p);

/* Is it part of a free block? Neither is a frame that is on its way out or in, as its caller is not under the lock then. */
bool page_pool_has(uint32_t idx);

/*
 * 2^order contiguous frames, all with numbers below 2^max_bits (32 or more: no limit), as high in
 * memory as can be, so that low memory lasts. First frame's number, or PAGE_IDX_NONE.
 */
uint32_t page_pool_alloc(struct page_pool *p, unsigned int order, unsigned int max_bits);

/* Give back a block, or an aligned part of one. */
void page_pool_free(struct page_pool *p, uint32_t idx, unsigned int order);

/* Give back any range of frames, or new RAM, in blocks as large as alignment allows. */
void page_pool_free_range(struct page_pool *p, uint32_t first, uint64_t nr);

#endif
