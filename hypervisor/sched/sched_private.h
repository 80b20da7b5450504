/* SPDX-License-Identifier: MIT */
/*
 * What the files of sched/ share. `running_on[cpu]` and everything in struct sp_vcpu is guarded by the one queue's lock
 * (sched_lock); docs/adr/0006 says why there is one queue.
 */
#ifndef SCHED_SCHED_PRIVATE_H
#define SCHED_SCHED_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/domain.h"
#include "sched/sched_policy.h"
#include "sched/timer.h"
#include "x86/lock.h"

struct sched_vcpu {
    struct sp_vcpu sp;
    struct vcpu *v;
    uint64_t since_ns;     /* when it was put on its CPU, or charged last */
    uint64_t slice_end_ns; /* when others of the same share may take over; UINT64_MAX: nobody waited */
    bool on_cpu;           /* picked by a CPU and not yet saved again */
    bool yielding;
    struct timer singleshot, periodic, poll; /* the vCPU's own timers, see vcpu_timer.c */
};

struct sched_domain {
    struct sp_domain sp;
    struct domain *d;
    struct timer refill;   /* armed while there is a cap */
};

extern struct spinlock sched_lock;
extern struct sp_queue sched_queue;

/* A queued vCPU looks for a CPU; lock held. Returns the CPU to raise, or MAX_CPUS. */
uint32_t sched_find_cpu(const struct sched_vcpu *s);
/* Give this CPU to whom the policy says; may not return. */
void sched_decide(void);
/* Exchange the loaded guest state; returns with the new one loaded (NULL: none, the hypervisor's own root). */
void sched_switch_state(struct vcpu *prev, struct vcpu *next);

/* Runstate bookkeeping at a change, ABI RUNSTATE_*; the CPU that makes the change calls it. */
void runstate_change(struct vcpu *v, int state, uint64_t now);
/* Write the registered areas of the vCPU whose address space is loaded. */
void runstate_area_update(struct vcpu *v);

void vcpu_timers_setup(struct sched_vcpu *s);
void vcpu_timers_cancel(struct sched_vcpu *s);

#endif
