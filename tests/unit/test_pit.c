/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/full/pit.c */
/* The 8254 by what its data sheet says of each mode, and under random port writes by what must hold after each of them. */
#include <check.h>
#include <stdlib.h>

#include "full/pit.h"

#define MS       1000000ull
#define TICKS(n) ((uint64_t)(n)*1000000000ull / PIT_HZ + 1)

static struct pit p;

static void program(unsigned int channel, unsigned int mode, unsigned int count, uint64_t now)
{
    pit_write(&p, PIT_CONTROL, (uint8_t)(channel << 6 | 0x30 | mode << 1), now);
    pit_write(&p, (uint16_t)(PIT_CHANNEL_0 + channel), (uint8_t)count, now);
    pit_write(&p, (uint16_t)(PIT_CHANNEL_0 + channel), (uint8_t)(count >> 8), now);
}

static unsigned int count_now(unsigned int channel, uint64_t now)
{
    unsigned int low;

    pit_write(&p, PIT_CONTROL, (uint8_t)(channel << 6), now); /* latch */
    low = pit_read(&p, (uint16_t)(PIT_CHANNEL_0 + channel), now);
    return low | (unsigned int)pit_read(&p, (uint16_t)(PIT_CHANNEL_0 + channel), now) << 8;
}

START_TEST(one_shot_rises_once)
{
    pit_reset(&p);
    ck_assert_uint_eq(pit_next_edge(&p, 0), PIT_NEVER);
    program(0, 0, 1193, MS);
    ck_assert(!pit_output(&p, 0, MS));
    ck_assert(!pit_output(&p, 0, MS + TICKS(1190)));
    ck_assert(pit_output(&p, 0, MS + TICKS(1193)));
    ck_assert_uint_ge(pit_next_edge(&p, MS), MS + TICKS(1193) - 2);
    ck_assert_uint_le(pit_next_edge(&p, MS), MS + TICKS(1193));
    ck_assert(pit_output(&p, 0, pit_next_edge(&p, MS)));
    ck_assert_uint_eq(pit_next_edge(&p, MS + TICKS(1194)), PIT_NEVER);
}
END_TEST

START_TEST(periodic_modes_come_again)
{
    for (unsigned int mode = 2; mode <= 3; mode++) {
        uint64_t now = 5 * MS;

        pit_reset(&p);
        program(0, mode, 11932, now);
        for (int i = 1; i <= 5; i++) {
            uint64_t next = pit_next_edge(&p, now);

            ck_assert_uint_gt(next, now);
            ck_assert_uint_ge(next + 1000, 5 * MS + TICKS(11932ull * i));
            ck_assert_uint_le(next, 5 * MS + TICKS(11932ull * i));
            now = next;
        }
    }
    ck_assert(pit_output(&p, 0, 5 * MS + TICKS(5000)));
    ck_assert(!pit_output(&p, 0, 5 * MS + TICKS(7000))); /* a square wave's second half */
}
END_TEST

START_TEST(counts_down_and_latches)
{
    pit_reset(&p);
    program(2, 2, 10000, 0);
    ck_assert_uint_eq(count_now(2, 0), 10000);
    ck_assert_uint_eq(count_now(2, TICKS(100)), 9900);
    pit_write(&p, PIT_CONTROL, 0x80, TICKS(200));
    ck_assert_uint_eq(pit_read(&p, 0x42, TICKS(9000)), 9800 & 0xff);
    ck_assert_uint_eq(pit_read(&p, 0x42, TICKS(9000)), 9800 >> 8);
    pit_write(&p, PIT_CONTROL, 0xe8, 0); /* read back the status of channel 2 */
    ck_assert_uint_eq(pit_read(&p, 0x42, 0) & 0x3f, 0x34);
}
END_TEST

START_TEST(channel_two_has_a_gate_and_shows_its_output)
{
    pit_reset(&p);
    pit_write(&p, PIT_GATE_PORT, 1, 0);
    program(2, 0, 11931, 0);
    ck_assert_uint_eq(pit_read(&p, PIT_GATE_PORT, TICKS(11000)) & 0x21, 1);
    ck_assert_uint_eq(pit_read(&p, PIT_GATE_PORT, TICKS(11932)) & 0x21, 0x21);
    pit_write(&p, PIT_GATE_PORT, 0, 0);
    program(2, 1, 100, 0);
    ck_assert(pit_output(&p, 2, TICKS(500))); /* waits for its gate */
    pit_write(&p, PIT_GATE_PORT, 1, TICKS(500));
    ck_assert(!pit_output(&p, 2, TICKS(550)));
    ck_assert(pit_output(&p, 2, TICKS(601)));
}
END_TEST

/* Whatever a guest writes: counts stay in range, an edge lies in the future and the output is up there or has just been. */
START_TEST(random_guest)
{
    uint64_t now = 0;
    unsigned int wrong = 0, edges = 0;

    pit_reset(&p);
    srand(7);
    for (int step = 0; step < 1000000; step++) {
        uint16_t port = rand() % 5 ? (uint16_t)(0x40 + rand() % 4) : PIT_GATE_PORT;
        uint64_t next;

        if (rand() % 3) {
            pit_write(&p, port, (uint8_t)rand(), now);
        } else {
            (void)pit_read(&p, port, now);
        }
        now += (uint64_t)(rand() % 1000) * (rand() % 50 ? 100u : 10000000u);
        next = pit_next_edge(&p, now);
        wrong += next <= now;
        edges += next != PIT_NEVER;
        for (unsigned int i = 0; i < 3; i++) {
            wrong +=
                p.channel[i].count < 1 || p.channel[i].count > 0x10000 || p.channel[i].mode > 5;
        }
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(edges, 1000);
    ck_assert(pit_has_port(0x43) && pit_has_port(0x61) && !pit_has_port(0x44) &&
              !pit_has_port(0x3f));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pit");
    TCase *tc = tcase_create("pit");
    SRunner *r;
    int failed;

    tcase_add_test(tc, one_shot_rises_once);
    tcase_add_test(tc, periodic_modes_come_again);
    tcase_add_test(tc, counts_down_and_latches);
    tcase_add_test(tc, channel_two_has_a_gate_and_shows_its_output);
    tcase_add_test(tc, random_guest);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
