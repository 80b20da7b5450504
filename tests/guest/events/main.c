/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: both
 * Event channels within one domain: an IPI to itself, masking, an interdomain channel whose two ends are both ours, polling,
 * and the errors of ports that are not there.
 */
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/start_info.h"

static volatile unsigned count;

static void on_event(uint32_t port, void *arg)
{
    (void)port;
    count += *(const unsigned *)arg;
}

static void check_ipi(void)
{
    unsigned one = 1;
    long port = event_bind_ipi(0, on_event, &one);
    irq_state was;

    if (!test_check(port > 0, "bind_ipi gives a port")) {
        return;
    }
    count = 0;
    test_check(event_send((uint32_t)port) == 0 && count == 1,
               "an IPI to oneself is delivered on return");
    was = irq_save();
    event_send((uint32_t)port);
    event_send((uint32_t)port);
    test_check(count == 1, "with interrupts off nothing is delivered");
    irq_restore(was);
    test_check(count == 2, "two events of one port that is pending already are one");
    event_mask((uint32_t)port);
    event_send((uint32_t)port);
    test_check(count == 2, "a masked port is not delivered");
    event_unmask((uint32_t)port);
    test_check(count == 3, "unmasking delivers what was remembered");
    event_mask((uint32_t)port);
    event_send((uint32_t)port);
    event_poll((uint32_t)port, clock_ns() + 10 * NS_PER_S);
    test_check(event_take_pending((uint32_t)port), "a poll of a pending port returns");
    test_check(event_close((uint32_t)port) == 0, "close");
    test_note("send to a closed port: %s", test_rc(event_send((uint32_t)port)));
    test_note("close of a closed port: %s", test_rc(event_close((uint32_t)port)));
}

static void check_interdomain(void)
{
    unsigned one = 1;
    unsigned hundred = 100;
    int self = domain_id();
    long a = event_alloc_unbound((unsigned)self, on_event, &one);
    long b = event_bind_interdomain((unsigned)self, (uint32_t)a, on_event, &hundred);

    if (!test_check(self >= 0 && a > 0 && b > 0, "a channel from the domain to itself")) {
        return;
    }
    count = 0; /* binding raises an event at both ends */
    event_send((uint32_t)a);
    test_check(count == 100, "sent at one end, it arrives at the other");
    event_send((uint32_t)b);
    test_check(count == 101, "and back");
    test_note("binding a bound port: %s",
              test_rc(event_bind_interdomain((unsigned)self, (uint32_t)a, on_event, &one)));
    test_check(event_close((uint32_t)a) == 0, "one end closes");
    test_note("sending to an end that has no other: %s", test_rc(event_send((uint32_t)b)));
    test_check(event_close((uint32_t)b) == 0, "the other end closes");
}

static void check_status(void)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = 4095};
    long a = event_alloc_unbound(DOMID_SELF, NULL, NULL);

    test_note("status of a port beyond the allocated ones: %s",
              test_rc(hc_event_channel_op(EVTCHNOP_status, &status)));
    status.port = (uint32_t)a;
    test_check(hc_event_channel_op(EVTCHNOP_status, &status) == 0, "status of an unbound port");
    test_note("its status %u", status.status);
    event_close((uint32_t)a);
    test_note("send to port 0: %s", test_rc(event_send(0)));
    test_note("send to a port of 31 bits: %s", test_rc(event_send(0x7fffffff)));
    test_note("bind_ipi to vCPU 999: %s", test_rc(event_bind_ipi(999, on_event, NULL)));
    test_note("bind_virq 99: %s", test_rc(event_bind_virq(99, 0, on_event, NULL)));
    test_note("bind_virq of the timer again: %s",
              test_rc(event_bind_virq(VIRQ_TIMER, 0, on_event, NULL)));
    test_note("an unknown command: %s", test_rc(hc_event_channel_op(99, &status)));
}

void test_main(void)
{
    check_ipi();
    check_interdomain();
    check_status();
}
