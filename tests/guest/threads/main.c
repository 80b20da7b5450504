/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * NATIVE: yes
 * libpvk's own threads on top of the hypervisor's block, yield and timer: order, mutual exclusion, waiting with and without
 * a deadline, joining, and that stacks have guard pages and are given back.
 */
#include <stdlib.h>
#include <string.h>

#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/thread.h"

static char order[32];
static struct mutex mutex = MUTEX_INIT(mutex);
static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static bool flag;
static unsigned inside;
static unsigned collisions;

static void note(char c)
{
    size_t len = strlen(order);

    if (len < sizeof(order) - 1) {
        order[len] = c;
    }
}

static void three_times(void *arg)
{
    for (unsigned i = 0; i < 3; i++) {
        note(*(const char *)arg);
        thread_yield();
    }
}

static void locked(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 10; i++) {
        mutex_lock(&mutex);
        collisions += inside++ != 0;
        thread_yield();
        inside--;
        mutex_unlock(&mutex);
    }
}

static void waiter(void *arg)
{
    *(bool *)arg = wait_until(&queue, flag, 0);
}

static void overflow(void *arg)
{
    char *stack = (char *)ALIGN_DOWN((uintptr_t)__builtin_frame_address(0), (uintptr_t)32768);

    *(bool *)arg = !probe_write(stack, 1) && probe_write(stack + PAGE_SIZE, 0);
}

static void run_two(void (*fn)(void *arg), void *a, void *b)
{
    struct thread *ta = thread_create("a", fn, a);
    struct thread *tb = thread_create("b", fn, b);

    if (ta == NULL || tb == NULL) {
        test_error("no memory for threads");
    }
    thread_join(ta);
    thread_join(tb);
}

void test_main(void)
{
    uint64_t before;
    bool woken = false;
    bool guarded = false;
    struct thread *t;

    run_two(three_times, (char[]){"a"}, (char[]){"b"});
    test_note("order of two threads that yield: %s", order);
    before = page_nr_free();
    run_two(locked, NULL, NULL);
    test_check(collisions == 0, "a mutex lets in one thread at a time");
    test_check(page_nr_free() == before, "ended threads give their stacks back");

    t = thread_create("waiter", waiter, &woken);
    thread_yield();
    flag = true;
    wait_queue_wake(&queue);
    thread_join(t);
    test_check(woken, "a waiting thread is woken");
    flag = false;
    test_check(!wait_until(&queue, flag, clock_ns() + 5 * NS_PER_MS),
               "a wait ends at its deadline");
    t = thread_create("overflow", overflow, &guarded);
    thread_join(t);
    test_check(guarded, "below a stack is a page that cannot be written");
}
