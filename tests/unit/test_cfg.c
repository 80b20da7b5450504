/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/cfg/cfg.c common/format.c */
/* DEFINES: malloc=test_malloc calloc=test_calloc */
/*
 * The xl.cfg grammar: what is accepted and what it means, every error with its line number, the bounds, and memory that
 * runs out at each allocation in turn. Texts lie in memory of exactly their size; ASan and its leak check do the rest.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/compiler.h"
#include "libxeno/cfg/cfg.h"

#undef malloc
#undef calloc
void *malloc(size_t n); /* <stdlib.h> has declared those below instead */
void *calloc(size_t n, size_t size);

static struct cfg c;
static char err[200];
static size_t fail_at; /* allocation that fails, from 1; 0: none */
static size_t allocated; /* bytes ever */

static bool allowed(size_t bytes)
{
    allocated += bytes;
    return fail_at == 0 || --fail_at != 0;
}

void *test_malloc(size_t n)
{
    return allowed(n) ? malloc(n) : NULL;
}

void *test_calloc(size_t n, size_t size)
{
    return allowed(n * size) ? calloc(n, size) : NULL;
}

static int parse_bytes(const char *text, size_t size)
{
    char *exact = malloc(size ? size : 1);
    int rc;

    memcpy(exact, text, size);
    strcpy(err, "untouched");
    rc = cfg_parse(&c, "f", exact, size, err, sizeof(err));
    free(exact);
    if (rc) {
        ck_assert_ptr_null(c.pairs);
        ck_assert_ptr_null(strchr(err, '\n'));
    }
    return rc;
}

static void good(const char *text)
{
    int rc = parse_bytes(text, strlen(text));

    ck_assert_msg(rc == 0, "%s: %s", text, err);
}

static const struct cfg_value *value(const char *key)
{
    const struct cfg_pair *p = cfg_find(&c, key);

    ck_assert_msg(p != NULL, "no %s", key);
    return p->value;
}

static void is_string(const char *key, const char *text)
{
    ck_assert_int_eq(value(key)->type, CFG_STRING);
    ck_assert_str_eq(value(key)->text, text);
}

static void is_number(const char *key, int64_t n)
{
    ck_assert_int_eq(value(key)->type, CFG_NUMBER);
    ck_assert_int_eq(value(key)->number, n);
}

START_TEST(pairs_and_what_is_between_them)
{
    good("# a comment\n\n  a = 1 ; b=2;;c\t=\t3 # behind\r\n d.e_9 = 'x';\n\n#");
    is_number("a", 1);
    is_number("b", 2);
    is_number("c", 3);
    is_string("d.e_9", "x");
    ck_assert_ptr_null(cfg_find(&c, "d"));
    cfg_free(&c);
    good("");
    ck_assert_ptr_null(c.pairs);
    good("# no newline at its end");
    good(" \t\r\n;;\n;");
    ck_assert_ptr_null(c.pairs);
    good("a=1\na='second'");
    is_string("a", "second");
    ck_assert_ptr_null(c.pairs->next);
    ck_assert_uint_eq(c.pairs->line, 2);
    cfg_free(&c);
}
END_TEST

START_TEST(numbers)
{
    good("a=0; b=0x1F; c=017; d=-5; e=9223372036854775807; f=0xffff; g=-0X10; h=007; i=00");
    is_number("a", 0);
    is_number("b", 31);
    is_number("c", 15);
    is_number("d", -5);
    is_number("e", INT64_MAX);
    is_number("f", 65535);
    is_number("g", -16);
    is_number("h", 7);
    is_number("i", 0);
    ck_assert_str_eq(value("b")->text, "0x1F"); /* the source text, for keys that take both */
    ck_assert_str_eq(value("g")->text, "-0X10");
    cfg_free(&c);
}
END_TEST

START_TEST(strings)
{
    good("a='it\\'s'; b=\"say \\\"x\\\"\"; c='\\\\ \\n\\t\\r\\a\\b\\f\\v'; d=''; e=\"'#;,[]=\"; f='\xc3\xa4'");
    is_string("a", "it's");
    is_string("b", "say \"x\"");
    is_string("c", "\\ \n\t\r\a\b\f\v");
    is_string("d", "");
    is_string("e", "'#;,[]=");
    is_string("f", "\xc3\xa4");
    cfg_free(&c);
}
END_TEST

