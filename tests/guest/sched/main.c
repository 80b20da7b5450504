/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * sched_op: yield returns, block returns for an event and clears the mask, poll ends by an event or by its time, and
 * arguments that make no sense are refused.
 */
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/thread.h"

static volatile unsigned count;

static void on_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    count++;
}

static void check_block(uint32_t port)
{
    irq_state was = irq_save();

    event_send(port);
    test_check(count == 0, "an event is pending and masked");
    test_note("block: %s", test_rc(hc_sched_op(SCHEDOP_block, NULL)));
    test_check(count == 1, "block has let it in");
    test_check(irq_save(), "and left interrupts on");
    irq_restore(was);
}

static void check_poll(uint32_t port)
{
    struct sched_poll op = {.nr_ports = 1};
    uint64_t start;

    event_mask(port);
    set_xen_guest_handle(op.ports, &port);
    start = clock_ns();
    op.timeout = start + 20 * NS_PER_MS;
    test_note("poll with a time: %s", test_rc(hc_sched_op(SCHEDOP_poll, &op)));
    test_check(clock_ns() >= start + 20 * NS_PER_MS, "it came back at its time");
    event_send(port);
    op.timeout = 0;
    test_note("poll of a pending port: %s", test_rc(hc_sched_op(SCHEDOP_poll, &op)));
    test_check(event_take_pending(port), "which still is pending");
    op.timeout = 1;
    test_note("poll with a time that is past: %s", test_rc(hc_sched_op(SCHEDOP_poll, &op)));
    op.nr_ports = 129;
    test_note("poll of 129 ports: %s", test_rc(hc_sched_op(SCHEDOP_poll, &op)));
    op.nr_ports = 1;
    port = 100000;
    test_note("poll of a port beyond all: %s", test_rc(hc_sched_op(SCHEDOP_poll, &op)));
    set_xen_guest_handle(op.ports, (uint32_t *)0x1000);
    test_note("poll of a list of nowhere: %s", test_rc(hc_sched_op(SCHEDOP_poll, &op)));
}

void test_main(void)
{
    struct sched_shutdown wrong = {.reason = 0};
    long port = event_bind_ipi(0, on_event, NULL);

    if (port < 0) {
        test_error("no port");
    }
    test_note("yield: %s", test_rc(hc_sched_op(SCHEDOP_yield, NULL)));
    check_block((uint32_t)port);
    check_poll((uint32_t)port);
    test_note("shutdown of nowhere: %s", test_rc(hc_sched_op(SCHEDOP_shutdown, NULL)));
    test_note("an unknown command: %s", test_rc(hc_sched_op(99, &wrong)));
}
