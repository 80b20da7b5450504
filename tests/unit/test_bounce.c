/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/linux/bounce.c */
/*
 * Hypercall arguments through an arena: what the hypervisor sees lies in the arena alone, what it writes reaches the caller,
 * the caller's own pointers stay, and what does not fit or is unknown is refused before anything is called.
 */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/xenolith.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "libxeno/linux/bounce.h"

#define ARENA 16384u

static _Alignas(16) uint8_t arena[ARENA];
static struct bounce b;

static void setup(void)
{
    memset(arena, 0x5a, sizeof(arena));
    b = (struct bounce){.arena = arena, .size = sizeof(arena)};
}

static uint64_t u64(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

static bool in_arena(uint64_t p, size_t n)
{
    return p >= u64(arena) && p + n <= u64(arena) + sizeof(arena);
}

START_TEST(structures_go_both_ways)
{
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domain = 7};
    uint64_t arg[4] = {u64(&op)};
    struct xen_domctl *seen;

    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_domctl, arg), 0);
    ck_assert(in_arena(arg[0], sizeof(op)));
    seen = (void *)(uintptr_t)arg[0];
    ck_assert_uint_eq(seen->domain, 7);
    seen->domain = 9;
    seen->u.getdomaininfo.tot_pages = 4711;
    ck_assert_uint_eq(op.domain, 7);
    bounce_out(&b);
    ck_assert_uint_eq(op.domain, 9);
    ck_assert_uint_eq(op.u.getdomaininfo.tot_pages, 4711);
}
END_TEST

START_TEST(buffers_inside_structures)
{
    xen_domctl_getdomaininfo_t list[3] = {{.domain = 1}};
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_getdomaininfolist,
                            .u.getdomaininfolist = {.max_domains = 3}};
    uint64_t arg[4] = {u64(&op)}, inner;
    struct xen_sysctl *seen;

    set_xen_guest_handle(op.u.getdomaininfolist.buffer, list);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_sysctl, arg), 0);
    seen = (void *)(uintptr_t)arg[0];
    memcpy(&inner, &seen->u.getdomaininfolist.buffer, sizeof(inner));
    ck_assert(in_arena(inner, sizeof(list)) && inner >= arg[0] + sizeof(op));
    ((xen_domctl_getdomaininfo_t *)(uintptr_t)inner)[2].domain = 42;
    seen->u.getdomaininfolist.num_domains = 3;
    bounce_out(&b);
    ck_assert_uint_eq(list[2].domain, 42);
    ck_assert_uint_eq(op.u.getdomaininfolist.num_domains, 3);
    memcpy(&inner, &op.u.getdomaininfolist.buffer, sizeof(inner));
    ck_assert_uint_eq(inner, u64(list));
}
END_TEST

START_TEST(two_bitmaps)
{
    uint8_t hard[8] = {0xff}, soft[2] = {1, 2};
    struct xen_domctl op = {.cmd = XEN_DOMCTL_setvcpuaffinity};
    uint64_t arg[4] = {u64(&op)};

    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, hard);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, soft);
    op.u.vcpuaffinity.cpumap_soft.nr_bits = 9;
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_domctl, arg), 0);
    ck_assert_uint_eq(b.nr_handles, 2);
    ck_assert_uint_eq(b.item[2].n, 2);
    b.item[2].copy = memset(b.item[2].copy, 7, 2);
    bounce_out(&b);
    ck_assert_uint_eq(soft[1], 7);
    ck_assert_uint_eq(hard[0], 0xff);
}
END_TEST

/* Arrays and strings that are only read may lie in read-only memory: nothing is written back. */
START_TEST(what_is_only_read_is_not_written)
{
    static const char keys[] = "hq";
    static const struct mmuext_op u[2] = {{.cmd = MMUEXT_PIN_L4_TABLE}, {.cmd = MMUEXT_UNPIN_TABLE}};
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_debug_keys, .u.debug_keys.nr_keys = 2};
    uint64_t arg[4] = {u64(&op)}, arg2[4] = {u64(u), 2, 0, 5};
    const char *p = keys;

    memcpy(&op.u.debug_keys.keys, &p, sizeof(p));
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_sysctl, arg), 0);
    bounce_out(&b);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_mmuext_op, arg2), 0);
    ck_assert(in_arena(arg2[0], sizeof(u)));
    ck_assert_uint_eq(arg2[1], 2);
    bounce_out(&b);
}
END_TEST

