/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * Every hypercall that takes a pointer gets all the bad ones: none, not canonical, into the hypervisor, into its table that a
 * guest can read but not write, past the last address, into a read-only page, and across the end of a page with nothing
 * behind it. A hypervisor that touches one of them unchecked writes to itself (XSA-212) or faults in ring 0.
 */
#include <string.h>

#include <xen/errno.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/start_info.h"

struct call {
    const char *name;
    unsigned nr;
    uint64_t args[4]; /* POINTER marks the place */
    /* CONTROL: others get -EPERM, or what depends on there being a domain 0; HARMFUL: zeros are an order. */
    enum {
        ANYONE,
        CONTROL,
        HARMFUL
    } who;
};
#define POINTER 0xbadbadbadul

static const struct call calls[] = {
    {"set_trap_table", __HYPERVISOR_set_trap_table, {POINTER}, HARMFUL},
    {"mmu_update", __HYPERVISOR_mmu_update, {POINTER, 1, 0, DOMID_SELF}, ANYONE},
    {"mmu_update of two", __HYPERVISOR_mmu_update, {POINTER, 2, 0, DOMID_SELF}, ANYONE},
    {"mmu_update, count", __HYPERVISOR_mmu_update, {0, 0, POINTER, DOMID_SELF}, ANYONE},
    {"mmuext_op", __HYPERVISOR_mmuext_op, {POINTER, 1, 0, DOMID_SELF}, ANYONE},
    {"mmuext_op, count", __HYPERVISOR_mmuext_op, {0, 0, POINTER, DOMID_SELF}, ANYONE},
    {"set_gdt", __HYPERVISOR_set_gdt, {POINTER, 16}, ANYONE},
    {"multicall", __HYPERVISOR_multicall, {POINTER, 1}, HARMFUL},
    {"extraversion", __HYPERVISOR_xen_version, {XENVER_extraversion, POINTER}, ANYONE},
    {"compile_info", __HYPERVISOR_xen_version, {XENVER_compile_info, POINTER}, ANYONE},
    {"capabilities", __HYPERVISOR_xen_version, {XENVER_capabilities, POINTER}, ANYONE},
    {"changeset", __HYPERVISOR_xen_version, {XENVER_changeset, POINTER}, ANYONE},
    {"platform_parameters",
     __HYPERVISOR_xen_version,
     {XENVER_platform_parameters, POINTER},
     ANYONE},
    {"get_features", __HYPERVISOR_xen_version, {XENVER_get_features, POINTER}, ANYONE},
    {"guest_handle", __HYPERVISOR_xen_version, {XENVER_guest_handle, POINTER}, ANYONE},
    {"commandline", __HYPERVISOR_xen_version, {XENVER_commandline, POINTER}, ANYONE},
    {"console read", __HYPERVISOR_console_io, {CONSOLEIO_read, 16, POINTER}, CONTROL},
    {"console write", __HYPERVISOR_console_io, {CONSOLEIO_write, 16, POINTER}, HARMFUL},
    {"increase_reservation",
     __HYPERVISOR_memory_op,
     {XENMEM_increase_reservation, POINTER},
     ANYONE},
    {"decrease_reservation",
     __HYPERVISOR_memory_op,
     {XENMEM_decrease_reservation, POINTER},
     ANYONE},
    {"populate_physmap", __HYPERVISOR_memory_op, {XENMEM_populate_physmap, POINTER}, ANYONE},
    {"current_reservation", __HYPERVISOR_memory_op, {XENMEM_current_reservation, POINTER}, ANYONE},
    {"maximum_reservation", __HYPERVISOR_memory_op, {XENMEM_maximum_reservation, POINTER}, ANYONE},
    {"maximum_gpfn", __HYPERVISOR_memory_op, {XENMEM_maximum_gpfn, POINTER}, ANYONE},
    {"exchange", __HYPERVISOR_memory_op, {XENMEM_exchange, POINTER}, CONTROL},
    {"machphys_mapping", __HYPERVISOR_memory_op, {XENMEM_machphys_mapping, POINTER}, ANYONE},
    {"machphys_mfn_list", __HYPERVISOR_memory_op, {XENMEM_machphys_mfn_list, POINTER}, ANYONE},
    {"machine_memory_map", __HYPERVISOR_memory_op, {XENMEM_machine_memory_map, POINTER}, CONTROL},
    {"grant map", __HYPERVISOR_grant_table_op, {GNTTABOP_map_grant_ref, POINTER, 1}, ANYONE},
    {"grant unmap", __HYPERVISOR_grant_table_op, {GNTTABOP_unmap_grant_ref, POINTER, 1}, ANYONE},
    {"grant setup_table", __HYPERVISOR_grant_table_op, {GNTTABOP_setup_table, POINTER, 1}, ANYONE},
    {"grant copy", __HYPERVISOR_grant_table_op, {GNTTABOP_copy, POINTER, 1}, ANYONE},
    {"grant query_size", __HYPERVISOR_grant_table_op, {GNTTABOP_query_size, POINTER, 1}, ANYONE},
    {"grant set_version", __HYPERVISOR_grant_table_op, {GNTTABOP_set_version, POINTER, 1}, ANYONE},
    {"grant get_version", __HYPERVISOR_grant_table_op, {GNTTABOP_get_version, POINTER, 1}, ANYONE},
    {"vcpu initialise", __HYPERVISOR_vcpu_op, {VCPUOP_initialise, 0, POINTER}, ANYONE},
    {"vcpu runstate", __HYPERVISOR_vcpu_op, {VCPUOP_get_runstate_info, 0, POINTER}, ANYONE},
    {"vcpu runstate area",
     __HYPERVISOR_vcpu_op,
     {VCPUOP_register_runstate_memory_area, 0, POINTER},
     false},
    {"vcpu periodic timer", __HYPERVISOR_vcpu_op, {VCPUOP_set_periodic_timer, 0, POINTER}, ANYONE},
    {"vcpu singleshot timer",
     __HYPERVISOR_vcpu_op,
     {VCPUOP_set_singleshot_timer, 0, POINTER},
     false},
    {"vcpu info", __HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 0, POINTER}, ANYONE},
    {"vcpu time area",
     __HYPERVISOR_vcpu_op,
     {VCPUOP_register_vcpu_time_memory_area, 0, POINTER},
     false},
    {"sched poll", __HYPERVISOR_sched_op, {SCHEDOP_poll, POINTER}, HARMFUL},
    {"sched remote_shutdown", __HYPERVISOR_sched_op, {SCHEDOP_remote_shutdown, POINTER}, HARMFUL},
    {"callback register", __HYPERVISOR_callback_op, {CALLBACKOP_register, POINTER}, HARMFUL},
    {"callback unregister", __HYPERVISOR_callback_op, {CALLBACKOP_unregister, POINTER}, ANYONE},
    {"nmi register", __HYPERVISOR_nmi_op, {0, POINTER}, ANYONE},
    {"bind_interdomain",
     __HYPERVISOR_event_channel_op,
     {EVTCHNOP_bind_interdomain, POINTER},
     CONTROL},
    {"bind_virq", __HYPERVISOR_event_channel_op, {EVTCHNOP_bind_virq, POINTER}, ANYONE},
    {"event close", __HYPERVISOR_event_channel_op, {EVTCHNOP_close, POINTER}, ANYONE},
    {"event send", __HYPERVISOR_event_channel_op, {EVTCHNOP_send, POINTER}, ANYONE},
    {"event status", __HYPERVISOR_event_channel_op, {EVTCHNOP_status, POINTER}, ANYONE},
    {"alloc_unbound", __HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, POINTER}, ANYONE},
    {"bind_ipi", __HYPERVISOR_event_channel_op, {EVTCHNOP_bind_ipi, POINTER}, ANYONE},
    {"bind_vcpu", __HYPERVISOR_event_channel_op, {EVTCHNOP_bind_vcpu, POINTER}, ANYONE},
    {"event unmask", __HYPERVISOR_event_channel_op, {EVTCHNOP_unmask, POINTER}, ANYONE},
    {"event reset", __HYPERVISOR_event_channel_op, {EVTCHNOP_reset, POINTER}, HARMFUL},
    {"set_iopl", __HYPERVISOR_physdev_op, {PHYSDEVOP_set_iopl, POINTER}, ANYONE},
    {"set_iobitmap", __HYPERVISOR_physdev_op, {PHYSDEVOP_set_iobitmap, POINTER}, ANYONE},
    {"sysctl", __HYPERVISOR_sysctl, {POINTER}, CONTROL},
    {"domctl", __HYPERVISOR_domctl, {POINTER}, CONTROL},
};

