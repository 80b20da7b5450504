/* SPDX-License-Identifier: MIT */
/*
 * All free RAM: one buddy pool under one lock, claims on it, and the state that a frame leaves it
 * in. Invariant: a free frame without PGR_DIRTY is all zero and no CPU has a translation to it.
 */
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "mm/hv_alloc.h"
#include "mm/mm_owner.h"
#include "mm/page.h"

/* The frame table is in place and its entries are zero; RAM comes by heap_add(). */
void heap_init(uint64_t frames);

/*
 * Frames [first, first + nr) are RAM from now on, and free. Contents unknown: they are zeroed when
 * they are given out.
 */
void heap_add(uint32_t first, uint64_t nr);
/*
 * The same frames are RAM, but in the hypervisor's own use since boot; heap_free() may give them
 * back.
 */
void heap_add_used(uint32_t first, uint64_t nr);

/*
 * 2^order frames below 2^max_bits, zeroed; first frame's index or PAGE_IDX_NONE. `o` is whose claim
 * they are taken from (NULL: nobody's); frames that others have claimed are not given out.
 */
uint32_t heap_alloc(struct mm_owner *o, unsigned int order, unsigned int max_bits);

/*
 * Give back frames whose reference word has count zero. `clean`: all zero, and no CPU has a
 * translation.
 */
void heap_free(uint32_t first, uint64_t nr, bool clean);

/*
 * For a CPU that has nothing else to do: zero one free frame. False: there is none, another CPU is at it, or a CPU that runs a
 * guest would have to be interrupted first; so there is no use in calling again before something has happened.
 */
bool heap_scrub(void);

/*
 * Claim so many frames in all for o (what it has counts); 0 gives the claim up. -ENOMEM, -EINVAL.
 */
int heap_claim(struct mm_owner *o, uint64_t pages) __must_check;

/* Frames claimed and not yet taken, of all domains. */
uint64_t heap_claimed(void);

#endif
