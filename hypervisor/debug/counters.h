/* SPDX-License-Identifier: MIT */
/*
 * Everything counts itself: per vCPU, each hypercall, trap, exit and emulation with the TSC ticks spent in it. Written by the
 * vCPU's own CPU without locks; readers (sysctl, `xeno stat`) tolerate a torn pair. In every build.
 * Invariant: what is counted is also what a trace shows (debug/trace.h); pv/fast.S counts, and is not used while one is on.
 */
#ifndef DEBUG_COUNTERS_H
#define DEBUG_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xenolith.h>

#include "common/compiler.h"

#define COUNT_HYPERCALLS  64 /* index: hypercall number; 63 collects unknown numbers */
#define COUNT_TRAPS       34 /* index: exception vector 0-31; 32 device interrupts; 33 IPIs and timer */
#define COUNT_TRAP_DEVICE 32
#define COUNT_TRAP_IPI    33

enum count_event {
    COUNT_EMUL_CLI_STI,
    COUNT_EMUL_PORT,
    COUNT_EMUL_MSR,
    COUNT_EMUL_CR,
    COUNT_EMUL_CPUID,
    COUNT_EMUL_PTE,
    COUNT_EMUL_OTHER,
    COUNT_SYSCALL, /* guest user to guest kernel */
    COUNT_EVENT_UPCALL,
    COUNT_EXCEPTION_BOUNCE,
    COUNT_FAILSAFE,
    COUNT_CONTEXT_SWITCH,
    COUNT_HC_RESTART, /* preempted hypercalls */
    COUNT_EVENTS,
};

struct counter {
    uint64_t n;
    uint64_t tsc;
};

struct vcpu_counters {
    uint8_t
        traced; /* XENOLITH_TRACE_*: what of this vCPU goes into the trace; set while it has no CPU, or at a mark */
    uint16_t domain, vcpu; /* const */
    struct counter hypercall[COUNT_HYPERCALLS];
    struct counter trap[COUNT_TRAPS];
    struct counter event[COUNT_EVENTS];
    struct counter exit[XENOLITH_EXITS]; /* of a fully virtualized vCPU */
};

/* Tell the trace of a crossing that was counted at `at`, or of its end. */
void trace_counted(const struct vcpu_counters *c, const struct counter *at, uint64_t rip, bool end);

static inline bool counters_traced(const struct vcpu_counters *c)
{
    return unlikely(c->traced & XENOLITH_TRACE_CROSSINGS);
}

static inline void counted(struct vcpu_counters *c, struct counter *at, uint64_t rip)
{
    at->n++;
    if (counters_traced(c)) {
        trace_counted(c, at, rip, false);
    }
}

static inline void counted_time(const struct vcpu_counters *c, struct counter *at, uint64_t rip,
                                uint64_t ticks)
{
    at->tsc += ticks;
    if (counters_traced(c)) {
        trace_counted(c, at, rip, true);
    }
}

#define COUNT(v, which, idx) counted((v)->counters, &(v)->counters->which[idx], (v)->regs.rip)
/* What was counted has ended, after so many ticks. */
#define COUNT_TIME(v, which, idx, ticks)                                                           \
    counted_time((v)->counters, &(v)->counters->which[idx], (v)->regs.rip, ticks)

#endif
