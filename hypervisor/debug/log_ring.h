/* SPDX-License-Identifier: MIT */
/*
 * A ring of characters that forgets the oldest, read by position: positions count every character ever put and wrap at
 * 2^32. Pure; the caller serializes. Invariant: consumed is at most LOG_RING_BYTES behind produced after log_ring_read().
 */
#ifndef DEBUG_LOG_RING_H
#define DEBUG_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_BYTES 16384u /* a power of two */

struct log_ring {
    uint32_t produced; /* position of the next character */
    uint32_t consumed; /* what a clearing reader has taken */
    char data[LOG_RING_BYTES];
};

void log_ring_put(struct log_ring *r, const char *s, size_t n);

/*
 * Copy what follows to buf, at most n characters, and return how many: from *index on if `incremental` (and it is not
 * gone yet), else from the oldest not cleared. *index becomes the position behind; `clear` forgets what was read.
 */
size_t log_ring_read(struct log_ring *r, char *buf, size_t n, uint32_t *index, bool clear,
                     bool incremental);

/*
 * A token bucket: one token each `interval_ns`, at most `burst`. True: go on; *dropped is how often it was false since.
 */
struct rate_limit {
    const void *key;
    uint64_t last_ns;
    uint32_t tokens;
    uint32_t dropped;
};

bool rate_limit_pass(struct rate_limit *b, uint64_t now, uint64_t interval_ns, uint32_t burst,
                     uint32_t *dropped);

#endif
