/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/full/pic.c */
/* The pair of 8259As by what its data sheet says, and under random port writes by what must hold after each of them. */
#include <check.h>
#include <stdlib.h>

#include "full/pic.h"

static struct pic_pair p;

static void start(uint8_t icw4)
{
    pic_reset(&p);
    for (unsigned int i = 0; i < 2; i++) {
        uint16_t port = i ? PIC_SLAVE : PIC_MASTER;

        pic_write(&p, port, 0x11);
        pic_write(&p, port + 1, (uint8_t)(0x20 + 8 * i));
        pic_write(&p, port + 1, i ? 2 : 4);
        pic_write(&p, port + 1, icw4);
        pic_write(&p, port + 1, 0);
    }
}

static uint8_t in_service(uint16_t port)
{
    pic_write(&p, port, 0x0b);
    return pic_read(&p, port);
}

START_TEST(nothing_before_initialisation)
{
    pic_reset(&p);
    pic_set_line(&p, 0, true);
    ck_assert(!pic_pending(&p));
    pic_write(&p, PIC_MASTER, 0x11);
    pic_write(&p, PIC_MASTER + 1, 0x20);
    pic_set_line(&p, 1, true);
    ck_assert(!pic_pending(&p));
    pic_write(&p, PIC_MASTER + 1, 4);
    pic_write(&p, PIC_MASTER + 1, 1);
    ck_assert(pic_pending(&p));
    ck_assert_uint_eq(pic_acknowledge(&p), 0x21); /* the edge of 0 came before ICW1 */
}
END_TEST

START_TEST(priority_and_end)
{
    start(1);
    pic_set_line(&p, 4, true);
    pic_set_line(&p, 1, true);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x21);
    ck_assert(!pic_pending(&p)); /* 4 waits for 1 */
    pic_set_line(&p, 0, true);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x20);
    ck_assert_uint_eq(in_service(PIC_MASTER), 0x03);
    pic_write(&p, PIC_MASTER, 0x20);
    ck_assert_uint_eq(in_service(PIC_MASTER), 0x02);
    ck_assert(!pic_pending(&p));
    pic_write(&p, PIC_MASTER, 0x61);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x24);
    pic_write(&p, PIC_MASTER, 0x20);
    ck_assert(!pic_pending(&p)); /* the lines are up still, but an edge counts once */
}
END_TEST

START_TEST(slave_through_the_cascade)
{
    start(1);
    pic_set_line(&p, 12, true);
    pic_set_line(&p, 8, true);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x28);
    ck_assert_uint_eq(in_service(PIC_MASTER), 0x04);
    ck_assert_uint_eq(in_service(PIC_SLAVE), 0x01);
    ck_assert(!pic_pending(&p));
    pic_write(&p, PIC_SLAVE, 0x20);
    pic_write(&p, PIC_MASTER, 0x20);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x2c);
}
END_TEST

START_TEST(fully_nested_master_lets_the_slave_interrupt_itself)
{
    start(0x11);
    pic_set_line(&p, 12, true);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x2c);
    pic_set_line(&p, 8, true);
    ck_assert(pic_pending(&p));
    ck_assert_uint_eq(pic_acknowledge(&p), 0x28);
}
END_TEST

START_TEST(masked_and_withdrawn)
{
    start(1);
    pic_write(&p, PIC_MASTER + 1, 0x10);
    pic_set_line(&p, 4, true);
    ck_assert(!pic_pending(&p));
    pic_write(&p, PIC_MASTER + 1, 0);
    ck_assert(pic_pending(&p));
    pic_set_line(&p, 4, false);
    ck_assert(!pic_pending(&p));
    ck_assert_uint_eq(pic_acknowledge(&p), 0x27); /* spurious, and not in service */
    ck_assert_uint_eq(in_service(PIC_MASTER), 0);
    pic_set_line(&p, 2, true);
    pic_set_line(&p, 16, true);
    ck_assert(!pic_pending(&p));
}
END_TEST

