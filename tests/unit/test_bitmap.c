/* SPDX-License-Identifier: MIT */
/*
 * The guest kernel's range allocator against a plain array of flags: random takes and gives of all sizes and alignments, with
 * the rule that a taken range is free, aligned and the lowest there is, and that a wrong give changes nothing.
 */
/* SOURCES: guest-pv-kernel/libpvk/core/bitmap.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "libpvk/core/bitmap.h"

#define BITS 500

static uint64_t words[(BITS + 63) / 64];
static bool model[BITS]; /* true: in use */
static struct bitmap map;

static void start(void)
{
    bitmap_init(&map, words, BITS);
    memset(model, true, sizeof(model));
}

static uint64_t model_take(uint64_t count, uint64_t align)
{
    for (uint64_t first = 0; first + count <= BITS; first += align) {
        uint64_t n = 0;

        while (n < count && !model[first + n]) {
            n++;
        }
        if (n == count) {
            memset(&model[first], true, count);
            return first;
        }
    }
    return BITMAP_NONE;
}

static uint64_t model_free(void)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < BITS; i++) {
        n += !model[i];
    }
    return n;
}

START_TEST(starts_full)
{
    start();
    ck_assert_uint_eq(map.nr_free, 0);
    ck_assert_uint_eq(bitmap_take(&map, 1, 1), BITMAP_NONE);
}
END_TEST

START_TEST(refuses_wrong_gives)
{
    start();
    ck_assert(bitmap_give(&map, 10, 20));
    ck_assert(!bitmap_give(&map, 29, 2)); /* the first is free already */
    ck_assert(!bitmap_give(&map, 5, 6));  /* the last is */
    ck_assert(!bitmap_give(&map, BITS - 1, 2));
    ck_assert(!bitmap_give(&map, BITS + 1, 1));
    ck_assert(!bitmap_give(&map, 1, ~0ul));
    ck_assert_uint_eq(map.nr_free, 20);
    ck_assert_uint_eq(bitmap_take(&map, 21, 1), BITMAP_NONE);
    ck_assert_uint_eq(bitmap_take(&map, 20, 1), 10);
}
END_TEST

START_TEST(follows_the_model)
{
    srand(4711);
    start();
    ck_assert(bitmap_give(&map, 0, BITS));
    memset(model, false, sizeof(model));
    for (unsigned round = 0; round < 20000; round++) {
        if (rand() % 2 == 0) {
            uint64_t align = 1ul << (rand() % 8);
            uint64_t count = rand() % 4 == 0 ? (uint64_t)(rand() % 100 + 1) : align;

            ck_assert_uint_eq(bitmap_take(&map, count, align), model_take(count, align));
        } else {
            uint64_t first = (uint64_t)(rand() % BITS);
            uint64_t count = (uint64_t)(rand() % 40);
            bool fits = first + count <= BITS;

            for (uint64_t i = 0; fits && i < count; i++) {
                fits = model[first + i];
            }
            ck_assert_int_eq(bitmap_give(&map, first, count), fits);
            if (fits) {
                memset(&model[first], false, count);
            }
        }
        ck_assert_uint_eq(map.nr_free, model_free());
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bitmap");
    TCase *tests = tcase_create("bitmap");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, starts_full);
    tcase_add_test(tests, refuses_wrong_gives);
    tcase_add_test(tests, follows_the_model);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
