/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * The clock goes forward and not back, the single-shot timer fires once and not early, also when its time is past, and a
 * stopped timer does not fire.
 */
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/pv/hypercall.h"
#include "pvk/thread.h"

struct shot {
    struct timer timer;
    unsigned fired;
    uint64_t at;
    struct wait_queue queue;
};

static void on_timer(struct timer *timer)
{
    struct shot *shot = container_of(timer, struct shot, timer);

    shot->fired++;
    shot->at = clock_ns();
    wait_queue_wake(&shot->queue);
}

static void shot_init(struct shot *shot)
{
    *shot = (struct shot){.timer.fn = on_timer};
    wait_queue_init(&shot->queue);
}

static void check_clock(void)
{
    uint64_t before = clock_ns();
    unsigned backwards = 0;

    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = clock_ns();

        backwards += now < before;
        before = now;
    }
    test_check(backwards == 0, "the clock never goes back");
    test_check(clock_wall_ns() > 1500000000ul * NS_PER_S, "the wall clock is later than 2017");
}

void test_main(void)
{
    struct shot one;
    struct shot two;
    uint64_t deadline;
    irq_state was;

    check_clock();
    shot_init(&one);
    deadline = clock_ns() + 20 * NS_PER_MS;
    timer_set(&one.timer, deadline);
    test_check(wait_until(&one.queue, one.fired == 1, clock_ns() + 20 * NS_PER_S), "a timer fires");
    test_check(one.at >= deadline, "not before its time");

    shot_init(&one);
    timer_set(&one.timer, clock_ns() - NS_PER_MS);
    test_check(wait_until(&one.queue, one.fired == 1, clock_ns() + 20 * NS_PER_S),
               "a time that is past fires at once");

    shot_init(&one);
    shot_init(&two);
    was = irq_save(); /* however slow this machine is, the first cannot fire in between */
    timer_set(&one.timer, clock_ns() + 10 * NS_PER_MS);
    timer_set(&two.timer, clock_ns() + 40 * NS_PER_MS);
    timer_cancel(&one.timer);
    irq_restore(was);
    wait_until(&two.queue, two.fired == 1, clock_ns() + 20 * NS_PER_S);
    test_check(one.fired == 0 && two.fired == 1,
               "a cancelled timer does not fire, the next one does");
    test_note("a timer of vCPU 999: %s",
              test_rc(hc_vcpu_op(VCPUOP_stop_singleshot_timer, 999, NULL)));
    thread_sleep_ns(5 * NS_PER_MS);
    test_check(two.fired == 1, "a timer fires once");
}