START_TEST(level_triggered_comes_again)
{
    start(1);
    pic_write(&p, PIC_ELCR, 0xff);
    pic_write(&p, PIC_ELCR + 1, 0xff);
    ck_assert_uint_eq(pic_read(&p, PIC_ELCR), 0xf8);
    ck_assert_uint_eq(pic_read(&p, PIC_ELCR + 1), 0xde);
    pic_set_line(&p, 11, true);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(pic_acknowledge(&p), 0x2b);
        ck_assert(!pic_pending(&p));
        pic_write(&p, PIC_SLAVE, 0x20);
        pic_write(&p, PIC_MASTER, 0x20);
        ck_assert(pic_pending(&p));
    }
    pic_set_line(&p, 11, false);
    ck_assert(!pic_pending(&p));
}
END_TEST

START_TEST(rotation_automatic_end_and_special_mask)
{
    start(3);
    pic_set_line(&p, 3, true);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x23);
    ck_assert_uint_eq(in_service(PIC_MASTER), 0);
    start(1);
    pic_write(&p, PIC_MASTER, 0xc3); /* 3 is the lowest: 4 comes first */
    pic_set_line(&p, 0, true);
    pic_set_line(&p, 4, true);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x24);
    pic_write(&p, PIC_MASTER, 0xa0);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x20);
    pic_set_line(&p, 4, false);
    pic_set_line(&p, 4, true); /* lowest now */
    ck_assert(!pic_pending(&p));
    pic_write(&p, PIC_MASTER + 1, 0x01);
    pic_write(&p, PIC_MASTER, 0x68);
    ck_assert_uint_eq(pic_acknowledge(&p), 0x24);
}
END_TEST

START_TEST(poll_acknowledges)
{
    start(1);
    pic_write(&p, PIC_MASTER, 0x0c);
    ck_assert_uint_eq(pic_read(&p, PIC_MASTER) & 0x80, 0);
    pic_set_line(&p, 5, true);
    pic_write(&p, PIC_MASTER, 0x0c);
    ck_assert_uint_eq(pic_read(&p, PIC_MASTER), 0x85);
    ck_assert_uint_eq(in_service(PIC_MASTER), 0x20);
}
END_TEST

/* Whatever a guest writes: an acknowledged vector is one of the sixteen or, if none was pending, spurious with nothing taken. */
START_TEST(random_guest)
{
    static const uint16_t port[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
    unsigned int wrong = 0, taken = 0;

    pic_reset(&p);
    srand(11);
    for (int step = 0; step < 1000000; step++) {
        uint16_t at = port[rand() % 6];

        switch (rand() % 5) {
        case 0:
            pic_write(&p, at, (uint8_t)rand());
            break;
        case 1:
            (void)pic_read(&p, at);
            break;
        case 2:
            pic_set_line(&p, (unsigned int)rand() % 18, rand() & 1);
            break;
        case 3:
            pic_write(&p, rand() & 1 ? PIC_MASTER : PIC_SLAVE, 0x20);
            break;
        default: {
            bool pending = pic_pending(&p);
            uint8_t before = p.chip[0].service;
            uint8_t vector = pic_acknowledge(&p);

            wrong += (vector & 0xf8) != p.chip[0].base && (vector & 0xf8) != p.chip[1].base;
            wrong += !pending && (p.chip[0].service != before || vector != p.chip[0].base + 7);
            taken += pending;
        }
        }
        wrong += p.chip[0].lowest > 7 || p.chip[1].lowest > 7;
        wrong += (p.chip[0].latch & ~p.chip[0].line) || (p.chip[1].latch & ~p.chip[1].line);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(taken, 1000);
    ck_assert(!pic_has_port(0x22) && pic_has_port(0x4d1) && pic_has_port(0xa1) &&
              !pic_has_port(0x1f));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pic");
    TCase *tc = tcase_create("pic");
    SRunner *r;
    int failed;

    tcase_add_test(tc, nothing_before_initialisation);
    tcase_add_test(tc, priority_and_end);
    tcase_add_test(tc, slave_through_the_cascade);
    tcase_add_test(tc, fully_nested_master_lets_the_slave_interrupt_itself);
    tcase_add_test(tc, masked_and_withdrawn);
    tcase_add_test(tc, level_triggered_comes_again);
    tcase_add_test(tc, rotation_automatic_end_and_special_mask);
    tcase_add_test(tc, poll_acknowledges);
    tcase_add_test(tc, random_guest);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
