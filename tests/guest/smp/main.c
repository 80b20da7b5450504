/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: both
 * CPUS: 2
 * A second virtual CPU: it starts, runs threads, gets its own timer and interrupts, faults on its own, and sees memory
 * mapped and unmapped by the first.
 */
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/smp.h"
#include "pvk/thread.h"

static char page[PAGE_SIZE] __aligned_to(4096);
static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static unsigned ran_on = ~0u;
static unsigned event_on = ~0u;
static unsigned stage;

static void on_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    __atomic_store_n(&event_on, cpu_id(), __ATOMIC_RELEASE);
    wait_queue_wake(&queue);
}

static void hello(void *arg)
{
    (void)arg;
    thread_sleep_ns(5 * NS_PER_MS);
    ran_on = cpu_id();
}

static void read_page(void *arg)
{
    (void)*(volatile char *)arg;
}

/* Reads the page, lets the first CPU unmap it, reads it again. */
static void reader(void *arg)
{
    struct trap_seen seen = {0};
    bool *faulted = arg;

    page[0] = 1;
    __atomic_store_n(&stage, 1, __ATOMIC_RELEASE);
    wait_queue_wake(&queue);
    wait_until(&queue, __atomic_load_n(&stage, __ATOMIC_ACQUIRE) == 2, 0);
    *faulted = !trap_catch(read_page, page, &seen) && seen.vector == TRAP_PF;
}

void test_main(void)
{
    unsigned count = cpu_count();
    struct thread *t;
    bool faulted = false;
    long port;
    int rc;

    test_note("%u CPUs", count);
    if (count < 2) {
        test_skip("needs two CPUs");
    }
    test_note("is_up beyond the last: %s", test_rc(hc_vcpu_op(VCPUOP_is_up, 31, NULL)));
    test_note("is_up of the second: %s", test_rc(hc_vcpu_op(VCPUOP_is_up, 1, NULL)));
    test_note("up before initialise: %s", test_rc(hc_vcpu_op(VCPUOP_up, 1, NULL)));
    rc = cpu_start(1);
    if (!test_check(rc == 0, "the second CPU starts: %s", test_rc(rc))) {
        return;
    }
    test_note("is_up now: %s", test_rc(hc_vcpu_op(VCPUOP_is_up, 1, NULL)));

    t = thread_create_on(1, "hello", hello, NULL);
    thread_join(t);
    test_check(ran_on == 1, "a thread runs and sleeps on it");

    port = event_bind_ipi(1, on_event, NULL);
    test_check(port > 0 && event_send((uint32_t)port) == 0, "an IPI is sent to it");
    wait_until(&queue, __atomic_load_n(&event_on, __ATOMIC_ACQUIRE) != ~0u, 0);
    test_check(event_on == 1, "and arrives there");

    t = thread_create_on(1, "reader", reader, &faulted);
    wait_until(&queue, __atomic_load_n(&stage, __ATOMIC_ACQUIRE) == 1, 0);
    test_check(map_remove(page, 1) == 0, "a page that it has touched is unmapped");
    __atomic_store_n(&stage, 2, __ATOMIC_RELEASE);
    wait_queue_wake(&queue);
    thread_join(t);
    test_check(faulted, "its next access faults");
}