START_TEST(lists)
{
    const struct cfg_value *v;

    good("a=[]; b = [ 'x' , 2,\n # inside\n [ 'y', ] , ]; c=[[[[1]]],]");
    ck_assert_int_eq(value("a")->type, CFG_LIST);
    ck_assert_ptr_null(value("a")->items);
    v = value("b")->items;
    ck_assert_str_eq(v->text, "x");
    v = v->next;
    ck_assert_int_eq(v->number, 2);
    v = v->next;
    ck_assert_int_eq(v->type, CFG_LIST);
    ck_assert_str_eq(v->items->text, "y");
    ck_assert_ptr_null(v->items->next);
    ck_assert_ptr_null(v->next);
    ck_assert_int_eq(value("c")->items->items->items->items->number, 1);
    cfg_free(&c);
}
END_TEST

START_TEST(plus_adds_and_equals_replaces)
{
    good("a='x'; a+='y'; a += 'z'; b=[1]; b+=[2,3]; b+=[]; c+='new'; d=[1]; d=['one']; e+=5");
    is_string("a", "xyz");
    ck_assert_int_eq(value("b")->items->next->next->number, 3);
    ck_assert_ptr_null(value("b")->items->next->next->next);
    is_string("c", "new");
    ck_assert_str_eq(value("d")->items->text, "one");
    is_number("e", 5);
    cfg_free(&c);
}
END_TEST

START_TEST(later_texts_override)
{
    good("a=1\nb='x'");
    ck_assert_int_eq(cfg_parse_more(&c, "command line", "a=2", 3, err, sizeof(err)), 0);
    ck_assert_int_eq(cfg_parse_more(&c, "command line", "b+='y'", 6, err, sizeof(err)), 0);
    is_number("a", 2);
    is_string("b", "xy");
    ck_assert_int_eq(cfg_parse_more(&c, "command line", "a=", 2, err, sizeof(err)), -1);
    ck_assert_ptr_nonnull(strstr(err, "command line:1: "));
    is_number("a", 2); /* what was there stays */
    cfg_free(&c);
}
END_TEST

START_TEST(asking_marks_as_used)
{
    good("a=1;b=2");
    ck_assert(!c.pairs->used && !c.pairs->next->used);
    cfg_find(&c, "b");
    ck_assert(!c.pairs->used && c.pairs->next->used);
    cfg_free(&c);
}
END_TEST

static const struct {
    const char *text, *wanted;
} errors[] = {
    {"import os", "f:1: expected = behind a key; Python"},
    {"\n\ndef f(x):\n", "f:3: expected = behind a key; Python"},
    {"A = 1", "f:1: expected KEY=VALUE"},
    {"1 = 1", "f:1: expected KEY=VALUE"},
    {"= 1", "f:1: expected KEY=VALUE"},
    {"a", "f:1: expected ="},
    {"a +", "f:1: expected ="},
    {"a + = 1", "f:1: expected ="},
    {"a # b = 1\n=2", "f:1: expected ="},
    {"a\n= 1", "f:1: expected ="},
    {"a=", "f:1: a value is a number"},
    {"a=\n1", "f:1: a value is a number"},
    {"a=word", "f:1: a value is a number, a string in quotes or a list in brackets: put quotes"},
    {"a=-", "f:1: a value is a number"},
    {"a=-x", "f:1: a value is a number"},
    {"a=0x", "f:1: a value is a number"},
    {"a=0xg", "f:1: a value is a number"},
    {"a=+1", "f:1: a value is a number"},
    {"a=,", "f:1: a value is a number"},
    {"a=08", "f:1: a number that begins with 0 is octal"},
    {"a=512MB", "f:1: letters behind a number"},
    {"a=12k", "f:1: letters behind a number"},
    {"a=1_000", "f:1: something follows a value"},
    {"a=9223372036854775808", "f:1: the number is too large"},
    {"a=-9223372036854775808", "f:1: the number is too large"},
    {"a=0x8000000000000000", "f:1: the number is too large"},
    {"a=99999999999999999999999999", "f:1: the number is too large"},
    {"a=1 b=2", "f:1: something follows a value"},
    {"a=1\nb='x' 'y'", "f:2: something follows a value"},
    {"a='x'y", "f:1: something follows a value"},
    {"a=[1]]", "f:1: something follows a value"},
    {"a='x", "f:1: a string is not closed"},
    {"a='", "f:1: a string is not closed"},
    {"a='x\\", "f:1: a string is not closed"},
    {"a='x\\'", "f:1: a string is not closed"},
    {"a=\"x'", "f:1: a string is not closed"},
    {"\n\na='x\n'", "f:3: a string does not end on its line"},
    {"a='x\\\n'", "f:1: unknown \\ escape"},
    {"a='\\q'", "f:1: unknown \\ escape"},
    {"a='\\0'", "f:1: unknown \\ escape"},
    {"a=[", "f:1: a list is not closed"},
    {"a=[\n1,\n2\n", "f:4: a list is not closed"},
    {"a=[1,", "f:1: a list is not closed"},
    {"a=[[1]", "f:1: a list is not closed"},
    {"a=[1 2]", "f:1: expected , or ]"},
    {"a=[\n'x'\n;]", "f:3: expected , or ]"},
    {"a=[,]", "f:1: a value is a number"},
    {"a=[1,,2]", "f:1: a value is a number"},
    {"a=[[[[[1]]]]]", "f:1: lists are nested too deeply"},
    {"a=1; a+=1", "f:1: += needs two strings or two lists"},
    {"a='x'\na+=[1]", "f:2: += needs two strings or two lists"},
    {"a=[1]\n\na+='x'", "f:3: += needs two strings or two lists"},
};

