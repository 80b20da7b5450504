/* SPDX-License-Identifier: MIT */
/*
 * Threads of the kernel: each belongs to one CPU, runs until it waits or yields, and has a 12 KiB stack with a guard page.
 * Mutexes and wait queues are for threads; interrupt handlers may only wake.
 */
#ifndef PVK_THREAD_H
#define PVK_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/list.h"
#include "pvk/spinlock.h"

struct thread;

/* A thread on the given CPU (thread_create: on this one) that calls fn(arg) and ends when it returns. NULL: no memory. */
struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg);
struct thread *thread_create_on(unsigned cpu, const char *name, void (*fn)(void *arg), void *arg);

/* Wait until the thread has ended, and forget it. Every thread is joined once, or detached by thread_detach(). */
void thread_join(struct thread *thread);
void thread_detach(struct thread *thread);

__noreturn_fn void thread_exit(void);
struct thread *thread_self(void);
const char *thread_name(const struct thread *thread);

/* Let the other threads of this CPU run. */
void thread_yield(void);

/* Wait for at least that long. */
void thread_sleep_ns(uint64_t ns);

/* Number of switches from one thread to another on this CPU so far. */
uint64_t thread_nr_switches(void);

struct wait_queue {
    struct spinlock lock;
    struct list waiters; /* lock: lock */
};
#define WAIT_QUEUE_INIT(name)                                                                      \
    {                                                                                              \
        .waiters = LIST_INIT((name).waiters)                                                       \
    }

void wait_queue_init(struct wait_queue *queue);

/* Wake all threads that wait. Any context, any CPU. */
void wait_queue_wake(struct wait_queue *queue);

/* One round of waiting, see wait_until(). deadline_ns: 0 is none. False if the deadline has passed. */
struct waiter {
    struct list link;
    struct thread *thread;
};
void wait_prepare(struct wait_queue *queue, struct waiter *waiter);
bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline_ns);
void wait_finish(struct wait_queue *queue, struct waiter *waiter);

/*
 * Wait until the condition is true; whoever makes it true calls wait_queue_wake() afterwards. The thread is on the queue
 * before it looks at the condition, so no wake-up gets lost. The value: false if the deadline (clock_ns(), 0: none) came first.
 */
#define wait_until(queue, condition, deadline_ns)                                                  \
    ({                                                                                             \
        struct waiter waiter_ = {.thread = NULL};                                                  \
        bool in_time_ = true;                                                                      \
                                                                                                   \
        for (;;) {                                                                                 \
            wait_prepare(queue, &waiter_);                                                         \
            if (condition) {                                                                       \
                in_time_ = true;                                                                   \
                break;                                                                             \
            }                                                                                      \
            if (!in_time_) {                                                                       \
                break;                                                                             \
            }                                                                                      \
            in_time_ = wait_sleep(queue, &waiter_, deadline_ns);                                   \
        }                                                                                          \
        wait_finish(queue, &waiter_);                                                              \
        in_time_;                                                                                  \
    })

struct mutex {
    bool locked;
    struct wait_queue queue;
};
#define MUTEX_INIT(name)                                                                           \
    {                                                                                              \
        .queue = WAIT_QUEUE_INIT((name).queue)                                                     \
    }

void mutex_init(struct mutex *mutex);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);

#endif
