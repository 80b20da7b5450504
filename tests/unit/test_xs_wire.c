/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/xenostored/wire.c */
/* Strings, paths, permissions and numbers as the xenstore protocol has them. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "xenostored/wire.h"

START_TEST(strings_end_with_zero)
{
    const char *words[2];

    ck_assert_uint_eq(xs_strings("", 0, words, 2), 0);
    ck_assert_uint_eq(xs_strings("abc", 3, words, 2), 0);
    ck_assert_uint_eq(xs_strings("abc", 4, words, 2), 1);
    ck_assert_uint_eq(xs_strings("a\0b\0c\0d", 7, words, 2), 3);
    ck_assert_str_eq(words[1], "b");
    ck_assert_uint_eq(xs_strings("\0\0", 2, words, 2), 2);
    ck_assert_ptr_null(xs_one_string("", 0));
    ck_assert_ptr_null(xs_one_string("ab", 2));
    ck_assert_ptr_null(xs_one_string("a\0b", 4));
    ck_assert_str_eq(xs_one_string("ab", 3), "ab");
    ck_assert_str_eq(xs_one_string("", 1), "");
}
END_TEST

START_TEST(paths)
{
    static const char *const good[] = {"/", "/a", "/a/b", "/local/domain/0/a-b_c@d", "/A/0"};
    static const char *const bad[] = {"",     "a",      "//",  "/a/", "/a//b", "/a b",
                                      "/a.b", "/a\x80", "/a|", "@x",  "/\n"};
    char path[3200];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ck_assert_msg(xs_path_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!xs_path_valid(bad[i]), "%s", bad[i]);
    }
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[2048] = 0;
    ck_assert(xs_path_valid(path));
    path[2048] = 'x';
    path[2049] = 0;
    ck_assert(!xs_path_valid(path));
    /* Below a domain's directory the limit counts from there. */
    memcpy(path, "/local/domain/17/", 17);
    path[2049] = 'x';
    path[17 + 2048] = 0;
    ck_assert(xs_path_valid(path));
    path[17 + 2048] = 'x';
    path[17 + 2049] = 0;
    ck_assert(!xs_path_valid(path));
}
END_TEST

START_TEST(parents)
{
    ck_assert_uint_eq(xs_path_parent("/"), 1);
    ck_assert_uint_eq(xs_path_parent("/a"), 1);
    ck_assert_uint_eq(xs_path_parent("/a/b"), 2);
    ck_assert_uint_eq(xs_path_parent("/abc/def/g"), 8);
}
END_TEST

START_TEST(permissions)
{
    static const char *const bad[] = {"",    "r",      "x1",     "r-1", "r1x",
                                      "r 1", "r99999", "r32752", "R1",  "r1 "};
    struct xs_perm perm;
    char text[XS_PERM_TEXT];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!xs_perm_parse(bad[i], &perm), "%s", bad[i]);
    }
    for (unsigned int i = 0; i < 4; i++) {
        char want[XS_PERM_TEXT] = "n32751";

        want[0] = "nrwb"[i];
        ck_assert(xs_perm_parse(want, &perm));
        ck_assert_uint_eq(perm.bits, i);
        ck_assert_uint_eq(perm.domid, 32751);
        ck_assert_uint_eq(xs_perm_print(perm, text), 7);
        ck_assert_str_eq(text, want);
    }
}
END_TEST

START_TEST(numbers)
{
    int64_t number = 0;
    uint16_t domid = 0;

    ck_assert(xs_number_parse("-1", &number) && number == -1);
    ck_assert(xs_number_parse("0x10", &number) && number == 16);
    ck_assert(xs_number_parse("9223372036854775807", &number) && number == INT64_MAX);
    ck_assert(!xs_number_parse("9223372036854775808", &number));
    ck_assert(!xs_number_parse("99999999999999999999999", &number));
    ck_assert(!xs_number_parse("", &number) && !xs_number_parse("-", &number) &&
              !xs_number_parse("+1", &number));
    ck_assert(!xs_number_parse("1 ", &number) && !xs_number_parse(" 1", &number));
    ck_assert(xs_domid_parse("32751", &domid) && domid == 32751);
    ck_assert(!xs_domid_parse("32752", &domid) && !xs_domid_parse("-0x1", &domid));
}
END_TEST

START_TEST(errors)
{
    ck_assert_str_eq(xs_error_name(ENOENT), "ENOENT");
    ck_assert_str_eq(xs_error_name(EAGAIN), "EAGAIN");
    ck_assert_str_eq(xs_error_name(ENETDOWN), "EINVAL");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xs_wire");
    TCase *tc = tcase_create("wire");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, strings_end_with_zero);
    tcase_add_test(tc, paths);
    tcase_add_test(tc, parents);
    tcase_add_test(tc, permissions);
    tcase_add_test(tc, numbers);
    tcase_add_test(tc, errors);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
