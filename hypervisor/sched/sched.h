/* SPDX-License-Identifier: MIT */
/*
 * Scheduling: weighted fair share with caps and affinity over per-CPU run queues; pause, block, wake, poll; the switch
 * from one guest to another. The hypervisor has no threads of its own: a CPU runs a vCPU or the idle loop.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "domain/domain.h"
#include "domain/vcpu.h"

/* What boot/main.c connects from the rooms above: VIRQs, and console input. */
extern void (*sched_virq_hook)(struct vcpu *v, uint32_t virq);
extern void (*sched_console_hook)(void);

void sched_init(void);
/* Never returns: the CPU's idle loop, entered on a fresh stack by the boot CPU last and by each AP. */
void sched_idle_loop(void) __noreturn_fn;

/* The current vCPU stops running when it next leaves the hypervisor; the reason is in its pause_flags. */
void sched_block(struct vcpu *v);   /* SCHEDOP_block: unmask, re-check pending, sleep */
void sched_yield(struct vcpu *v);
/* SCHEDOP_poll: until one of the ports is pending or timeout_ns (absolute, 0: none). -EINVAL for a port out of range. */
int sched_poll(struct vcpu *v, const uint32_t *ports, unsigned int nr, uint64_t timeout_ns);
/* Clear VPF_* bits and run it if nothing else holds it; any context with interrupts off. */
void sched_wake(struct vcpu *v, uint32_t clear_flags);
/* Set VPF_* bits; when it returns the vCPU is off its CPU (unless it is the current one). */
void sched_sleep_sync(struct vcpu *v, uint32_t set_flags);
void sched_sleep_nosync(struct vcpu *v, uint32_t set_flags);

/* pause_count of the vCPU or its domain has changed. */
void sched_pause_changed(struct vcpu *v);

/* Ask for a scheduling decision on this CPU before it returns to a guest. */
void sched_raise_resched(void);

/* Parameters: weight 1..65535; cap in percent of one CPU, 0 = none. */
int sched_set_params(struct domain *d, uint32_t weight, uint32_t cap);
void sched_get_params(const struct domain *d, uint32_t *weight, uint32_t *cap);
int sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft);

/* Time accounting, nanoseconds spent running. */
uint64_t vcpu_cpu_time_ns(const struct vcpu *v);
void vcpu_runstate_get(const struct vcpu *v, struct vcpu_runstate_info *out);

/* Guest-visible time of one vCPU (vcpu_time_info in vcpu_info and the registered time area): version protocol. */
void vcpu_time_update(struct vcpu *v);
/* Write wall clock (wc_*) into shared_info. */
void domain_wallclock_update(struct domain *d);

#endif
