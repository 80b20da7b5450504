/* SPDX-License-Identifier: MIT */
/*
 * Timers over a heap per CPU. A timer belongs to the CPU that armed it last; callbacks run there without the lock, so they
 * may arm and cancel. Invariant: the hardware timer is set no later than the earliest deadline of the CPU's heap.
 * Locks: LOCK_TIMER, one a CPU. Whoever arms a timer excludes others from arming the same one.
 */
#include "sched/timer.h"

#include <stddef.h>

#include "common/compiler.h"
#include "common/string.h"
#include "debug/panic.h"
#include "mm/hv_alloc.h"
#include "sched/timer_heap.h"
#include "x86/ipi.h"
#include "x86/lock.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "x86/upcalls.h"

#define FIRST_CAPACITY 64u

struct cpu_timers {
    struct spinlock lock;
    struct timer_heap heap;
    struct timer *running; /* its callback is under way on this CPU */
};

static struct cpu_timers cpu_timers[MAX_CPUS];

void timer_setup(struct timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){.fn = fn, .arg = arg, .heap_idx = -1};
}

void timer_init_cpu(void)
{
    struct cpu_timers *c = &cpu_timers[this_cpu()->cpu];

    spin_init(&c->lock, "timer", LOCK_TIMER);
    c->heap.capacity = FIRST_CAPACITY;
    c->heap.slot = hv_alloc(sizeof(*c->heap.slot) * FIRST_CAPACITY);
    if (!c->heap.slot) {
        panic("no memory for the timer heap of CPU %u", this_cpu()->cpu);
    }
}

/*
 * Room for one more. The array doubles; the heap lock is above the allocator's in the lock order, so the new one is
 * allocated before the lock is taken and the caller tries again.
 */
static void grow(struct cpu_timers *c)
{
    uint32_t want = c->heap.capacity * 2;
    struct timer **bigger = hv_alloc_pages((uint32_t)ALIGN_UP(want * sizeof(*bigger), 4096) / 4096);
    struct timer **old;

    if (!bigger) {
        panic("no memory for %u timers on one CPU", want);
    }
    spin_lock(&c->lock);
    old = c->heap.slot;
    memcpy(bigger, old, c->heap.nr * sizeof(*bigger));
    c->heap.slot = bigger;
    c->heap.capacity = want;
    spin_unlock(&c->lock);
    if (want == FIRST_CAPACITY * 2) {
        hv_free(old);
    } else {
        hv_free_pages(old, (uint32_t)ALIGN_UP(want / 2 * sizeof(*old), 4096) / 4096);
    }
}

static void program(const struct cpu_timers *c)
{
    const struct timer *first = timer_heap_first(&c->heap);

    lapic_timer_arm(first ? first->deadline_ns : UINT64_MAX);
}

static void take_out(struct timer *t)
{
    struct cpu_timers *c = &cpu_timers[t->cpu];

    spin_lock(&c->lock);
    if (t->heap_idx >= 0) {
        timer_heap_remove(&c->heap, t);
    }
    spin_unlock(&c->lock);
}

void timer_arm(struct timer *t, uint64_t deadline_ns)
{
    uint32_t cpu = this_cpu()->cpu;
    struct cpu_timers *c = &cpu_timers[cpu];
    bool added;

    if (t->heap_idx >= 0) {
        take_out(t);
    }
    do {
        spin_lock(&c->lock);
        t->cpu = cpu;
        t->deadline_ns = deadline_ns;
        added = timer_heap_add(&c->heap, t);
        if (added && timer_heap_first(&c->heap) == t) {
            program(c);
        }
        spin_unlock(&c->lock);
        if (!added) {
            grow(c);
        }
    } while (!added);
}

void timer_cancel(struct timer *t)
{
    struct cpu_timers *c = &cpu_timers[t->cpu];

    take_out(t);
    /* Its callback may be under way elsewhere; on this CPU it is the callback that cancels itself. */
    while (t->cpu != this_cpu()->cpu && READ_ONCE(c->running) == t) {
        ipi_poll();
        __builtin_ia32_pause();
    }
}

void timers_run(void)
{
    struct cpu_timers *c = &cpu_timers[this_cpu()->cpu];
    struct timer *t;

    spin_lock(&c->lock);
    while ((t = timer_heap_first(&c->heap)) != NULL && t->deadline_ns <= now_ns()) {
        timer_heap_remove(&c->heap, t);
        WRITE_ONCE(c->running, t);
        spin_unlock(&c->lock);
        t->fn(t->arg);
        spin_lock(&c->lock);
        WRITE_ONCE(c->running, NULL);
    }
    program(c);
    spin_unlock(&c->lock);
}

void upcall_timer_irq(void)
{
    __atomic_fetch_or(&this_cpu()->work, WORK_TIMER, __ATOMIC_RELAXED);
}
