/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's timers as the hypercalls set them. Deadlines are absolute, now_ns() scale; one in the past fires at the next
 * exit. The caller is the vCPU itself or has it paused.
 */
#ifndef SCHED_VCPU_TIMER_H
#define SCHED_VCPU_TIMER_H

#include <stdint.h>

struct vcpu;

void vcpu_singleshot_set(struct vcpu *v, uint64_t deadline_ns);
void vcpu_singleshot_stop(struct vcpu *v);
void vcpu_periodic_set(struct vcpu *v, uint64_t period_ns);
void vcpu_periodic_stop(struct vcpu *v);
void vcpu_poll_deadline(struct vcpu *v, uint64_t deadline_ns);

#endif
