/* SPDX-License-Identifier: MIT */
/* SOURCES: common/format.c */
/*
 * format() against the C library's snprintf over many specifications and values, and its bounds: never a byte past the
 * buffer, always terminated, the untruncated length returned.
 */
#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/format.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-truncation"

static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-0", "+0", "-+", "#0"};
static const char *const widths[] = {"", "1", "8", "23", ".0", ".5", "12.7", "5.12"};

static void agree(const char *spec, uint64_t v, bool wide)
{
    char ours[128], libc[128];
    int a = wide ? format(ours, sizeof(ours), spec, v) : format(ours, sizeof(ours), spec, (unsigned int)v);
    int b = wide ? snprintf(libc, sizeof(libc), spec, v) : snprintf(libc, sizeof(libc), spec, (unsigned int)v);

    ck_assert_msg(a == b && strcmp(ours, libc) == 0, "%s: '%s' is not '%s'", spec, ours, libc);
}

START_TEST(integers)
{
    static const uint64_t values[] = {0, 1, 7, 9, 255, 4096, INT32_MAX, 0x80000000u, UINT32_MAX, INT64_MAX, UINT64_MAX};
    static const char *const conv[] = {"d", "u", "x", "X", "o", "ld", "lu", "lx", "hhd", "hu", "zx", "lld"};

    for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++) {
        for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
            for (size_t c = 0; c < sizeof(conv) / sizeof(*conv); c++) {
                for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
                    char spec[32];

                    if (strpbrk(flags[f], "0#") && conv[c][0] == 'o') {
                        continue; /* '#' with octal and precision: not used by the project */
                    }
                    snprintf(spec, sizeof(spec), "<%%%s%s%s>", flags[f], widths[w], conv[c]);
                    agree(spec, values[v], strpbrk(conv[c], "lz") != NULL);
                }
            }
        }
    }
}
END_TEST

START_TEST(strings_and_characters)
{
    char ours[64], libc[64];

    ck_assert_int_eq(format(ours, sizeof(ours), "%-8s|%8.3s|%c|%%|%.*s", "ab", "abcdef", 'z', 2, "xyz"),
                     snprintf(libc, sizeof(libc), "%-8s|%8.3s|%c|%%|%.*s", "ab", "abcdef", 'z', 2, "xyz"));
    ck_assert_str_eq(ours, libc);
}
END_TEST

START_TEST(bounds)
{
    char buf[8];

    memset(buf, 'Q', sizeof(buf));
    ck_assert_int_eq(format(buf, 4, "%s", "123456"), 6);
    ck_assert_str_eq(buf, "123");
    ck_assert_int_eq(buf[4], 'Q');
    ck_assert_int_eq(format(NULL, 0, "%d", 12345), 5);
    ck_assert_int_eq(format(buf, 1, "x"), 1);
    ck_assert_int_eq(buf[0], 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("format");
    TCase *t = tcase_create("against libc");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, integers);
    tcase_add_test(t, strings_and_characters);
    tcase_add_test(t, bounds);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
