/* SPDX-License-Identifier: MIT */
/*
 * The buddy allocator against a plain map of who has which frame: no frame twice, alignment and limits kept, blocks merge
 * back to what they were.
 * SOURCES: hypervisor/mm/page_alloc.c
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mm/page_alloc.h"

#define FRAMES 4096u

struct page_info host_frame_table[FRAMES];
uint64_t nr_frames = FRAMES;

/* ck_assert() talks to the parent process each time: too slow for inner loops. */
#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            ck_abort_msg("%s", #cond);                                                             \
        }                                                                                          \
    } while (0)

static struct page_pool pool;
static uint8_t taken[FRAMES]; /* 0 not RAM, 1 free, 2 allocated */

static void start(uint32_t first, uint32_t nr)
{
    memset(host_frame_table, 0, sizeof(host_frame_table));
    memset(taken, 0, sizeof(taken));
    page_pool_init(&pool);
    page_pool_free_range(&pool, first, nr);
    memset(taken + first, 1, nr);
}

static uint64_t count_free(void)
{
    uint64_t n = 0;
    unsigned int i;

    for (i = 0; i < FRAMES; i++) {
        n += taken[i] == 1;
    }
    return n;
}

/*
 * Every list holds aligned heads of free frames, no frame is in two blocks, and no two buddies lie
 * side by side.
 */
static void check_pool(void)
{
    static uint8_t seen[FRAMES];
    unsigned int w, o;
    uint64_t n = 0;

    memset(seen, 0, sizeof(seen));
    for (w = 0; w < POOL_WIDTHS; w++) {
        MUST((pool.widths >> w & 1) == (pool.orders[w] != 0));
        for (o = 0; o <= POOL_MAX_ORDER; o++) {
            uint32_t idx, prev = PAGE_IDX_NONE;

            MUST((pool.orders[w] >> o & 1) == (pool.head[w][o] != PAGE_IDX_NONE));
            for (idx = pool.head[w][o]; idx != PAGE_IDX_NONE; idx = host_frame_table[idx].next) {
                const struct page_info *pg = &host_frame_table[idx];
                uint32_t buddy = idx ^ (1u << o), i;

                MUST((idx & ((1u << o) - 1)) == 0 && pg->prev == prev && (pg->refs & PGR_FREE) &&
                     pg->order == o);
                for (i = 0; i < (1u << o); i++) {
                    MUST(taken[idx + i] == 1);
                    MUST(seen[idx + i]++ == 0);
                    MUST(idx + i == 0 ? w == 0 : (idx + i) >> (w - 1) == 1);
                }
                if (o < POOL_MAX_ORDER && buddy < FRAMES && idx >= (2u << o)) {
                    MUST(!((host_frame_table[buddy].refs & PGR_FREE) &&
                           host_frame_table[buddy].order == o));
                }
                n += 1u << o;
                prev = idx;
            }
        }
    }
    MUST(n == pool.nr_free);
    MUST(n == count_free());
}

/* Is there an aligned free run of that size below the limit? By looking everywhere. */
static bool possible(unsigned int order, unsigned int bits)
{
    uint32_t end = bits >= 12 ? FRAMES : 1u << bits, i, j;

    for (i = 0; i + (1u << order) <= end; i += 1u << order) {
        for (j = 0; j < (1u << order) && taken[i + j] == 1; j++) {
        }
        if (j == (1u << order)) {
            return true;
        }
    }
    return false;
}

