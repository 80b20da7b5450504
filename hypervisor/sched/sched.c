/* SPDX-License-Identifier: MIT */
/*
 * The mechanism around the policy: who runs where, wake, sleep, yield, slices and caps. A CPU asks for a decision by
 * WORK_RESCHED and takes it in its exit path or idle loop.
 * Invariant: a vCPU is at most one of queued, on a CPU, or neither; `on_cpu` lasts until its state has been saved, so no
 * other CPU can take it up too early. Locks: LOCK_SCHED (sched_lock).
 */
#include "sched/sched.h"

#include <stddef.h>

#include "common/errno.h"
#include "debug/panic.h"
#include "mm/heap.h"
#include "sched/sched_private.h"
#include "sched/switch_hooks.h"
#include "x86/entry.h"
#include "x86/ipi.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "x86/upcalls.h"

struct spinlock sched_lock = SPINLOCK_INIT("sched", LOCK_SCHED);
struct sp_queue sched_queue;
void (*sched_virq_hook)(struct vcpu *v, uint32_t virq);
void (*sched_console_hook)(void);

static struct sched_vcpu *running_on[MAX_CPUS]; /* lock: sched */
static uint64_t kicked;                         /* idle CPUs that were asked already; lock: sched */
static bool slice_armed[MAX_CPUS];              /* owner CPU */
static struct timer slice_timer[MAX_CPUS];

static struct sched_vcpu *of(struct sp_vcpu *sp)
{
    return sp ? container_of(sp, struct sched_vcpu, sp) : NULL;
}

static void slice_over(void *arg)
{
    (void)arg;
    slice_armed[this_cpu()->cpu] = false;
    sched_raise_resched();
}

void sched_init(void)
{
    sp_queue_init(&sched_queue);
    for (uint32_t i = 0; i < MAX_CPUS; i++) {
        timer_setup(&slice_timer[i], slice_over, NULL);
    }
}

void sched_raise_resched(void)
{
    __atomic_fetch_or(&this_cpu()->work, WORK_RESCHED, __ATOMIC_RELAXED);
}

/* An idle CPU that the vCPU may use: its last one, then its preferred ones, then any. */
static uint32_t find_idle(const struct sched_vcpu *s)
{
    const uint64_t masks[] = {1ul << s->sp.cpu, s->sp.soft, ~0ul};

    for (unsigned int i = 0; i < 3; i++) {
        uint64_t m = masks[i] & s->sp.hard & cpus_online & ~kicked;

        for (; m; m &= m - 1) {
            uint32_t cpu = (uint32_t)__builtin_ctzl(m);

            if (!running_on[cpu]) {
                kicked |= 1ul << cpu;
                return cpu;
            }
        }
    }
    return MAX_CPUS;
}

uint32_t sched_find_cpu(const struct sched_vcpu *s)
{
    uint32_t cpu = find_idle(s), worst = MAX_CPUS, unsliced = MAX_CPUS;
    uint64_t now = now_ns(), most = 0;

    if (cpu != MAX_CPUS || sp_parked(s->sp.dom)) {
        return cpu;
    }
    for (uint64_t m = s->sp.hard & cpus_online; m; m &= m - 1) {
        uint32_t i = (uint32_t)__builtin_ctzl(m);

        if (running_on[i]) {
            /* Whoever runs alone is charged for nothing until his CPU decides again: that is long ago, perhaps. */
            uint64_t vtime = sp_vtime_after(&running_on[i]->sp, now - running_on[i]->since_ns);

            if (worst == MAX_CPUS || vtime > most) {
                most = vtime;
                worst = i;
            }
            unsliced = running_on[i]->slice_end_ns == UINT64_MAX ? i : unsliced;
        }
    }
    /* Preempt, or at least let a CPU that ran without a slice set one now that somebody waits. */
    return worst != MAX_CPUS && sp_preempts(&s->sp, most) ? worst : unsliced;
}

static void raise(uint32_t cpu)
{
    if (cpu < MAX_CPUS) {
        percpu_raise(cpu, WORK_RESCHED);
    }
}

