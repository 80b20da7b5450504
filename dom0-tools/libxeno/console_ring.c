/* SPDX-License-Identifier: MIT */
/*
 * Ring and log. The guest's producer index is read with acquire order before the bytes, our consumer index written with
 * release order behind them: the guest may reuse a slot as soon as it sees the index.
 */
#include "libxeno/console_ring.h"

#include "common/compiler.h"
#include "common/string.h"

void console_log_add(struct console_log *log, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        log->buf[log->total++ & (log->size - 1)] = text[i];
    }
}

size_t console_log_read(const struct console_log *log, uint64_t *pos, char *buf, size_t n)
{
    uint64_t oldest = log->total > log->size ? log->total - log->size : 0;
    size_t done = 0;

    if (*pos < oldest) {
        *pos = oldest;
    }
    while (done < n && *pos < log->total) {
        buf[done++] = log->buf[(*pos)++ & (log->size - 1)];
    }
    return done;
}

size_t console_ring_drain(struct xencons_interface *ring, struct console_log *log)
{
    uint32_t cons = __atomic_load_n(&ring->out_cons, __ATOMIC_RELAXED);
    uint32_t prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);
    size_t n = prod - cons;

    if (n > sizeof(ring->out)) {
        return 0;
    }
    for (uint32_t i = cons; i != prod; i++) {
        char c = ring->out[i & (sizeof(ring->out) - 1)];

        console_log_add(log, &c, 1);
    }
    __atomic_store_n(&ring->out_cons, prod, __ATOMIC_RELEASE);
    return n;
}

size_t console_ring_input(struct xencons_interface *ring, const char *text, size_t n)
{
    uint32_t prod = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED);
    uint32_t cons = __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
    size_t done = 0;

    if (prod - cons > sizeof(ring->in)) {
        return 0;
    }
    while (done < n && prod - cons < sizeof(ring->in)) {
        ring->in[prod++ & (sizeof(ring->in) - 1)] = text[done++];
    }
    __atomic_store_n(&ring->in_prod, prod, __ATOMIC_RELEASE);
    return done;
}
