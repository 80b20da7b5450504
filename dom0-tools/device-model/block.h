/* SPDX-License-Identifier: MIT */
/*
 * What stands behind a disk of a domain: sectors of 512 bytes, read and written by the place that a device model runs in.
 * Invariant: callers have checked that the sectors are on the disk, and that a disk that is written to may be.
 */
#ifndef DEVICE_MODEL_BLOCK_H
#define DEVICE_MODEL_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define BLOCK_SECTOR 512u

struct block {
    void *ctx;
    uint64_t sectors;
    bool read_only;
    /* 0 or -errno. */
    int (*read)(void *ctx, uint64_t first, uint32_t nr, void *to);
    int (*write)(void *ctx, uint64_t first, uint32_t nr, const void *from);
    int (*flush)(void *ctx);
};

/* Are these sectors there? */
static inline bool block_has(const struct block *b, uint64_t first, uint64_t nr)
{
    return nr <= b->sectors && first <= b->sectors - nr;
}

#endif