/* It may run again: queue it unless a CPU still has it, in which case that CPU finds it runnable. Lock held. */
static uint32_t make_ready(struct sched_vcpu *s)
{
    if (s->sp.active) {
        return MAX_CPUS;
    }
    sp_activate(&sched_queue, &s->sp);
    if (s->on_cpu) {
        return MAX_CPUS;
    }
    runstate_change(s->v, RUNSTATE_runnable, now_ns());
    sp_enqueue(&sched_queue, &s->sp);
    return sched_find_cpu(s);
}

void sched_wake(struct vcpu *v, uint32_t clear_flags)
{
    uint32_t cpu = MAX_CPUS;

    spin_lock(&sched_lock);
    if (__atomic_and_fetch(&v->pause_flags, ~clear_flags, __ATOMIC_SEQ_CST) == 0) {
        cpu = make_ready(v->sched);
    }
    spin_unlock(&sched_lock);
    raise(cpu);
}

void sched_sleep_nosync(struct vcpu *v, uint32_t set_flags)
{
    struct sched_vcpu *s = v->sched;
    uint32_t cpu = MAX_CPUS;

    spin_lock(&sched_lock);
    __atomic_fetch_or(&v->pause_flags, set_flags, __ATOMIC_SEQ_CST);
    if (s->on_cpu) {
        cpu = s->sp.cpu;
    } else if (s->sp.active) {
        sp_dequeue(&sched_queue, &s->sp);
        sp_deactivate(&s->sp);
        runstate_change(v, RUNSTATE_offline, now_ns());
    }
    spin_unlock(&sched_lock);
    raise(cpu);
}