static char *before_hole; /* a page of zeros; nothing is mapped behind it */
static char *read_only;   /* a page of zeros */

static void make_pages(void)
{
    before_hole = window_alloc(2);
    read_only = page_new();
    if (before_hole == NULL || map_page(before_hole, pfn_of_va(page_new()), MAP_W) != 0 ||
        map_protect(read_only, 1, MAP_R) != 0) {
        test_error("no pages");
    }
}

/* Numbers of pages are not the same everywhere, nor is there a domain 0 to be refused. */
static const char *answer(long rc)
{
    return rc > 0                                 ? "an answer"
           : rc == -XEN_ESRCH || rc == -XEN_EPERM ? "not my domain"
                                                  : test_rc(rc);
}

static long issue(const struct call *call, uint64_t pointer)
{
    uint64_t args[4];

    for (unsigned i = 0; i < ARRAY_SIZE(args); i++) {
        args[i] = call->args[i] == POINTER ? pointer : call->args[i];
    }
    memset(before_hole, 0, PAGE_SIZE);
    return hypercall_raw(call->nr, args[0], args[1], args[2], args[3], 0);
}

/* Places that no guest can use; the answers are one if they are all the same. */
static void nowhere(const struct call *call)
{
    static const uint64_t pointers[] = {
        ADDR_NOT_CANONICAL,         ADDR_GAP_TOP - 7, 0x8000000000000000ul, ADDR_HYPERVISOR,
        ADDR_HYPERVISOR + 0x200000, ADDR_HV_LAST,     0xffff82d040200000ul, ADDR_M2P,
    };
    uint64_t m2p = *(const volatile uint64_t *)ADDR_M2P;
    long first = issue(call, pointers[0]);
    unsigned different = 0;

    for (unsigned i = 1; i < ARRAY_SIZE(pointers); i++) {
        long rc = issue(call, pointers[i]);

        if (rc != first) {
            different++;
            test_note("%s at %lx: %s", call->name, pointers[i], test_rc(rc));
        }
    }
    if (different == 0) {
        test_note("%s where no guest may be: %s", call->name, test_rc(first));
    }
    test_must(*(const volatile uint64_t *)ADDR_M2P == m2p,
              "the machine-to-physical table is as it was");
}

