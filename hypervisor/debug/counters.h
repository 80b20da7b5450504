/* SPDX-License-Identifier: MIT */
/*
 * Everything counts itself: per vCPU, each hypercall, trap and emulation with the TSC ticks spent in it. Written by the
 * vCPU's own CPU without locks; readers (sysctl, `xeno stat`) tolerate a torn pair. In every build.
 */
#ifndef DEBUG_COUNTERS_H
#define DEBUG_COUNTERS_H

#include <stdint.h>

#define COUNT_HYPERCALLS 64 /* index: hypercall number; 63 collects unknown numbers */
#define COUNT_TRAPS      34 /* index: exception vector 0-31; 32 device interrupts; 33 IPIs and timer */
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
    COUNT_SYSCALL,        /* guest user to guest kernel */
    COUNT_EVENT_UPCALL,
    COUNT_EXCEPTION_BOUNCE,
    COUNT_FAILSAFE,
    COUNT_CONTEXT_SWITCH,
    COUNT_HC_RESTART,     /* preempted hypercalls */
    COUNT_EVENTS,
};

struct counter {
    uint64_t n;
    uint64_t tsc;
};

struct vcpu_counters {
    struct counter hypercall[COUNT_HYPERCALLS];
    struct counter trap[COUNT_TRAPS];
    struct counter event[COUNT_EVENTS];
};

#define COUNT(v, which, idx)               ((v)->counters->which[idx].n++)
#define COUNT_TIME(v, which, idx, tsc_len) ((v)->counters->which[idx].tsc += (tsc_len))

#endif