void sched_sleep_sync(struct vcpu *v, uint32_t set_flags)
{
    sched_sleep_nosync(v, set_flags);
    if (v == current_vcpu()) {
        return;
    }
    while (READ_ONCE(v->sched->on_cpu)) {
        ipi_poll();
        __builtin_ia32_pause();
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* Whether the pause counts allow it to run is decided under the lock, so that racing pauses and unpauses add up. */
void sched_pause_changed(struct vcpu *v)
{
    uint32_t cpu = MAX_CPUS;

    spin_lock(&sched_lock);
    if (__atomic_load_n(&v->pause_count, __ATOMIC_SEQ_CST) == 0 && __atomic_load_n(&v->domain->pause_count, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_and_fetch(&v->pause_flags, ~VPF_PAUSED, __ATOMIC_SEQ_CST) == 0) {
        cpu = make_ready(v->sched);
    }
    spin_unlock(&sched_lock);
    raise(cpu);
}

void sched_yield(struct vcpu *v)
{
    v->sched->yielding = true;
    sched_raise_resched();
}

/* ---- the decision ---- */

/* Charge the vCPU that runs here; false when it may not go on. Lock held. */
static bool settle(struct sched_vcpu *prev, uint32_t cpu, uint64_t now)
{
    bool used_up = sp_charge(&sched_queue, &prev->sp, now - prev->since_ns);

    prev->since_ns = now;
    return vcpu_runnable(prev->v) && !used_up && !sp_parked(prev->sp.dom) && (prev->sp.hard >> cpu & 1);
}

/*
 * Somebody who waits takes over when he is behind by more than the grain, or when the slice is over and he is not ahead.
 * Without the grain two of equal share would take turns at every decision and do nothing else.
 */
static struct sched_vcpu *choose(struct sched_vcpu *prev, bool prev_ok, uint32_t cpu, uint64_t now)
{
    struct sched_vcpu *cand = of(sp_pick(&sched_queue, cpu));

    if (!prev_ok || !cand) {
        return prev_ok ? prev : cand;
    }
    if (prev->yielding) {
        prev->sp.vtime = MAX(prev->sp.vtime, cand->sp.vtime);
        return cand;
    }
    if (sp_preempts(&cand->sp, prev->sp.vtime) || (now >= prev->slice_end_ns && cand->sp.vtime <= prev->sp.vtime)) {
        return cand;
    }
    return prev;
}

/* The state of prev is saved: others may take it up. */
static void let_go(struct sched_vcpu *prev)
{
    uint32_t cpu = MAX_CPUS;

    spin_lock(&sched_lock);
    if (vcpu_runnable(prev->v)) {
        sp_activate(&sched_queue, &prev->sp);
        sp_enqueue(&sched_queue, &prev->sp);
        runstate_change(prev->v, RUNSTATE_runnable, now_ns());
        __atomic_store_n(&prev->on_cpu, false, __ATOMIC_RELEASE);
        cpu = sched_find_cpu(prev);
    } else {
        sp_deactivate(&prev->sp);
        runstate_change(prev->v, prev->v->pause_flags & (VPF_BLOCKED | VPF_POLLING) ? RUNSTATE_blocked : RUNSTATE_offline, now_ns());
        __atomic_store_n(&prev->on_cpu, false, __ATOMIC_RELEASE);
    }
    spin_unlock(&sched_lock);
    raise(cpu);
}

static void set_slice(uint32_t cpu, uint64_t slice, uint64_t now)
{
    if (slice != UINT64_MAX) {
        slice_armed[cpu] = true;
        timer_arm(&slice_timer[cpu], now + slice);
    } else if (slice_armed[cpu]) {
        slice_armed[cpu] = false;
        timer_cancel(&slice_timer[cpu]);
    }
}

void sched_decide(void)
{
    uint32_t cpu = this_cpu()->cpu;
    uint64_t now = now_ns(), slice = UINT64_MAX;
    struct sched_vcpu *prev, *next;

    spin_lock(&sched_lock);
    kicked &= ~(1ul << cpu);
    prev = running_on[cpu];
    next = choose(prev, prev && settle(prev, cpu, now), cpu, now);
    if (prev) {
        prev->yielding = false;
    }
    if (next && next != prev) {
        sp_dequeue(&sched_queue, &next->sp);
        next->on_cpu = true;
        next->sp.cpu = cpu;
        next->v->processor = cpu;
        next->since_ns = now;
    }
    running_on[cpu] = next;
    if (next) {
        slice = sp_slice(&sched_queue, &next->sp);
        /* One that goes on keeps the slice it had, unless that is over or nobody had waited when it began. */
        if (next != prev || now >= next->slice_end_ns || next->slice_end_ns == UINT64_MAX) {
            next->slice_end_ns = slice == UINT64_MAX ? UINT64_MAX : now + slice;
        }
        slice = next->slice_end_ns == UINT64_MAX ? UINT64_MAX : next->slice_end_ns - now;
    }
    spin_unlock(&sched_lock);
    set_slice(cpu, slice, now);
    if (next == prev) {
        return;
    }
    sched_switch_state(prev ? prev->v : NULL, next ? next->v : NULL);
    if (prev) {
        let_go(prev);
    }
    if (next) {
        next->v->hooks->resume();
    }
    stack_reset_and_call(sched_idle_loop);
}

void upcall_do_work(uint32_t work)
{
    if (work & WORK_TIMER) {
        timers_run();
    }
    if (work & WORK_CONSOLE) {
        sched_console_hook();
    }
    if (work & WORK_REAP) {
        domain_reap();
    }
    if (work & WORK_RESCHED) {
        sched_decide();
    }
}

void sched_idle_loop(void)
{
    struct percpu *p = this_cpu();

    for (;;) {
        uint32_t work = __atomic_exchange_n(&p->work, 0, __ATOMIC_ACQ_REL);

        ipi_poll();
        if (work) {
            upcall_do_work(work);
        } else {
            uint64_t since = now_ns();

            if (heap_scrub()) {
                (void)preempt_pending(); /* an interrupt waits for one frame, not for all */
            } else {
                cpu_sleep();
            }
            p->idle_ns += now_ns() - since;
        }
    }
}

void upcall_ap_ready(void)
{
    timer_init_cpu();
    sched_raise_resched();
    sched_idle_loop();
}

/* ---- parameters ---- */

static void refill(void *arg)
{
    struct sched_domain *sd = arg;
    struct vcpu *v;
    unsigned int i;
    uint64_t cpus = 0;

    spin_lock(&sched_lock);
    if (sd->sp.cap && sp_refill(&sd->sp)) {
        for_each_vcpu(sd->d, v, i) {
            if (v->sched && v->sched->sp.queued) {
                uint32_t cpu = sched_find_cpu(v->sched);

                cpus |= cpu < MAX_CPUS ? 1ul << cpu : 0;
            }
        }
    }
    spin_unlock(&sched_lock);
    for (; cpus; cpus &= cpus - 1) {
        raise((uint32_t)__builtin_ctzl(cpus));
    }
    if (sd->sp.cap) {
        timer_arm(&sd->refill, now_ns() + SP_PERIOD_NS);
    }
}

int sched_set_params(struct domain *d, uint32_t weight, uint32_t cap)
{
    struct sched_domain *sd = d->sched;

    if (weight < 1 || weight > 65535 || cap > 100u * d->max_vcpus) {
        return -EINVAL;
    }
    spin_lock(&sched_lock);
    sd->sp.weight = weight;
    sd->sp.cap = cap;
    sd->sp.budget_ns = (int64_t)(SP_PERIOD_NS / 100) * cap;
    spin_unlock(&sched_lock);
    if (cap) {
        timer_arm(&sd->refill, now_ns() + SP_PERIOD_NS);
    } else {
        timer_cancel(&sd->refill);
    }
    return 0;
}

void sched_get_params(const struct domain *d, uint32_t *weight, uint32_t *cap)
{
    *weight = d->sched->sp.weight;
    *cap = d->sched->sp.cap;
}

int sched_set_affinity(struct vcpu *v, uint64_t hard, uint64_t soft)
{
    struct sched_vcpu *s = v->sched;
    uint32_t cpu = MAX_CPUS;

    if (!(hard & cpus_online)) {
        return -EINVAL;
    }
    spin_lock(&sched_lock);
    v->affinity_hard = s->sp.hard = hard;
    v->affinity_soft = s->sp.soft = soft;
    if (s->on_cpu) {
        cpu = s->sp.cpu;
    } else if (s->sp.queued) {
        cpu = sched_find_cpu(s);
    }
    spin_unlock(&sched_lock);
    raise(cpu);
    return 0;
}

/* ---- a domain's and a vCPU's life here ---- */

static int unit_init(struct domain *d)
{
    struct sched_domain *sd = hv_alloc(sizeof(*sd));

    if (!sd) {
        return -ENOMEM;
    }
    sp_domain_init(&sd->sp);
    sd->d = d;
    timer_setup(&sd->refill, refill, sd);
    d->sched = sd;
    return 0;
}

static int unit_kill(struct domain *d)
{
    if (d->sched) {
        d->sched->sp.cap = 0;
        timer_cancel(&d->sched->refill);
    }
    return 0;
}

static void unit_free(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        if (d->vcpu[i]) {
            hv_free(d->vcpu[i]->sched);
        }
    }
    hv_free(d->sched);
    d->sched = NULL;
}

static int unit_vcpu_init(struct vcpu *v)
{
    struct sched_vcpu *s = hv_alloc(sizeof(*s));

    if (!s) {
        return -ENOMEM;
    }
    sp_vcpu_init(&s->sp, &v->domain->sched->sp);
    s->v = v;
    s->sp.hard = v->affinity_hard;
    s->sp.soft = v->affinity_soft;
    v->sched = s;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = now_ns();
    vcpu_timers_setup(s);
    return 0;
}

static void unit_vcpu_kill(struct vcpu *v)
{
    sched_sleep_sync(v, VPF_DYING);
    vcpu_timers_cancel(v->sched);
}

DOMAIN_UNIT(10, sched_unit, .name = "sched", .init = unit_init, .kill = unit_kill, .vcpu_init = unit_vcpu_init,
            .vcpu_kill = unit_vcpu_kill, .free = unit_free);