/* Places that a guest might use, but not now. */
static void not_now(const struct call *call)
{
    long null = issue(call, 0);
    long one = issue(call, 1);
    long last = issue(call, ~0ul);
    long top = issue(call, ~0ul - 7);
    long unmapped = issue(call, HC_ARG(before_hole) + PAGE_SIZE);
    long crossing = issue(call, HC_ARG(before_hole) + PAGE_SIZE - 1);
    long late = issue(call, HC_ARG(before_hole) + PAGE_SIZE - 8);

    test_note("%s at 0: %s, 1: %s, the last bytes: %s, %s", call->name, test_rc(null), test_rc(one),
              test_rc(last), test_rc(top));
    test_note("%s unmapped: %s, crossing: %s, %s", call->name, test_rc(unmapped), test_rc(crossing),
              answer(late));
}

static void into_read_only(const struct call *call)
{
    long rc = issue(call, HC_ARG(read_only));

    test_note("%s in a read-only page: %s", call->name, answer(rc));
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        if (!test_must(read_only[i] == 0, "%s wrote to it", call->name)) {
            break;
        }
    }
}

void test_main(void)
{
    bool control = is_initial_domain();

    make_pages();
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        if ((calls[i].who == CONTROL || calls[i].nr == __HYPERVISOR_console_io) && !control) {
            continue;
        }
        nowhere(&calls[i]);
        if (calls[i].who != HARMFUL) {
            not_now(&calls[i]);
            into_read_only(&calls[i]);
        }
    }
    test_still_works();
}
