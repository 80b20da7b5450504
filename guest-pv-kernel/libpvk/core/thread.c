/* SPDX-License-Identifier: MIT */
/*
 * Threads and the scheduler: a run queue a CPU, first come first served, no preemption in the kernel. What a CPU does
 * while it starts becomes its idle thread, which runs when nothing else can.
 * Invariant: only its own CPU takes a thread off a run queue and runs it; other CPUs only put threads there and kick.
 */
#include "pvk/thread.h"

#include <stdlib.h>

#include "common/format.h"
#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/traps.h"

#define STACK_ORDER 3 /* 32 KiB, the lowest page of which is the guard */

enum thread_state {
    THREAD_RUNNABLE,
    THREAD_WAITING,
    THREAD_ENDED
};

struct thread {
    uint64_t rsp;            /* while it does not run */
    struct list link;        /* lock: lock of the run queue */
    enum thread_state state; /* lock: lock of the run queue; ENDED: lock of `ended` */
    unsigned cpu;            /* const after create */
    bool detached;           /* lock: lock of `ended` */
    struct timer timeout;    /* owner cpu only */
    void (*fn)(void *arg);   /* const after create */
    void *arg;
    char *stack; /* NULL: an idle thread, on the CPU's start-up stack */
    struct wait_queue ended;
    char name[16];
};

struct run_queue {
    struct spinlock lock;
    struct list threads;  /* lock: lock */
    uint64_t nr_switches; /* owner cpu only */
    struct thread
        *ending; /* owner cpu only: has called thread_exit(), to be buried by whoever runs next */
};
static struct run_queue queues[PVK_MAX_CPUS];
static struct thread idle_threads[PVK_MAX_CPUS];

/* switch.S: save callee-saved registers and rsp, load the other thread's. A new thread starts in thread_start. */
void thread_switch(uint64_t *save_rsp, uint64_t load_rsp);
void thread_start(void);
__noreturn_fn void thread_main(struct thread *t); /* called by thread_start */

struct thread *thread_self(void)
{
    return this_cpu()->current;
}

const char *thread_name(const struct thread *t)
{
    return t->name;
}

uint64_t thread_nr_switches(void)
{
    return queues[this_cpu()->id].nr_switches;
}

static void make_runnable(struct thread *t)
{
    struct run_queue *rq = &queues[t->cpu];
    irq_state was = spin_lock(&rq->lock);
    bool woke = t->state == THREAD_WAITING;

    if (woke) {
        t->state = THREAD_RUNNABLE;
        list_add_tail(&rq->threads, &t->link);
    }
    spin_unlock(&rq->lock, was);
    if (woke && t->cpu != this_cpu()->id) {
        backend_kick_cpu(t->cpu);
    }
}

/* The running thread is about to wait (or, RUNNABLE, does not wait after all): no wake-up of before counts. */
static void set_own_state(enum thread_state state)
{
    struct thread *t = thread_self();
    struct run_queue *rq = &queues[t->cpu];
    irq_state was = spin_lock(&rq->lock);

    list_del_init(&t->link);
    t->state = state;
    spin_unlock(&rq->lock, was);
}

static void free_thread(struct thread *t)
{
    /* The guard page becomes an ordinary page again before the allocator sees it. */
    int rc = map_page(t->stack, pfn_of_va(t->stack), MAP_R | MAP_W);

    ASSERT(rc == 0);
    page_free(t->stack, STACK_ORDER);
    free(t);
}

static void wake_locked(struct wait_queue *queue)
{
    while (!list_empty(&queue->waiters)) {
        struct waiter *w = list_first(&queue->waiters, struct waiter, link);

        list_del_init(&w->link);
        make_runnable(w->thread);
    }
}

/* After every switch: the thread that has left for good is off its stack now. */
static void bury(void)
{
    struct run_queue *rq = &queues[this_cpu()->id];
    struct thread *dead = rq->ending;
    irq_state was;
    bool detached;

    if (dead == NULL) {
        return;
    }
    rq->ending = NULL;
    was = spin_lock(&dead->ended.lock);
    detached = dead->detached;
    dead->state = THREAD_ENDED;
    wake_locked(
        &dead->ended); /* a joiner frees it as soon as it gets the lock: nothing touches it after the unlock */
    spin_unlock(&dead->ended.lock, was);
    if (detached) {
        free_thread(dead);
    }
}

/* Interrupts are off, and the current thread's state says where it belongs. Returns when it runs again. */
static void schedule(void)
{
    struct cpu *cpu = this_cpu();
    struct run_queue *rq = &queues[cpu->id];
    struct thread *prev = cpu->current;
    struct thread *next;
    irq_state was = spin_lock(&rq->lock);

    next = list_first(&rq->threads, struct thread, link);
    if (next != NULL) {
        list_del_init(&next->link);
    } else {
        next = &idle_threads[cpu->id];
    }
    spin_unlock(&rq->lock, was);
    if (next == prev) {
        return;
    }
    cpu->current = next;
    rq->nr_switches++;
    thread_switch(&prev->rsp, next->rsp);
    bury(); /* we are prev again, later, on the same CPU */
}

void sched_init(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *t = &idle_threads[cpu->id];

    list_init(&queues[cpu->id].threads);
    timers_init_cpu(cpu->id);
    t->cpu = cpu->id;
    t->state = THREAD_RUNNABLE;
    list_init(&t->link);
    wait_queue_init(&t->ended);
    format(t->name, sizeof(t->name), "idle%u", cpu->id);
    cpu->current = t;
    __atomic_store_n(&cpu->online, 1, __ATOMIC_RELEASE);
}

