/* SPDX-License-Identifier: MIT */
/*
 * Memory before the allocator: a sorted list of free ranges of whole frames, from which pieces are cut. Pure.
 * Invariant: ranges are sorted, disjoint, not adjacent and multiples of 4 KiB.
 */
#ifndef BOOT_EARLY_MEM_H
#define BOOT_EARLY_MEM_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/boot_info.h"

#define EARLY_MAX_RANGES 256

struct early_range {
    uint64_t start, end;
};

struct early_mem {
    uint32_t nr;
    struct early_range range[EARLY_MAX_RANGES];
};

/* All RAM of the map minus everything else in it: where ranges overlap, the type that is not RAM wins. */
bool early_mem_init(struct early_mem *m, const struct boot_e820 *map, uint32_t nr);

/* Add or take away [start, end): whole frames inside it (add) or touched by it (reserve). False when the list is full. */
bool early_mem_add(struct early_mem *m, uint64_t start, uint64_t end);
bool early_mem_reserve(struct early_mem *m, uint64_t start, uint64_t end);

/* Cut `bytes` (of whole frames) out of the highest range that holds them below `limit`; 0 when there is none. */
uint64_t early_mem_alloc(struct early_mem *m, uint64_t bytes, uint64_t limit);

/* Keep only the lowest `bytes` of memory. */
void early_mem_clip(struct early_mem *m, uint64_t bytes);

uint64_t early_mem_total(const struct early_mem *m);

#endif
