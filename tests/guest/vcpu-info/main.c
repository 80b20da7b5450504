/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * What a vCPU may register: an area where the hypervisor tells how long it ran and waited, and another place for its vcpu_info,
 * which must go on working as interrupt flag and clock from the moment of the call.
 */
#include <string.h>

#include "framework/test.h"
#include "libpvk/core/cpu.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/thread.h"

static volatile unsigned count;

static void on_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    count++;
}

static void check_runstate(void)
{
    static struct vcpu_runstate_info info;
    static struct vcpu_runstate_info area;
    struct vcpu_register_runstate_memory_area reg = {0};
    uint64_t sum = 0;

    test_note("get_runstate_info: %s", test_rc(hc_vcpu_op(VCPUOP_get_runstate_info, 0, &info)));
    test_check(info.state == RUNSTATE_running, "this vCPU is running");
    reg.addr.v = &area;
    test_note("register_runstate_memory_area: %s",
              test_rc(hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &reg)));
    test_check(area.state == RUNSTATE_running, "the area is filled in at once");
    thread_sleep_ns(20 * NS_PER_MS);
    test_check(area.time[RUNSTATE_blocked] > info.time[RUNSTATE_blocked], "and tells of a wait afterwards");
    for (unsigned i = 0; i < 4; i++) {
        sum += area.time[i];
    }
    test_check(sum <= clock_ns(), "the times are no more than there was");
    reg.addr.v = (struct vcpu_runstate_info *)0x1000;
    test_note("an area that is not mapped: %s",
              test_rc(hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &reg)));
    thread_sleep_ns(NS_PER_MS);
    test_note("of vCPU 999: %s", test_rc(hc_vcpu_op(VCPUOP_get_runstate_info, 999, &info)));
}

static void check_vcpu_info(void)
{
    struct vcpu_info *page = page_alloc(0);
    struct vcpu_register_vcpu_info reg = {0};
    long port = event_bind_ipi(0, on_event, NULL);
    uint64_t before = clock_ns();
    irq_state was;

    if (page == NULL || port < 0) {
        test_error("no memory or no port");
    }
    reg.mfn = mfn_raw(mfn_of_pfn(pfn_of_va(page)));
    reg.offset = 4064;
    test_note("a vcpu_info across a page's end: %s",
              test_rc(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &reg)));
    reg.offset = 64;
    was = irq_save();
    test_note("register_vcpu_info: %s", test_rc(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &reg)));
    this_cpu()->vcpu_info = &page[1];
    test_check(page[1].evtchn_upcall_mask == 1, "the mask has moved there");
    event_send((uint32_t)port);
    test_check(count == 0 && page[1].evtchn_upcall_pending != 0, "an event is pending there");
    irq_restore(was);
    test_check(count >= 1, "and is delivered when the mask is cleared there");
    test_check(clock_ns() >= before, "the clock goes on");
    thread_sleep_ns(NS_PER_MS);
    test_note("a second time: %s", test_rc(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &reg)));
}

void test_main(void)
{
    check_runstate();
    check_vcpu_info();
}