void sched_idle(void)
{
    struct run_queue *rq = &queues[this_cpu()->id];

    for (;;) {
        irq_save();
        if (list_empty(&rq->threads)) {
            backend_idle(); /* looks for pending interrupts after it has let them in: no wake-up gets lost */
        } else {
            schedule();
        }
    }
}

void thread_main(struct thread *t)
{
    bury();
    irq_enable();
    t->fn(t->arg);
    thread_exit();
}

static void timeout_fired(struct timer *timer)
{
    make_runnable(container_of(timer, struct thread, timeout));
}

struct thread *thread_create_on(unsigned cpu, const char *name, void (*fn)(void *arg), void *arg)
{
    struct thread *t = calloc(1, sizeof(*t));
    uint64_t *sp;

    if (t == NULL) {
        return NULL;
    }
    t->stack = page_alloc(STACK_ORDER);
    if (t->stack == NULL || map_remove(t->stack, 1) != 0) {
        free(t);
        return NULL;
    }
    t->cpu = cpu;
    t->fn = fn;
    t->arg = arg;
    t->state = THREAD_WAITING;
    t->timeout.fn = timeout_fired;
    list_init(&t->link);
    wait_queue_init(&t->ended);
    format(t->name, sizeof(t->name), "%s", name);
    /* What thread_switch() takes from the stack: r15 r14 r13 r12 rbx rbp and where to go; two words keep the alignment. */
    sp = (uint64_t *)(t->stack + ((size_t)PAGE_SIZE << STACK_ORDER)) - 9;
    sp[4] = (uintptr_t)t;
    sp[6] = (uintptr_t)thread_start;
    t->rsp = (uintptr_t)sp;
    make_runnable(t);
    return t;
}

struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg)
{
    return thread_create_on(this_cpu()->id, name, fn, arg);
}

void thread_exit(void)
{
    struct thread *t = thread_self();

    ASSERT(t->stack != NULL); /* the idle thread is what its CPU stands on */
    irq_save();
    queues[t->cpu].ending = t;
    schedule();
    crash("a thread that has ended ran again");
}

void thread_join(struct thread *t)
{
    wait_until(&t->ended, __atomic_load_n(&t->state, __ATOMIC_ACQUIRE) == THREAD_ENDED, 0);
    free_thread(t);
}

void thread_detach(struct thread *t)
{
    irq_state was = spin_lock(&t->ended.lock);
    bool ended = t->state == THREAD_ENDED;

    t->detached = true;
    spin_unlock(&t->ended.lock, was);
    if (ended) {
        free_thread(t);
    }
}

void thread_yield(void)
{
    irq_state was = irq_save();
    struct thread *t = thread_self();
    struct run_queue *rq = &queues[t->cpu];

    if (!list_empty(&rq->threads)) {
        irq_state inner = spin_lock(&rq->lock);

        list_add_tail(&rq->threads, &t->link);
        spin_unlock(&rq->lock, inner);
        schedule();
    }
    irq_restore(was);
}

bool sched_preempt(void)
{
    bool others = !list_empty(&queues[this_cpu()->id].threads);

    if (others) {
        thread_yield();
    }
    return others;
}

void wait_queue_init(struct wait_queue *queue)
{
    queue->lock = (struct spinlock){false};
    list_init(&queue->waiters);
}

void wait_queue_wake(struct wait_queue *queue)
{
    irq_state was = spin_lock(&queue->lock);

    wake_locked(queue);
    spin_unlock(&queue->lock, was);
}

void wait_prepare(struct wait_queue *queue, struct waiter *waiter)
{
    irq_state was = spin_lock(&queue->lock);

    if (waiter->thread == NULL) {
        waiter->thread = thread_self();
        list_init(&waiter->link);
    }
    set_own_state(THREAD_WAITING);
    list_del_init(&waiter->link);
    list_add_tail(&queue->waiters, &waiter->link);
    spin_unlock(&queue->lock, was);
}

bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline_ns)
{
    irq_state was = irq_save();
    struct thread *t = waiter->thread;

    (void)queue;
    if (deadline_ns != 0) {
        timer_set(&t->timeout, deadline_ns);
    }
    if (t->state == THREAD_WAITING) {
        schedule();
    }
    if (deadline_ns != 0) {
        timer_cancel(&t->timeout);
    }
    irq_restore(was);
    return deadline_ns == 0 || clock_ns() < deadline_ns;
}

void wait_finish(struct wait_queue *queue, struct waiter *waiter)
{
    irq_state was = spin_lock(&queue->lock);

    list_del_init(&waiter->link);
    set_own_state(THREAD_RUNNABLE);
    spin_unlock(&queue->lock, was);
}

void thread_sleep_ns(uint64_t ns)
{
    struct wait_queue nobody;
    uint64_t deadline = clock_ns() + ns;

    wait_queue_init(&nobody);
    wait_until(&nobody, false, deadline);
}

static bool mutex_try(struct mutex *mutex)
{
    return !__atomic_exchange_n(&mutex->locked, true, __ATOMIC_ACQUIRE);
}

void mutex_init(struct mutex *mutex)
{
    mutex->locked = false;
    wait_queue_init(&mutex->queue);
}

void mutex_lock(struct mutex *mutex)
{
    wait_until(&mutex->queue, mutex_try(mutex), 0);
}

void mutex_unlock(struct mutex *mutex)
{
    __atomic_store_n(&mutex->locked, false, __ATOMIC_RELEASE);
    wait_queue_wake(&mutex->queue);
}
