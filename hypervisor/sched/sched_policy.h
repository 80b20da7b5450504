/* SPDX-License-Identifier: MIT */
/*
 * Weighted fair share, pure. A vCPU has a virtual time that runs slower the more weight its domain has and the fewer
 * vCPUs share that weight; who has had the least virtual time runs next. A cap is a budget of CPU time a period.
 * Invariant: the queue is sorted by virtual time and holds exactly the runnable vCPUs that no CPU runs.
 */
#ifndef SCHED_SCHED_POLICY_H
#define SCHED_SCHED_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"

#define SP_WEIGHT_DEFAULT 256u
#define SP_SLICE_NS       (5ul * 1000 * 1000)  /* longest run while others wait */
#define SP_GRAIN_NS       (500ul * 1000)       /* a woken vCPU must be this much behind to take a CPU away */
#define SP_LAG_NS         (20ul * 1000 * 1000) /* most virtual time that can be saved up by sleeping */
#define SP_BEHIND_NS      (500ul * 1000 * 1000) /* and by running all the time and still getting less than its share */
#define SP_PERIOD_NS      (10ul * 1000 * 1000) /* a cap's budget is handed out this often */

struct sp_domain {
    uint32_t weight;
    uint32_t cap;       /* percent of one CPU, 0: none */
    uint32_t nr_active; /* of its vCPUs: runnable or running */
    int64_t budget_ns;  /* with a cap: what is left in this period, may be negative */
};

struct sp_vcpu {
    struct list link;       /* in the queue */
    struct sp_domain *dom;
    uint64_t vtime;         /* ns at default weight */
    uint64_t hard, soft;    /* CPU masks */
    uint32_t cpu;           /* where it runs or last ran */
    bool queued, active;
};

struct sp_queue {
    struct list head;
    uint64_t vtime_min;     /* never falls: the virtual time that a newcomer starts at */
    uint32_t nr;
};

void sp_queue_init(struct sp_queue *q);
void sp_domain_init(struct sp_domain *d);
void sp_vcpu_init(struct sp_vcpu *s, struct sp_domain *d);

/* The vCPU becomes runnable: placed so that sleeping earned it at most SP_LAG_NS. It is not queued yet. */
void sp_activate(struct sp_queue *q, struct sp_vcpu *s);
/* It blocks or goes away. */
void sp_deactivate(struct sp_vcpu *s);

void sp_enqueue(struct sp_queue *q, struct sp_vcpu *s);
void sp_dequeue(struct sp_queue *q, struct sp_vcpu *s);

/* It ran for ran_ns. True: its domain's budget is used up. */
bool sp_charge(struct sp_queue *q, struct sp_vcpu *s, uint64_t ran_ns);

/* Who of the queue should run on this CPU; NULL: nobody may. It stays queued. */
struct sp_vcpu *sp_pick(const struct sp_queue *q, uint32_t cpu);

/* How long the one that was picked may run: the slice, cut to its domain's budget. UINT64_MAX: nobody waits, no cap. */
uint64_t sp_slice(const struct sp_queue *q, const struct sp_vcpu *s);

/* Its virtual time when it has run for ran_ns more than it was charged for. */
uint64_t sp_vtime_after(const struct sp_vcpu *s, uint64_t ran_ns);

/* Should the newcomer take the CPU of one that runs and has this virtual time by now? */
bool sp_preempts(const struct sp_vcpu *newcomer, uint64_t running_vtime);

/* A new period for a capped domain. True: it had run out and may run again. */
bool sp_refill(struct sp_domain *d);

static inline bool sp_parked(const struct sp_domain *d)
{
    return d->cap && d->budget_ns <= 0;
}

#endif
