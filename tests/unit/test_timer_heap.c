/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/sched/timer_heap.c */
/* The timer heap against a linear search: random adds and removals, the earliest and every index must agree. */
#include <check.h>
#include <stdlib.h>

#include "sched/timer_heap.h"

#define NR 200

static struct timer t[NR];
static struct timer *slot[NR];

START_TEST(earliest_is_found)
{
    struct timer_heap h = {.slot = slot, .capacity = NR};
    unsigned int wrong = 0;

    for (int i = 0; i < NR; i++) {
        t[i].heap_idx = -1;
    }
    srand(7);
    for (int step = 0; step < 50000; step++) {
        struct timer *pick = &t[rand() % NR];
        struct timer *first = NULL;
        uint32_t armed = 0;

        if (pick->heap_idx >= 0) {
            timer_heap_remove(&h, pick);
        } else {
            pick->deadline_ns = (uint64_t)(rand() % 1000);
            wrong += !timer_heap_add(&h, pick);
        }
        for (int i = 0; i < NR; i++) {
            if (t[i].heap_idx >= 0) {
                armed++;
                wrong += h.slot[t[i].heap_idx] != &t[i];
                first = !first || t[i].deadline_ns < first->deadline_ns ? &t[i] : first;
            }
        }
        wrong += armed != h.nr;
        wrong += !first != !timer_heap_first(&h);
        wrong += first && timer_heap_first(&h) && timer_heap_first(&h)->deadline_ns != first->deadline_ns;
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(full_heap_refuses)
{
    struct timer_heap h = {.slot = slot, .capacity = 1};

    t[0].heap_idx = t[1].heap_idx = -1;
    ck_assert(timer_heap_add(&h, &t[0]));
    ck_assert(!timer_heap_add(&h, &t[1]));
    ck_assert_int_eq(t[1].heap_idx, -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("timer_heap");
    TCase *tc = tcase_create("heap");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(tc, earliest_is_found);
    tcase_add_test(tc, full_heap_refuses);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
