/* SPDX-License-Identifier: MIT */
/* The log's ring and the rate limit of lines that guests can provoke. Pure. */
#include "debug/log_ring.h"

#include "common/compiler.h"

void log_ring_put(struct log_ring *r, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        r->data[r->produced++ & (LOG_RING_BYTES - 1)] = s[i];
    }
}

size_t log_ring_read(struct log_ring *r, char *buf, size_t n, uint32_t *index, bool clear,
                     bool incremental)
{
    uint32_t at = r->consumed;
    size_t count = 0;

    if (r->produced - at > LOG_RING_BYTES) {
        at = r->produced - LOG_RING_BYTES;
    }
    if (incremental && (int32_t)(*index - at) > 0) {
        at = *index;
        if ((int32_t)(at - r->produced) > 0) {
            return 0;
        }
    }
    while (count < n && at != r->produced) {
        buf[count++] = r->data[at++ & (LOG_RING_BYTES - 1)];
    }
    if (clear) {
        r->consumed = at;
    }
    *index = at;
    return count;
}

bool rate_limit_pass(struct rate_limit *b, uint64_t now, uint64_t interval_ns, uint32_t burst,
                     uint32_t *dropped)
{
    uint64_t earned = (now - b->last_ns) / interval_ns;

    if (earned > 0) {
        b->tokens = (uint32_t)MIN((uint64_t)burst, b->tokens + earned);
        b->last_ns = b->tokens == burst ? now : b->last_ns + earned * interval_ns;
    }
    if (b->tokens == 0) {
        b->dropped++;
        return false;
    }
    b->tokens--;
    *dropped = b->dropped;
    b->dropped = 0;
    return true;
}
