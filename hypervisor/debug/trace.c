/* SPDX-License-Identifier: MIT */
/* The rings of the trace, and what a counter's place in a vCPU's counters is called in a record. */
#include "debug/trace.h"

#include <stddef.h>

#include "x86/cpu.h"
#include "x86/percpu.h"

/* The arrays of struct vcpu_counters in their order. */
static const struct {
    uint8_t kind;
    uint16_t nr;
} arrays[] = {{XENOLITH_COUNT_HYPERCALL, COUNT_HYPERCALLS},
              {XENOLITH_COUNT_TRAP, COUNT_TRAPS},
              {XENOLITH_COUNT_EVENT, COUNT_EVENTS},
              {XENOLITH_COUNT_EXIT, XENOLITH_EXITS}};
#define NR_COUNTERS (COUNT_HYPERCALLS + COUNT_TRAPS + COUNT_EVENTS + XENOLITH_EXITS)
_Static_assert(sizeof(struct vcpu_counters) ==
                   offsetof(struct vcpu_counters, hypercall) + NR_COUNTERS * sizeof(struct counter),
               "the arrays follow one another");

void trace_write(const struct vcpu_counters *c, uint8_t kind, uint16_t index, uint64_t value)
{
    struct percpu *p = this_cpu();
    struct trace_ring *r = p->trace;

    if (r->made - __atomic_load_n(&r->taken, __ATOMIC_ACQUIRE) >= TRACE_RING_SIZE) {
        __atomic_fetch_add(&r->lost, 1, __ATOMIC_RELAXED);
        return;
    }
    r->record[r->made % TRACE_RING_SIZE] = (struct xenolith_trace_record){.tsc = rdtsc(),
                                                                          .domain = c->domain,
                                                                          .vcpu = (uint8_t)c->vcpu,
                                                                          .cpu = (uint8_t)p->cpu,
                                                                          .kind = kind,
                                                                          .index = index,
                                                                          .value = value};
    __atomic_store_n(&r->made, r->made + 1, __ATOMIC_RELEASE);
}

/* The kind of a counter by its place; the place becomes the index. */
static uint8_t kind_of(uint32_t *place)
{
    unsigned int i = 0;

    for (; *place >= arrays[i].nr; i++) {
        *place -= arrays[i].nr;
    }
    return arrays[i].kind;
}

void trace_counted(const struct vcpu_counters *c, const struct counter *at, uint64_t rip, bool end)
{
    uint32_t place = (uint32_t)(at - c->hypercall);
    uint8_t kind = kind_of(&place);

    trace_write(c, kind | (end ? XENOLITH_TRACE_END : 0), (uint16_t)place, rip);
}

void trace_counters(const struct vcpu_counters *c)
{
    for (uint32_t i = 0; i < NR_COUNTERS; i++) {
        const struct counter *at = c->hypercall + i;
        uint32_t place = i;
        uint8_t kind = kind_of(&place);

        if (at->n) {
            trace_write(c, kind | XENOLITH_TRACE_COUNTER, (uint16_t)place, at->n);
        }
    }
}

const struct xenolith_trace_record *trace_peek(const struct trace_ring *r, uint32_t *nr)
{
    uint32_t first = (uint32_t)(r->taken % TRACE_RING_SIZE);
    uint64_t there = __atomic_load_n(&r->made, __ATOMIC_ACQUIRE) - r->taken;

    there = MIN(there, TRACE_RING_SIZE - first);
    *nr = (uint32_t)MIN(*nr, there);
    return r->record + first;
}
