/* SPDX-License-Identifier: MIT */
/*
 * The trace: one ring of records a CPU (ABI: xenolith.h), filled by counters.h for the vCPUs that are traced and emptied by a
 * sysctl. A full ring drops what is new and counts it, so the beginning of what one looks for is there.
 * Invariant: only its own CPU writes a ring, with interrupts off; `taken` is the reader's, who holds the only lock.
 */
#ifndef DEBUG_TRACE_H
#define DEBUG_TRACE_H

#include <stdint.h>

#include <xen/xenolith.h>

#include "debug/counters.h"

/* A CPU's ring, so many pages, which whoever traces first puts into percpu.trace, zeroed and for good. */
struct trace_ring {
    uint64_t made, taken, lost; /* free running */
    struct xenolith_trace_record record[];
};
#define TRACE_RING_PAGES 256u
#define TRACE_RING_SIZE                                                                            \
    ((TRACE_RING_PAGES * 4096u - sizeof(struct trace_ring)) / sizeof(struct xenolith_trace_record))

/* A record about the vCPU, at its CPU; there are rings as soon as one is traced. */
void trace_write(const struct vcpu_counters *c, uint8_t kind, uint16_t index, uint64_t value);
/* All counters of a vCPU as they stand, as records. */
void trace_counters(const struct vcpu_counters *c);

/* The oldest records that lie side by side, at most *nr: they stay until `taken` moves. Callers hold a lock. */
const struct xenolith_trace_record *trace_peek(const struct trace_ring *r, uint32_t *nr);

#endif
