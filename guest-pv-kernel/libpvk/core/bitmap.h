/* SPDX-License-Identifier: MIT */
/*
 * A range of things of equal size that are free or in use, one bit each: used for frames and for window addresses.
 * Invariant: `hint` is at most the first free bit below which nothing is free.
 */
#ifndef PVK_CORE_BITMAP_H
#define PVK_CORE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#define BITMAP_NONE (~0ul)

struct bitmap {
    uint64_t *words; /* bit set: in use */
    uint64_t nr_bits;
    uint64_t nr_free;
    uint64_t hint;
};

/* All bits are in use at first. words holds nr_bits bits, rounded up to whole words. */
void bitmap_init(struct bitmap *map, uint64_t *words, uint64_t nr_bits);

/* For words that are zero, a whole number of them. */
#define BITMAP_ALL_FREE(the_words, nr)                                                             \
    {                                                                                              \
        .words = (the_words), .nr_bits = (nr), .nr_free = (nr)                                     \
    }

/* First of count free bits in a row whose index is a multiple of align (a power of two), now in use; or BITMAP_NONE. */
uint64_t bitmap_take(struct bitmap *map, uint64_t count, uint64_t align);

/* Make count bits from first free. They must be in use: returns false, and changes nothing, if one is not. */
bool bitmap_give(struct bitmap *map, uint64_t first, uint64_t count);

#endif
