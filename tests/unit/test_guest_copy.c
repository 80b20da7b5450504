/* SPDX-License-Identifier: MIT */
/*
 * The range rules of guest copies: what is canonical, what is the hypervisor's, and every way to overflow. The primitive
 * below is a recorder: a span that reaches it must be the guest's to the last byte.
 * SOURCES: hypervisor/mm/guest_copy.c
 */
#include <check.h>
#include <stdlib.h>

#include "common/errno.h"
#include "mm/guest_copy.h"
#include "x86/uaccess.h"

static uint64_t seen_va, seen_bytes;
static unsigned int calls;

static size_t record(uint64_t va, size_t n)
{
    seen_va = va;
    seen_bytes = n;
    calls++;
    return va == 0x1000 ? 1 : 0; /* this page is not mapped */
}

size_t uaccess_read(void *dst, const void *guest_src, size_t n)
{
    (void)dst;
    return record((uint64_t)guest_src, n);
}

size_t uaccess_write(void *guest_dst, const void *src, size_t n)
{
    (void)src;
    return record((uint64_t)guest_dst, n);
}

/* By the address map alone: each byte on its own. */
static bool guest_byte(uint64_t va)
{
    return va < 0x0000800000000000ull || va >= 0xffff880000000000ull;
}

static const uint64_t edges[] = {0,
                                 0x1000,
                                 0x00007fffffffffffull,
                                 0x0000800000000000ull,
                                 0x8000000000000000ull,
                                 0xffff7fffffffffffull,
                                 0xffff800000000000ull,
                                 0xffff804000000000ull,
                                 0xffff87ffffffffffull,
                                 0xffff880000000000ull,
                                 0xffffffffffffffffull};

START_TEST(spans_around_every_edge)
{
    static const uint64_t lengths[] = {0, 1, 2, 8, 4095, 4096, 1ull << 40, 1ull << 47, ~0ull};
    unsigned int e, l;
    int d;

    for (e = 0; e < ARRAY_SIZE(edges); e++) {
        for (l = 0; l < ARRAY_SIZE(lengths); l++) {
            for (d = -9; d <= 9; d++) {
                uint64_t start = edges[e] + (uint64_t)d, n = lengths[l];
                bool wraps = n && start + (n - 1) < start;
                bool crosses =
                    start < 0x0000800000000000ull && n && start + (n - 1) >= 0x0000800000000000ull;
                bool want = !wraps && !crosses &&
                            (n ? guest_byte(start) && guest_byte(start + (n - 1)) : true);

                if (n) {
                    ck_assert_msg(guest_range_ok(gva_make(start), n) == want, "%llx + %llx",
                                  (unsigned long long)start, (unsigned long long)n);
                }
            }
        }
    }
}
END_TEST

START_TEST(nothing_else_reaches_the_primitive)
{
    char buf[64];
    unsigned int e;
    int d;

    for (e = 0; e < ARRAY_SIZE(edges); e++) {
        for (d = -70; d <= 9; d++) {
            uint64_t start = edges[e] + (uint64_t)d;

            calls = 0;
            (void)!guest_read(buf, gva_make(start), sizeof(buf));
            (void)!guest_write(gva_make(start), buf, sizeof(buf));
            if (calls) {
                ck_assert_uint_eq(calls, 2);
                ck_assert(guest_byte(seen_va) && guest_byte(seen_va + seen_bytes - 1));
                ck_assert_uint_ge(seen_va + seen_bytes - 1, seen_va);
            }
        }
    }
    ck_assert_int_eq(guest_read(buf, gva_make(0x1000), 8), -EFAULT);
    ck_assert_int_eq(guest_read(buf, gva_make(0x2000), 8), 0);
}
END_TEST

START_TEST(elements_do_not_overflow)
{
    char buf[64];

    calls = 0;
    ck_assert_int_eq(guest_read_elem(buf, gva_make(0x10000), 1ull << 60, 16), -EFAULT);
    ck_assert_int_eq(guest_read_elem(buf, gva_make(0x10000), ~0ull, 24), -EFAULT);
    ck_assert_int_eq(guest_read_elem(buf, gva_make(0xfffffffffffff000ull), 0x1000, 1), -EFAULT);
    ck_assert_int_eq(
        guest_write_elem(gva_make(0xffff880000000000ull), 0xffffffff00000000ull, buf, 1), -EFAULT);
    ck_assert_uint_eq(calls, 0);
    ck_assert_int_eq(guest_read_elem(buf, gva_make(0x10000), 3, 24), 0);
    ck_assert_uint_eq(seen_va, 0x10000 + 72);
    ck_assert(va_canonical(0x00007fffffffffffull) && va_canonical(0xffff800000000000ull));
    ck_assert(!va_canonical(0x0000800000000000ull) && !va_canonical(0xffff7fffffffffffull));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guest_copy");
    TCase *tc = tcase_create("ranges");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, spans_around_every_edge);
    tcase_add_test(tc, nothing_else_reaches_the_primitive);
    tcase_add_test(tc, elements_do_not_overflow);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