START_TEST(random_use)
{
    struct {
        uint32_t idx;
        unsigned int order;
    } blocks[512];
    unsigned int n = 0, step;

    srand((unsigned int)_i + 1);
    start(1 + (unsigned int)_i * 7, 3000 + (unsigned int)_i * 50);
    for (step = 0; step < 4000; step++) {
        unsigned int order = (unsigned int)rand() % 6,
                     bits = rand() % 3 ? 32 : 4 + (unsigned int)rand() % 10;

        if (rand() % 2 && n < 512) {
            uint32_t idx = page_pool_alloc(&pool, order, bits), i;

            /*
             * frame 0's block does not merge with its buddy, so a run that starts at 0 need not be
             * one block
             */
            if (idx == PAGE_IDX_NONE) {
                ck_assert(!possible(order, bits));
                continue;
            }
            ck_assert_uint_eq(idx & ((1u << order) - 1), 0);
            ck_assert(bits >= 32 || idx + (1u << order) <= (1ull << bits));
            for (i = 0; i < (1u << order); i++) {
                MUST(taken[idx + i] == 1);
                taken[idx + i] = 2;
            }
            blocks[n].idx = idx;
            blocks[n++].order = order;
        } else if (n > 0) {
            unsigned int b = (unsigned int)rand() % n;

            memset(taken + blocks[b].idx, 1, 1u << blocks[b].order);
            page_pool_free(&pool, blocks[b].idx, blocks[b].order);
            blocks[b] = blocks[--n];
        }
        if (step % 16 == 0) {
            check_pool();
        }
    }
    while (n > 0) {
        n--;
        memset(taken + blocks[n].idx, 1, 1u << blocks[n].order);
        page_pool_free(&pool, blocks[n].idx, blocks[n].order);
    }
    check_pool();
}
END_TEST

START_TEST(merges_back)
{
    uint32_t order0[FRAMES], n = 0, i;

    start(1024, 2048);
    ck_assert_uint_ne(page_pool_alloc(&pool, 10, 32), PAGE_IDX_NONE);
    start(1024, 2048);
    while ((i = page_pool_alloc(&pool, 0, 32)) != PAGE_IDX_NONE) {
        order0[n++] = i;
    }
    ck_assert_uint_eq(n, 2048);
    ck_assert_uint_eq(pool.nr_free, 0);
    for (i = 0; i < n; i++) {
        page_pool_free(&pool, order0[(i * 1021) % n],
                       0); /* 1021 is prime: every index once, scattered */
    }
    check_pool();
    ck_assert_uint_ne(page_pool_alloc(&pool, 10, 32), PAGE_IDX_NONE);
    ck_assert_uint_ne(page_pool_alloc(&pool, 10, 32), PAGE_IDX_NONE);
    ck_assert_uint_eq(page_pool_alloc(&pool, 0, 32), PAGE_IDX_NONE);
}
END_TEST

START_TEST(high_memory_first)
{
    uint32_t last = FRAMES, i;

    start(1, FRAMES - 1);
    for (i = 0; i < 100; i++) {
        uint32_t idx = page_pool_alloc(&pool, 0, 32);

        ck_assert_uint_ge(idx, FRAMES / 2);
        last = idx < last ? idx : last;
    }
    ck_assert_uint_lt(page_pool_alloc(&pool, 3, 6), 64);
    ck_assert_uint_eq(page_pool_alloc(&pool, 7, 6), PAGE_IDX_NONE);
    ck_assert_uint_eq(page_pool_alloc(&pool, POOL_MAX_ORDER + 1, 32), PAGE_IDX_NONE);
}
END_TEST

START_TEST(ranges_of_any_length)
{
    uint32_t idx;

    start(5, 1000);
    idx = page_pool_alloc(&pool, 5, 32);
    memset(taken + idx, 2, 32);
    page_pool_free_range(&pool, idx + 11, 21);
    memset(taken + idx + 11, 1, 21);
    check_pool();
    page_pool_free_range(&pool, idx, 11);
    memset(taken + idx, 1, 11);
    check_pool();
    ck_assert_uint_eq(pool.nr_free, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("page_alloc");
    TCase *tc = tcase_create("buddy");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, random_use, 0, 8);
    tcase_add_test(tc, merges_back);
    tcase_add_test(tc, high_memory_first);
    tcase_add_test(tc, ranges_of_any_length);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
