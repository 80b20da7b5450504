/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/xeno/linux/heap.c */
/* DEFINES: malloc=heap_malloc free=heap_free calloc=heap_calloc realloc=heap_realloc */
/*
 * The heap of xeno: random pieces of all sizes, each filled with a pattern of its own, which must be there until it is freed; what is
 * freed must be found again, so that a program which takes and gives for ever does not grow.
 */
#include <check.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PIECES 300u
#define LARGE  131072u

static struct piece {
    unsigned char *at;
    size_t size;
    unsigned char mark;
} pieces[PIECES];

static uint32_t state = 1;

static uint32_t next(uint32_t below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

static void fill(struct piece *p)
{
    p->mark = (unsigned char)next(256);
    memset(p->at, p->mark, p->size);
}

static void check(const struct piece *p, size_t n)
{
    size_t i = 0;

    while (i < n && p->at[i] == p->mark) {
        i++;
    }
    ck_assert_uint_eq(i, n);
}

static size_t any_size(void)
{
    return next(50) == 0 ? LARGE - 100 + next(100000) : next(8) == 0 ? next(9000) : next(200);
}

static void step(struct piece *p)
{
    size_t size = any_size();

    if (p->at && next(3) == 0) {
        unsigned char *more = realloc(p->at, size);

        ck_assert_ptr_nonnull(more);
        p->at = more;
        check(p, p->size < size ? p->size : size);
        p->size = size;
        fill(p);
    } else if (p->at) {
        check(p, p->size);
        free(p->at);
        p->at = NULL;
    } else {
        p->at = next(4) ? malloc(size) : calloc(1, size);
        p->size = size;
        ck_assert_ptr_nonnull(p->at);
        ck_assert_uint_eq((uintptr_t)p->at % 16, 0);
        fill(p);
    }
}

static void free_all(void)
{
    for (unsigned int i = 0; i < PIECES; i++) {
        if (pieces[i].at) {
            check(&pieces[i], pieces[i].size);
        }
        free(pieces[i].at);
        pieces[i].at = NULL;
    }
}

START_TEST(random_pieces_keep_what_is_in_them)
{
    for (unsigned int n = 0; n < 30000; n++) {
        step(&pieces[next(PIECES)]);
    }
    free_all();
}
END_TEST

START_TEST(what_is_freed_is_used_again)
{
    unsigned char *low = malloc(1), *high = low;

    free(low);
    for (unsigned int n = 0; n < 30000; n++) {
        struct piece *p = &pieces[next(20)];

        if (p->at) {
            free(p->at);
            p->at = NULL;
        } else {
            p->at = malloc(next(2000));
            high = p->at > high ? p->at : high;
        }
    }
    free_all();
    ck_assert_ptr_eq(malloc(1), low);
    ck_assert_int_lt(high - low,
                     100000); /* twenty pieces of at most 2,000 bytes, and holes between them */
}
END_TEST

START_TEST(zeros_and_what_there_is_no_room_for)
{
    volatile size_t most = SIZE_MAX; /* a compiler refuses to ask for that much */
    unsigned char *p = malloc(1000), *q;

    memset(p, 0xff, 1000);
    free(p);
    q = calloc(10, 100);
    ck_assert_ptr_eq(p, q);
    for (unsigned int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(q[i], 0);
    }
    ck_assert_ptr_null(calloc(most / 2, 3));
    ck_assert_ptr_null(malloc(most));
    ck_assert_ptr_null(malloc(most / 2));
    ck_assert_ptr_null(realloc(q, most - 20));
    ck_assert_ptr_nonnull(malloc(0));
    free(NULL);
    free(q);
}
END_TEST

START_TEST(a_second_free_ends_the_program)
{
    char *low = malloc(100), *volatile p = malloc(100), *high = malloc(100);

    free(p);
    ck_assert(low && high);
    free(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heap");
    TCase *tc = tcase_create("heap");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, random_pieces_keep_what_is_in_them);
    tcase_add_test(tc, what_is_freed_is_used_again);
    tcase_add_test(tc, zeros_and_what_there_is_no_room_for);
    tcase_add_test_raise_signal(tc, a_second_free_ends_the_program, SIGABRT);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
