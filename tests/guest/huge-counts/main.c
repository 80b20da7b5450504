/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * BESIDE: yes
 * Lists that are longer than anything: the count is the largest that fits, or one whose product with an element's size wraps
 * around 64 bits or 32, the list is a page and then nothing. What the ABI bounds must be refused before anything happens; what it
 * does not bound must end at the first element that cannot be read (XSA-29, 231, 327 and others believed such counts).
 */
#include <string.h>

#include <xen/errno.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/xen.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"

/* The largest, those with the sign of their width, and those that make count * size small again: sizes are 8, 16, 24, 32, 64. */
static const uint64_t counts[] = {
    0xffffffff, 0x7fffffff, 0x80000000, 0x80000001, 0x10000001, 0x08000001, 0x04000001, 0x20000001, ~0ul, 1ul << 61, (1ul << 60) + 1,
};

static char *list; /* a page of zeros; nothing is mapped behind it */

/* How many elements were done before the end of the page is not the same everywhere. */
static const char *answer(long rc)
{
    return rc >= 0 ? "an answer" : test_rc(rc);
}

static void with_counts(const char *what, unsigned nr, const uint64_t args[4], unsigned count_at)
{
    const char *last = "";

    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        uint64_t a[4];
        const char *now;

        memcpy(a, args, sizeof(a));
        a[count_at] = counts[i];
        memset(list, 0, PAGE_SIZE);
        now = answer(hypercall_raw(nr, a[0], a[1], a[2], a[3], 0));
        if (i == 0 || strcmp(now, last) != 0) {
            test_note("%s, from %lx on: %s", what, counts[i], now);
        }
        last = now;
    }
}

static void lists(void)
{
    const uint64_t at = HC_ARG(list);

    with_counts("mmu_update", __HYPERVISOR_mmu_update, (uint64_t[4]){at, 0, 0, DOMID_SELF}, 1);
    with_counts("mmuext_op", __HYPERVISOR_mmuext_op, (uint64_t[4]){at, 0, 0, DOMID_SELF}, 1);
    with_counts("set_gdt", __HYPERVISOR_set_gdt, (uint64_t[4]){at}, 1);
    with_counts("grant map", __HYPERVISOR_grant_table_op, (uint64_t[4]){GNTTABOP_map_grant_ref, at}, 2);
    with_counts("grant unmap", __HYPERVISOR_grant_table_op, (uint64_t[4]){GNTTABOP_unmap_grant_ref, at}, 2);
    with_counts("grant copy", __HYPERVISOR_grant_table_op, (uint64_t[4]){GNTTABOP_copy, at}, 2);
    with_counts("grant query_size", __HYPERVISOR_grant_table_op, (uint64_t[4]){GNTTABOP_query_size, at}, 2);
}

/* Counts and orders that lie in a structure. */
static void reservations(void)
{
    static const struct {
        const char *name;
        unsigned cmd;
    } calls[] = {
        {"increase_reservation", XENMEM_increase_reservation},
        {"decrease_reservation", XENMEM_decrease_reservation},
        {"populate_physmap", XENMEM_populate_physmap},
    };
    static const unsigned orders[] = {0, 9, 20, 31, 32, 63, 64, 255, 0xffffffff};

    for (unsigned c = 0; c < ARRAY_SIZE(calls); c++) {
        for (unsigned o = 0; o < ARRAY_SIZE(orders); o++) {
            struct xen_memory_reservation r = {.nr_extents = ~0ul, .extent_order = orders[o], .domid = DOMID_SELF};
            long rc;

            memset(list, 0xff, PAGE_SIZE); /* frames that are nowhere */
            set_xen_guest_handle(r.extent_start, (xen_pfn_t *)list);
            rc = hc_memory_op(calls[c].cmd, &r);
            test_must(rc <= 0, "%s of endless extents of order %u did %ld", calls[c].name, orders[o], rc);
        }
        test_note("%s of endless extents of any order: none", calls[c].name);
    }
}

static void exchanges(void)
{
    static const struct {
        const char *name;
        uint64_t in, out;
        unsigned in_order, out_order;
    } calls[] = {
        {"more than there is", ~0ul, ~0ul, 0, 0},
        {"a product that wraps", 1ul << 55, 0, 9, 0},
        {"orders beyond a word", 1, 1, 64, 64},
        {"sides that differ", 2, 1, 0, 0},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        struct xen_memory_exchange x = {
            .in = {.nr_extents = calls[i].in, .extent_order = calls[i].in_order, .domid = DOMID_SELF},
            .out = {.nr_extents = calls[i].out, .extent_order = calls[i].out_order, .domid = DOMID_SELF},
        };
        long rc;

        memset(list, 0xff, PAGE_SIZE);
        set_xen_guest_handle(x.in.extent_start, (xen_pfn_t *)list);
        set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)list);
        rc = hc_memory_op(XENMEM_exchange, &x);
        test_check(rc < 0 && x.nr_exchanged == 0, "an exchange of %s is refused", calls[i].name);
    }
}

static void others(void)
{
    struct sched_poll poll = {.nr_ports = 0xffffffff, .timeout = 1};
    struct xen_memory_map map = {.nr_entries = 0xffffffff};

    set_xen_guest_handle(poll.ports, (evtchn_port_t *)list);
    test_note("poll of all ports that a number can count: %s", test_rc(hc_sched_op(SCHEDOP_poll, &poll)));
    set_xen_guest_handle(map.buffer, list + PAGE_SIZE);
    test_check(hc_memory_op(XENMEM_memory_map, &map) < 0, "a memory map into nothing is refused");
    test_note("multicall of the largest list: %s",
              test_rc(hypercall_raw(__HYPERVISOR_multicall, HC_ARG(list), 0xffffffff, 0, 0, 0)));
}

void test_main(void)
{
    list = window_alloc(2);
    if (list == NULL || map_page(list, pfn_of_va(page_new()), MAP_W) != 0) {
        test_error("no page");
    }
    lists();
    reservations();
    exchanges();
    others();
    test_still_works();
}