START_TEST(every_error_names_its_line)
{
    int rc = parse_bytes(errors[_i].text, strlen(errors[_i].text));

    ck_assert_int_eq(rc, -1);
    ck_assert_msg(strncmp(err, errors[_i].wanted, strlen(errors[_i].wanted)) == 0, "'%s': '%s' does not begin with '%s'",
                  errors[_i].text, err, errors[_i].wanted);
}
END_TEST

START_TEST(zero_bytes_are_errors)
{
    ck_assert_int_eq(parse_bytes("a='x\0y'", 7), -1);
    ck_assert_ptr_nonnull(strstr(err, "a NUL byte in a string"));
    ck_assert_int_eq(parse_bytes("a='\\\0'", 6), -1);
    ck_assert_int_eq(parse_bytes("\0", 1), -1);
    ck_assert_int_eq(parse_bytes("a=1\0", 4), -1);
    ck_assert_int_eq(parse_bytes("a\0=1", 4), -1);
}
END_TEST

START_TEST(size_is_bounded)
{
    char *big = malloc(CFG_MAX_BYTES + 1);

    memset(big, '\n', CFG_MAX_BYTES + 1);
    ck_assert_int_eq(parse_bytes(big, CFG_MAX_BYTES), 0);
    ck_assert_int_eq(parse_bytes(big, CFG_MAX_BYTES + 1), -1);
    ck_assert_ptr_nonnull(strstr(err, "larger than 64 KiB"));
    free(big);
}
END_TEST

/* Memory goes with the text: each of many short strings takes its own length, not the rest of the file's. */
START_TEST(memory_is_bounded)
{
    char *big = malloc(CFG_MAX_BYTES);
    size_t n = 0;

    n += (size_t)sprintf(big, "a=[");
    while (n < CFG_MAX_BYTES - 8) {
        n += (size_t)sprintf(big + n, "'',");
    }
    n += (size_t)sprintf(big + n, "]");
    allocated = 0;
    ck_assert_int_eq(parse_bytes(big, n), 0);
    ck_assert_uint_lt(allocated, 64 * CFG_MAX_BYTES);
    cfg_free(&c);
    free(big);
}
END_TEST

static const char everything[] = "a='x'; a+='y'; b=[1,['z']]; b+=[2]; c=0x5; d+=[]; a='w'\n";

START_TEST(memory_that_runs_out)
{
    size_t n;

    for (n = 1;; n++) {
        fail_at = n;
        if (parse_bytes(everything, sizeof(everything) - 1) == 0) {
            break;
        }
        ck_assert_str_eq(err, "f:1: out of memory");
        ck_assert_uint_eq(fail_at, 0);
    }
    ck_assert_uint_gt(n, 20);
    fail_at = 0;
    cfg_free(&c);
}
END_TEST

START_TEST(cut_and_bent_texts_do_no_harm)
{
    static const char others[] = "\0'\"[]=+\\#;,\n\xff";
    char text[sizeof(everything)];

    memcpy(text, everything, sizeof(text));
    for (size_t at = 0; at < sizeof(everything) - 1; at++) {
        if (parse_bytes(text, at) == 0) {
            cfg_free(&c);
        }
        for (size_t i = 0; i < sizeof(others); i++) {
            text[at] = others[i];
            if (parse_bytes(text, sizeof(text) - 1) == 0) {
                cfg_free(&c);
            }
        }
        text[at] = everything[at];
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cfg");
    TCase *t = tcase_create("grammar");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, pairs_and_what_is_between_them);
    tcase_add_test(t, numbers);
    tcase_add_test(t, strings);
    tcase_add_test(t, lists);
    tcase_add_test(t, plus_adds_and_equals_replaces);
    tcase_add_test(t, later_texts_override);
    tcase_add_test(t, asking_marks_as_used);
    tcase_add_loop_test(t, every_error_names_its_line, 0, (int)ARRAY_SIZE(errors));
    tcase_add_test(t, zero_bytes_are_errors);
    tcase_add_test(t, size_is_bounded);
    tcase_add_test(t, memory_is_bounded);
    tcase_add_test(t, memory_that_runs_out);
    tcase_add_test(t, cut_and_bent_texts_do_no_harm);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
