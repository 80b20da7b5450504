/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/grant/grant_entry.c */
/*
 * The grant flag protocol: every flags value times domain and access, against the ABI's rule said another way; and a race
 * in which a second thread plays the granting guest that revokes and re-grants all the time.
 */
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <xen/grant_table.h>

#include "grant/grant_entry.h"

static uint32_t word_of(uint16_t flags, uint16_t domid)
{
    return (uint32_t)domid << 16 | flags;
}

START_TEST(every_flags_value)
{
    unsigned int wrong = 0;

    for (uint32_t flags = 0; flags < 0x10000; flags++) {
        for (int access = 0; access < 2; access++) {
            for (uint16_t who = 7; who < 9; who++) {
                uint32_t w = word_of((uint16_t)flags, 7);
                enum grant_verdict got = grant_entry_pin(&w, who, access);
                bool permit = (flags & 3) == 1 && who == 7;
                bool allowed = permit && !(access && (flags & 4));
                uint32_t expect = allowed ? word_of((uint16_t)(flags | 8 | (access ? 16 : 0)), 7) : word_of((uint16_t)flags, 7);

                wrong += (got == GRANT_OK) != allowed || w != expect;
            }
        }
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(unpin_clears_only_its_marks)
{
    uint32_t w = word_of(GTF_permit_access | GTF_reading | GTF_writing | 0xff00, 3);

    grant_entry_unpin(&w, true, false);
    ck_assert_uint_eq(w, word_of(GTF_permit_access | GTF_reading | 0xff00, 3));
    grant_entry_unpin(&w, false, true);
    ck_assert_uint_eq(w, word_of(GTF_permit_access | 0xff00, 3));
}
END_TEST

static uint32_t raced;
static bool stop;

static void *hostile_granter(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        __atomic_store_n(&raced, word_of(GTF_permit_access, 5), __ATOMIC_RELEASE);
        __atomic_store_n(&raced, word_of(GTF_invalid, 6), __ATOMIC_RELEASE);
    }
    return NULL;
}

/* Whatever the granter does, a pin is only ever given on a value that permitted it, and always ends. */
START_TEST(a_race_ends_with_a_verdict)
{
    pthread_t t;

    ck_assert_int_eq(pthread_create(&t, NULL, hostile_granter, NULL), 0);
    for (int i = 0; i < 200000; i++) {
        enum grant_verdict v = grant_entry_pin(&raced, 5, false);

        ck_assert(v == GRANT_OK || v == GRANT_NOT_PERMITTED || v == GRANT_UNSTABLE);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(t, NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("grant_entry");
    TCase *t = tcase_create("flags");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_flags_value);
    tcase_add_test(t, unpin_clears_only_its_marks);
    tcase_add_test(t, a_race_ends_with_a_verdict);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
