/* SPDX-License-Identifier: MIT */
/*
 * Memory for the hypervisor itself. All of it comes zeroed, may fail (NULL) and is charged to a
 * global figure that `xeno info` shows. hv_alloc() serves sizes up to a page from size classes;
 * hv_alloc_pages() whole frames.
 */
#ifndef MM_HV_ALLOC_H
#define MM_HV_ALLOC_H

#include <stddef.h>
#include <stdint.h>

void *hv_alloc(size_t bytes);
void hv_free(void *p); /* NULL is allowed */
void *
hv_alloc_pages(unsigned int nr); /* nr contiguous frames, any number (not only powers of two) */
void hv_free_pages(void *p, unsigned int nr);
uint64_t hv_alloc_bytes(void); /* handed out now */

/*
 * A frame that was shared with a domain is given back by its last reference, not by
 * hv_free_pages(): correct the figure.
 */
void hv_charge(int64_t bytes);

/* Frames not in anybody's use, of all RAM. */
uint64_t frames_free(void);
uint64_t frames_dirty(void); /* of them: not yet zeroed */
uint64_t frames_total(void);

#endif
