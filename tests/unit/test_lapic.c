/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/full/lapic.c */
/* The local APIC: priorities, its timer, destinations; and random accesses by what must hold after each of them. */
#include <check.h>
#include <stdlib.h>

#include "full/lapic.h"

static struct lapic l;

static void start(void)
{
    lapic_reset(&l, 3);
    lapic_write(&l, 0xf0, 0x1ff, 0);
}

START_TEST(nothing_while_switched_off)
{
    lapic_reset(&l, 3);
    lapic_request(&l, 0x40);
    ck_assert_int_eq(lapic_pending(&l), -1);
    lapic_write(&l, 0xf0, 0x1ff, 0);
    ck_assert_int_eq(lapic_pending(&l), 0x40);
    l.enabled = false;
    ck_assert_int_eq(lapic_pending(&l), -1);
    ck_assert(lapic_takes_pic(&l));
    ck_assert_uint_eq(lapic_read(&l, 0x20, 0), 3u << 24);
}
END_TEST

START_TEST(priorities)
{
    start();
    lapic_request(&l, 0x41);
    lapic_request(&l, 0x4f);
    lapic_request(&l, 0x82);
    ck_assert_int_eq(lapic_pending(&l), 0x82);
    lapic_accept(&l, 0x82);
    ck_assert_uint_eq(lapic_read(&l, 0xa0, 0), 0x80);
    ck_assert_int_eq(lapic_pending(&l), -1); /* lower classes wait */
    lapic_request(&l, 0x8f);
    ck_assert_int_eq(lapic_pending(&l), -1); /* so does the same one */
    lapic_request(&l, 0x90);
    ck_assert_int_eq(lapic_pending(&l), 0x90);
    lapic_accept(&l, 0x90);
    lapic_write(&l, 0xb0, 0, 0); /* ends the highest */
    lapic_write(&l, 0xb0, 0, 0);
    ck_assert_int_eq(lapic_pending(&l), 0x8f);
    lapic_write(&l, 0x80, 0x90, 0);
    ck_assert_int_eq(lapic_pending(&l), -1);
    lapic_write(&l, 0x80, 0, 0);
    ck_assert_int_eq(lapic_pending(&l), 0x8f);
    lapic_request(&l, 5);
    ck_assert_uint_eq(lapic_read(&l, 0x280, 0), 0x40);
    ck_assert_uint_eq(lapic_read(&l, 0x200, 0), 0);
}
END_TEST

START_TEST(timer_once_and_again)
{
    start();
    lapic_write(&l, 0x3e0, 0xb, 0); /* by one */
    lapic_write(&l, 0x320, 0x50, 0);
    ck_assert_int_eq(lapic_write(&l, 0x380, 1000, 100), LAPIC_EFFECT_TIMER);
    ck_assert_uint_eq(lapic_timer_next(&l, 100), 1100);
    ck_assert_uint_eq(lapic_read(&l, 0x390, 400), 700);
    ck_assert(!lapic_timer_tick(&l, 1099));
    ck_assert(lapic_timer_tick(&l, 1100));
    ck_assert(!lapic_timer_tick(&l, 9000));
    ck_assert_int_eq(lapic_pending(&l), 0x50);
    ck_assert_uint_eq(lapic_timer_next(&l, 1100), LAPIC_NEVER);
    ck_assert_uint_eq(lapic_read(&l, 0x390, 2000), 0);
    lapic_write(&l, 0x3e0, 0x3, 0); /* by sixteen */
    lapic_write(&l, 0x320, 0x20051, 0);
    lapic_write(&l, 0x380, 100, 10000);
    ck_assert_uint_eq(lapic_timer_next(&l, 10000), 11600);
    ck_assert(lapic_timer_tick(&l, 11600));
    ck_assert_uint_eq(lapic_timer_next(&l, 11600), 13200);
    ck_assert(lapic_timer_tick(&l, 20000));
    ck_assert_uint_eq(lapic_timer_next(&l, 20000), 21200);
    lapic_write(&l, 0x380, 0, 20000);
    ck_assert_uint_eq(lapic_timer_next(&l, 20000), LAPIC_NEVER);
}
END_TEST

START_TEST(destinations)
{
    start();
    ck_assert(lapic_is_meant(&l, 3, false) && lapic_is_meant(&l, 0xff, false) &&
              !lapic_is_meant(&l, 4, false));
    lapic_write(&l, 0xd0, 0x08000000, 0);
    ck_assert(lapic_is_meant(&l, 0x09, true) && !lapic_is_meant(&l, 0x04, true));
    lapic_write(&l, 0xe0, 0, 0); /* clusters */
    lapic_write(&l, 0xd0, 0x28000000, 0);
    ck_assert(lapic_is_meant(&l, 0x2c, true) && !lapic_is_meant(&l, 0x1c, true) &&
              !lapic_is_meant(&l, 0x24, true));
    ck_assert(!lapic_takes_pic(&l));
    lapic_write(&l, 0x350, 0x700, 0);
    ck_assert(lapic_takes_pic(&l));
    lapic_write(&l, 0xf0, 0xff, 0); /* off: its sources are masked */
    ck_assert(!lapic_takes_pic(&l));
}
END_TEST

START_TEST(random_guest)
{
    unsigned int wrong = 0, taken = 0;
    uint64_t now = 0;

    start();
    srand(5);
    for (int step = 0; step < 1000000; step++) {
        uint32_t offset = (uint32_t)(rand() % 0x1000) & (rand() % 8 ? ~15u : ~0u);

        now += (uint64_t)(rand() % 5000);
        switch (rand() % 5) {
        case 0:
            (void)lapic_read(&l, offset, now);
            break;
        case 1:
            (void)lapic_write(&l, offset, (uint32_t)rand() << 1 ^ (uint32_t)rand(), now);
            break;
        case 2:
            lapic_request(&l, (uint8_t)rand());
            break;
        case 3:
            (void)lapic_timer_tick(&l, now);
            wrong += lapic_timer_next(&l, now) <= now;
            break;
        default: {
            int v = lapic_pending(&l);

            if (v >= 0) {
                wrong += v < 16 || (uint32_t)(v & 0xf0) <= (lapic_read(&l, 0xa0, now) & 0xf0);
                lapic_accept(&l, (uint8_t)v);
                wrong += lapic_pending(&l) == v;
                taken++;
            } else {
                lapic_write(&l, 0xf0, 0x1ff, now);
                lapic_write(&l, 0x80, 0, now);
                lapic_write(&l, 0xb0, 0, now);
            }
        }
        }
        wrong += l.request[0] & 0xffff || l.service[0] & 0xffff;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(taken, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lapic");
    TCase *tc = tcase_create("lapic");
    SRunner *r;
    int failed;

    tcase_add_test(tc, nothing_while_switched_off);
    tcase_add_test(tc, priorities);
    tcase_add_test(tc, timer_once_and_again);
    tcase_add_test(tc, destinations);
    tcase_add_test(tc, random_guest);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
