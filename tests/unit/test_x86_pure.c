/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/x86/tsc_scale.c hypervisor/x86/extable.c hypervisor/debug/symtab.c hypervisor/debug/log_ring.c */
/* Small pure parts: time arithmetic, exception table, symbol table, log ring, rate limit. */
#include <check.h>
#include <string.h>
#include <time.h>

#include "debug/log_ring.h"
#include "debug/symtab.h"
#include "x86/extable.h"
#include "x86/tsc_scale.h"

START_TEST(scale_is_exact_enough)
{
    static const uint64_t rates[] = {1000,    24000,   999999,  1000000, 1000001,
                                     1999999, 2000000, 2445567, 3000000, 5200000};

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct tsc_scale s = tsc_scale_of_khz(rates[i]);
        uint64_t day = rates[i] * 1000 * 86400;
        uint64_t ns = tsc_scale_apply(&s, day);
        int64_t off = (int64_t)(ns - 86400000000000ull);

        ck_assert(s.mul_frac & 0x80000000u);
        ck_assert_int_lt(off < 0 ? -off : off, 200000); /* 0.2 ms a day */
        ck_assert_uint_eq(tsc_scale_apply(&s, 0), 0);
    }
}
END_TEST

START_TEST(scale_is_monotone)
{
    struct tsc_scale s = tsc_scale_of_khz(3700123);
    uint64_t last = 0;

    for (uint64_t t = 0; t < 1000000; t += 7) {
        uint64_t ns = tsc_scale_apply(&s, t);

        ck_assert_uint_ge(ns, last);
        last = ns;
    }
}
END_TEST

START_TEST(dates)
{
    ck_assert_uint_eq(seconds_of_date(1970, 1, 1, 0, 0, 0), 0);
    ck_assert_uint_eq(seconds_of_date(2000, 2, 29, 23, 59, 59), 951868799);
    ck_assert_uint_eq(seconds_of_date(2038, 1, 19, 3, 14, 8), 2147483648);
    for (uint64_t t = 0; t < 6000000000; t += 86400 * 13 + 3607) {
        time_t when = (time_t)t;
        struct tm tm;

        gmtime_r(&when, &tm);
        ck_assert_uint_eq(seconds_of_date((uint32_t)tm.tm_year + 1900, (uint32_t)tm.tm_mon + 1,
                                          (uint32_t)tm.tm_mday, (uint32_t)tm.tm_hour,
                                          (uint32_t)tm.tm_min, (uint32_t)tm.tm_sec),
                          t);
    }
}
END_TEST

START_TEST(exception_table)
{
    static const struct extable_entry rows[] = {{0x30, 1}, {0x10, 2}, {0x20, 3}};

    ck_assert_ptr_eq(extable_find(rows, rows + 3, 0x10), &rows[1]);
    ck_assert_ptr_eq(extable_find(rows, rows + 3, 0x20), &rows[2]);
    ck_assert_ptr_null(extable_find(rows, rows + 2, 0x20)); /* the end is exclusive */
    ck_assert_ptr_null(extable_find(rows, rows + 3, 0x11));
    ck_assert_ptr_null(extable_find(rows, rows, 0x30));
}
END_TEST

START_TEST(symbols)
{
    static const struct symtab_entry table[] = {{0x10, 0}, {0x20, 2}, {0x40, 4}};
    static const char names[] = "a\0b\0c";
    uint32_t offset = 0;

    ck_assert_ptr_null(symtab_find(table, 3, names, 0xf, &offset));
    ck_assert_str_eq(symtab_find(table, 3, names, 0x10, &offset), "a");
    ck_assert_uint_eq(offset, 0);
    ck_assert_str_eq(symtab_find(table, 3, names, 0x3f, &offset), "b");
    ck_assert_uint_eq(offset, 0x1f);
    ck_assert_str_eq(symtab_find(table, 3, names, 0xffffffff, &offset), "c");
    ck_assert_ptr_null(symtab_find(table, 0, names, 0x10, &offset));
}
END_TEST

static struct log_ring ring;

START_TEST(ring_reads)
{
    char buf[64];
    uint32_t index = 0;

    memset(&ring, 0, sizeof(ring));
    log_ring_put(&ring, "one\n", 4);
    ck_assert_uint_eq(log_ring_read(&ring, buf, sizeof(buf), &index, false, true), 4);
    ck_assert_mem_eq(buf, "one\n", 4);
    ck_assert_uint_eq(index, 4);
    ck_assert_uint_eq(log_ring_read(&ring, buf, sizeof(buf), &index, false, true), 0);
    log_ring_put(&ring, "two\n", 4);
    ck_assert_uint_eq(log_ring_read(&ring, buf, 2, &index, false, true), 2);
    ck_assert_mem_eq(buf, "tw", 2);
    ck_assert_uint_eq(log_ring_read(&ring, buf, sizeof(buf), &index, true, false),
                      8); /* from the start, and clear */
    ck_assert_uint_eq(log_ring_read(&ring, buf, sizeof(buf), &index, false, false), 0);
    index = 1000; /* from the future */
    ck_assert_uint_eq(log_ring_read(&ring, buf, sizeof(buf), &index, false, true), 0);
}
END_TEST

START_TEST(ring_forgets_the_oldest)
{
    static char buf[2 * LOG_RING_BYTES];
    uint32_t index = 0;
    char c = 0;

    memset(&ring, 0, sizeof(ring));
    ring.produced = ring.consumed = 0xffffff00; /* positions wrap */
    index = ring.produced;
    for (uint32_t i = 0; i < LOG_RING_BYTES + 100; i++) {
        c = (char)('a' + i % 26);
        log_ring_put(&ring, &c, 1);
    }
    ck_assert_uint_eq(log_ring_read(&ring, buf, sizeof(buf), &index, false, true), LOG_RING_BYTES);
    ck_assert_int_eq(buf[0], 'a' + 100 % 26);
    ck_assert_int_eq(buf[LOG_RING_BYTES - 1], c);
    ck_assert_uint_eq(index, ring.produced);
}
END_TEST

START_TEST(rate_limit)
{
    struct rate_limit b = {.tokens = 3, .last_ns = 1000};
    uint32_t dropped = 99;

    for (int i = 0; i < 3; i++) {
        ck_assert(rate_limit_pass(&b, 1000, 100, 3, &dropped));
        ck_assert_uint_eq(dropped, 0);
    }
    ck_assert(!rate_limit_pass(&b, 1000, 100, 3, &dropped));
    ck_assert(!rate_limit_pass(&b, 1099, 100, 3, &dropped));
    ck_assert(rate_limit_pass(&b, 1100, 100, 3, &dropped));
    ck_assert_uint_eq(dropped, 2);
    ck_assert(!rate_limit_pass(&b, 1199, 100, 3, &dropped));
    for (int i = 0; i < 3; i++) { /* never more than the burst, however long it was quiet */
        ck_assert(rate_limit_pass(&b, 1000000, 100, 3, &dropped));
    }
    ck_assert(!rate_limit_pass(&b, 1000000, 100, 3, &dropped));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("x86_pure");
    TCase *c = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_test(c, scale_is_exact_enough);
    tcase_add_test(c, scale_is_monotone);
    tcase_add_test(c, dates);
    tcase_add_test(c, exception_table);
    tcase_add_test(c, symbols);
    tcase_add_test(c, ring_reads);
    tcase_add_test(c, ring_forgets_the_oldest);
    tcase_add_test(c, rate_limit);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