START_TEST(counters_of_ours)
{
    xenolith_counter_t k[4];
    struct xenolith_sysctl_counters c = {.nr = 4}, back;
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_xenolith_counters};
    uint64_t arg[4] = {u64(&op)};

    memset(k, 0, sizeof(k));
    set_xen_guest_handle(c.buffer, k);
    memcpy(op.u.pad, &c, sizeof(c));
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_sysctl, arg), 0);
    ((xenolith_counter_t *)b.item[1].copy)[3].count = 5;
    bounce_out(&b);
    memcpy(&back, op.u.pad, sizeof(back));
    ck_assert_uint_eq(k[3].count, 5);
    ck_assert_mem_eq(&back.buffer, &c.buffer, sizeof(back.buffer));
}
END_TEST

START_TEST(null_stays_null)
{
    uint64_t arg[4] = {XENVER_version, 0};
    struct xen_domctl op = {.cmd = XEN_DOMCTL_setvcpucontext};
    uint64_t arg2[4] = {u64(&op)};

    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_xen_version, arg), 0);
    ck_assert_uint_eq(arg[1], 0);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_domctl, arg2),
                     0); /* a null context takes a vCPU offline */
    ck_assert_uint_eq(b.nr_items, 1);
}
END_TEST

START_TEST(too_large_is_refused)
{
    struct xen_memory_reservation r = {.nr_extents = ARENA};
    static xen_pfn_t frames[1];
    uint64_t arg[4] = {XENMEM_populate_physmap, u64(&r)};
    struct mmuext_op ops[1];
    uint64_t arg2[4] = {u64(ops), UINT64_MAX / 2};

    set_xen_guest_handle(r.extent_start, frames);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_memory_op, arg), -ENOBUFS);
    r.nr_extents = UINT64_MAX;
    arg[1] = u64(&r);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_memory_op, arg), -ENOBUFS);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_mmuext_op, arg2), -ENOBUFS);
    b.size = 64;
    arg[0] = u64(&r);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_domctl, arg), -ENOBUFS);
}
END_TEST

START_TEST(unknown_calls_are_refused)
{
    static const struct {
        unsigned int nr;
        uint64_t cmd;
    } calls[] = {{__HYPERVISOR_iret, 0},
                 {__HYPERVISOR_memory_op, XENMEM_exchange},
                 {__HYPERVISOR_sched_op, SCHEDOP_yield},
                 {__HYPERVISOR_xen_version, 99},
                 {__HYPERVISOR_event_channel_op, 99},
                 {__HYPERVISOR_event_channel_op, EVTCHNOP_reset}};

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        uint64_t arg[4] = {calls[i].cmd, u64(arena)};

        ck_assert_int_eq(bounce_in(&b, calls[i].nr, arg), -ENOSYS);
    }
}
END_TEST

START_TEST(small_calls)
{
    struct evtchn_alloc_unbound a = {.dom = 3};
    struct sched_remote_shutdown s = {.domain_id = 4};
    uint64_t arg[4] = {EVTCHNOP_alloc_unbound, u64(&a)},
             arg2[4] = {SCHEDOP_remote_shutdown, u64(&s)};

    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_event_channel_op, arg), 0);
    ((struct evtchn_alloc_unbound *)(uintptr_t)arg[1])->port = 12;
    bounce_out(&b);
    ck_assert_uint_eq(a.port, 12);
    ck_assert_int_eq(bounce_in(&b, __HYPERVISOR_sched_op, arg2), 0);
    ck_assert_uint_eq(((struct sched_remote_shutdown *)(uintptr_t)arg2[1])->domain_id, 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bounce");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, structures_go_both_ways);
    tcase_add_test(t, buffers_inside_structures);
    tcase_add_test(t, two_bitmaps);
    tcase_add_test(t, what_is_only_read_is_not_written);
    tcase_add_test(t, counters_of_ours);
    tcase_add_test(t, null_stays_null);
    tcase_add_test(t, too_large_is_refused);
    tcase_add_test(t, unknown_calls_are_refused);
    tcase_add_test(t, small_calls);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
