/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/boot/early_mem.c */
/* The list of free ranges against a bitmap of frames: random additions, reservations and allocations must agree. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "boot/early_mem.h"

#define FRAMES 256u

static struct early_mem m;
static bool model[FRAMES + 1];

static unsigned int disagreements(void)
{
    bool seen[FRAMES + 1] = {false};
    unsigned int wrong = 0;

    for (uint32_t i = 0; i < m.nr; i++) {
        const struct early_range *r = &m.range[i];

        wrong += r->start >= r->end || (r->start | r->end) & 4095;
        wrong +=
            i > 0 && m.range[i - 1].end >= r->start; /* sorted, neither overlapping nor adjacent */
        for (uint64_t f = r->start >> 12; f < r->end >> 12 && f < FRAMES; f++) {
            seen[f] = true;
        }
    }
    return wrong + (memcmp(seen, model, sizeof(seen)) != 0);
}

START_TEST(agrees_with_a_bitmap)
{
    unsigned int wrong = 0;

    srand(3);
    for (int step = 0; step < 20000; step++) {
        uint64_t start = (uint64_t)(rand() % (int)(FRAMES << 12));
        uint64_t end = start + (uint64_t)(rand() % (20 << 12));
        int what = rand() % 8;

        end = end > FRAMES << 12 ? FRAMES << 12 : end;
        if (what < 3) {
            wrong += !early_mem_add(&m, start, end);
            for (uint64_t f = (start + 4095) >> 12; f < end >> 12; f++) {
                model[f] = true;
            }
        } else if (what < 6) {
            wrong += !early_mem_reserve(&m, start, end);
            for (uint64_t f = start >> 12; start < end && f < (end + 4095) >> 12; f++) {
                model[f] = false;
            }
        } else {
            uint64_t bytes = (uint64_t)(1 + rand() % 5) << 12;
            uint64_t pa = early_mem_alloc(&m, bytes, start & ~4095ull);

            wrong += pa && pa + bytes > (start & ~4095ull);
            for (uint64_t f = pa >> 12; pa && f < (pa + bytes) >> 12; f++) {
                wrong += !model[f];
                model[f] = false;
            }
        }
        wrong += disagreements();
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(map_with_overlaps)
{
    static const struct boot_e820 map[] = {
        {0x100000000, 0x40000000, 1}, {0, 0x9fc00, 1},        {0x9fc00, 0x400, 2},
        {0x100000, 0x7f00000, 1},     {0x7000000, 0x1234, 3}, {0xfffffffffffff000, 0xfff, 2},
    };

    ck_assert(early_mem_init(&m, map, 6));
    ck_assert_uint_eq(m.nr, 4);
    ck_assert_uint_eq(m.range[0].end, 0x9f000);
    ck_assert_uint_eq(m.range[1].end, 0x7000000);
    ck_assert_uint_eq(m.range[2].start, 0x7002000);
    ck_assert_uint_eq(early_mem_total(&m), 0x9f000 + 0x7f00000 - 0x2000 + 0x40000000);
    early_mem_clip(&m, 0x9f000 + 0x1000800);
    ck_assert_uint_eq(m.nr, 2);
    ck_assert_uint_eq(early_mem_total(&m), 0x9f000 + 0x1000000);
    early_mem_clip(&m, 0);
    ck_assert_uint_eq(m.nr, 0);
    ck_assert_uint_eq(early_mem_alloc(&m, 4096, UINT64_MAX), 0);
}
END_TEST

START_TEST(full_list)
{
    bool ok = true;

    for (uint64_t i = 0; i < EARLY_MAX_RANGES; i++) {
        ok &= early_mem_add(&m, i << 20, (i << 20) + 0x8000);
    }
    ck_assert(ok);
    ck_assert(!early_mem_add(&m, (uint64_t)EARLY_MAX_RANGES << 20,
                             ((uint64_t)EARLY_MAX_RANGES << 20) + 0x1000));
    ck_assert(!early_mem_reserve(&m, 0x2000, 0x3000)); /* would split one */
    ck_assert(early_mem_reserve(&m, 0, 0x8000));
    ck_assert_uint_eq(m.nr, EARLY_MAX_RANGES - 1);
}
END_TEST

static void setup(void)
{
    memset(&m, 0, sizeof(m));
    memset(model, 0, sizeof(model));
}

int main(void)
{
    Suite *s = suite_create("early_mem");
    TCase *c = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(c, setup, NULL);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, agrees_with_a_bitmap);
    tcase_add_test(c, map_with_overlaps);
    tcase_add_test(c, full_list);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
