/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of fair share. All times in ns. Virtual time = real time * (default weight / weight) * active vCPUs of
 * the domain, so that a domain with two busy vCPUs gets the share of its weight and not twice that.
 */
#include "sched/sched_policy.h"

#include <stddef.h>

#include "common/compiler.h"

void sp_queue_init(struct sp_queue *q)
{
    list_init(&q->head);
    q->vtime_min = 0;
    q->nr = 0;
}

void sp_domain_init(struct sp_domain *d)
{
    *d = (struct sp_domain){.weight = SP_WEIGHT_DEFAULT};
}

void sp_vcpu_init(struct sp_vcpu *s, struct sp_domain *d)
{
    *s = (struct sp_vcpu){.dom = d, .hard = ~0ul, .soft = ~0ul};
    list_init(&s->link);
}

void sp_activate(struct sp_queue *q, struct sp_vcpu *s)
{
    uint64_t floor = q->vtime_min > SP_LAG_NS ? q->vtime_min - SP_LAG_NS : 0;

    if (!s->active) {
        s->vtime = MAX(s->vtime, floor);
        s->active = true;
        s->dom->nr_active++;
    }
}

void sp_deactivate(struct sp_vcpu *s)
{
    if (s->active) {
        s->active = false;
        s->dom->nr_active--;
    }
}

void sp_enqueue(struct sp_queue *q, struct sp_vcpu *s)
{
    struct list *pos = q->head.prev;

    /* From the back: whoever has just run usually belongs there. Equal times: first come, first served. */
    while (pos != &q->head && list_entry(pos, struct sp_vcpu, link)->vtime > s->vtime) {
        pos = pos->prev;
    }
    list_insert_after(pos, &s->link);
    s->queued = true;
    q->nr++;
}

void sp_dequeue(struct sp_queue *q, struct sp_vcpu *s)
{
    if (s->queued) {
        list_del_init(&s->link);
        s->queued = false;
        q->nr--;
    }
}

uint64_t sp_vtime_after(const struct sp_vcpu *s, uint64_t ran_ns)
{
    return s->vtime + ran_ns * SP_WEIGHT_DEFAULT * MAX(s->dom->nr_active, 1u) / s->dom->weight;
}

bool sp_charge(struct sp_queue *q, struct sp_vcpu *s, uint64_t ran_ns)
{
    struct sp_domain *d = s->dom;
    const struct sp_vcpu *first = list_first(&q->head, struct sp_vcpu, link);
    uint64_t least;

    s->vtime = sp_vtime_after(s, ran_ns);
    /* A vCPU that cannot use its whole share (one CPU is all it can get) must not save it up without bound. */
    if (s->vtime + SP_BEHIND_NS < q->vtime_min) {
        s->vtime = q->vtime_min - SP_BEHIND_NS;
    }
    least = first ? MIN(first->vtime, s->vtime) : s->vtime;
    q->vtime_min = MAX(q->vtime_min, least);
    if (!d->cap) {
        return false;
    }
    d->budget_ns -= (int64_t)ran_ns;
    return d->budget_ns <= 0;
}

struct sp_vcpu *sp_pick(const struct sp_queue *q, uint32_t cpu)
{
    struct sp_vcpu *s;

    list_for_each(s, &q->head, link) {
        if ((s->hard >> cpu & 1) && !sp_parked(s->dom)) {
            return s;
        }
    }
    return NULL;
}

uint64_t sp_slice(const struct sp_queue *q, const struct sp_vcpu *s)
{
    uint64_t slice = q->nr ? SP_SLICE_NS : UINT64_MAX;

    if (s->dom->cap && s->dom->budget_ns > 0) {
        slice = MIN(slice, (uint64_t)s->dom->budget_ns);
    }
    return slice;
}

bool sp_preempts(const struct sp_vcpu *newcomer, uint64_t running_vtime)
{
    return newcomer->vtime + SP_GRAIN_NS < running_vtime;
}

bool sp_refill(struct sp_domain *d)
{
    bool was_parked = sp_parked(d);
    int64_t grant = (int64_t)(SP_PERIOD_NS / 100) * d->cap;

    /* A debt is carried over; what was not used is not. */
    d->budget_ns = d->budget_ns < 0 ? d->budget_ns + grant : grant;
    return was_parked && !sp_parked(d);
}
