/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's own timers: singleshot, periodic, and the time limit of SCHEDOP_poll. Each raises VIRQ_TIMER (or ends the poll)
 * on the CPU that armed it. Only the vCPU itself, or someone who has it paused, arms or stops them.
 */
#include "sched/vcpu_timer.h"

#include <stddef.h>

#include "sched/sched.h"
#include "sched/sched_private.h"
#include "x86/time.h"

static void singleshot_fired(void *arg)
{
    sched_virq_hook(arg, VIRQ_TIMER);
}

static void periodic_fired(void *arg)
{
    struct vcpu *v = arg;
    uint64_t now = now_ns();

    sched_virq_hook(v, VIRQ_TIMER);
    if (v->periodic_ns) {
        /* Ticks that were missed while nobody looked are one tick. */
        uint64_t next = v->last_timer_ns + v->periodic_ns;

        v->last_timer_ns = next > now ? next : now;
        timer_arm(&v->sched->periodic, v->last_timer_ns + v->periodic_ns);
    }
}

static void poll_over(void *arg)
{
    sched_wake(arg, VPF_POLLING);
}

void vcpu_timers_setup(struct sched_vcpu *s)
{
    timer_setup(&s->singleshot, singleshot_fired, s->v);
    timer_setup(&s->periodic, periodic_fired, s->v);
    timer_setup(&s->poll, poll_over, s->v);
}

void vcpu_timers_cancel(struct sched_vcpu *s)
{
    s->v->periodic_ns = 0;
    timer_cancel(&s->singleshot);
    timer_cancel(&s->periodic);
    timer_cancel(&s->poll);
}

void vcpu_singleshot_set(struct vcpu *v, uint64_t deadline_ns)
{
    timer_arm(&v->sched->singleshot, deadline_ns);
}

void vcpu_singleshot_stop(struct vcpu *v)
{
    timer_cancel(&v->sched->singleshot);
}

void vcpu_periodic_set(struct vcpu *v, uint64_t period_ns)
{
    v->periodic_ns = period_ns;
    v->last_timer_ns = now_ns();
    timer_arm(&v->sched->periodic, v->last_timer_ns + period_ns);
}

void vcpu_periodic_stop(struct vcpu *v)
{
    v->periodic_ns = 0;
    timer_cancel(&v->sched->periodic);
}

void vcpu_poll_deadline(struct vcpu *v, uint64_t deadline_ns)
{
    timer_arm(&v->sched->poll, deadline_ns);
}
