/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/device-model/uart.c dom0-tools/device-model/cmos.c */
/* The device model's devices: the serial port's registers and interrupts, the clock's dates against the C library's. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "device-model/cmos.h"
#include "device-model/uart.h"

static struct uart u;
static struct cmos c;

START_TEST(output_and_divisor)
{
    uart_reset(&u);
    ck_assert_int_eq(uart_write(&u, 3, 0x83), -1);
    ck_assert_int_eq(uart_write(&u, 0, 1), -1); /* the divisor, not a byte */
    ck_assert_uint_eq(uart_read(&u, 0), 1);
    ck_assert_int_eq(uart_write(&u, 3, 0x03), -1);
    ck_assert_int_eq(uart_write(&u, 0, 'x'), 'x');
    ck_assert_uint_eq(uart_read(&u, 5), 0x60);
    ck_assert(!uart_line(&u)); /* nobody asked for interrupts */
    uart_write(&u, 7, 0x5a);
    ck_assert_uint_eq(uart_read(&u, 7), 0x5a);
}
END_TEST

START_TEST(input_interrupts_until_it_is_read)
{
    uart_reset(&u);
    uart_write(&u, 1, 1);
    ck_assert(uart_input(&u, 'a') && uart_input(&u, 'b'));
    ck_assert(!uart_line(&u)); /* OUT2 keeps it in */
    uart_write(&u, 4, 0x0b);
    ck_assert(uart_line(&u));
    ck_assert_uint_eq(uart_read(&u, 2), 4);
    ck_assert_uint_eq(uart_read(&u, 5) & 1, 1);
    ck_assert_uint_eq(uart_read(&u, 0), 'a');
    ck_assert(uart_line(&u));
    ck_assert_uint_eq(uart_read(&u, 0), 'b');
    ck_assert(!uart_line(&u));
    ck_assert_uint_eq(uart_read(&u, 2), 1);
    for (unsigned int i = 0; i < UART_FIFO; i++) {
        ck_assert(uart_input(&u, (uint8_t)i));
    }
    ck_assert(!uart_input(&u, 0));
    uart_write(&u, 2, 0x07);
    ck_assert(uart_input(&u, 'z'));
    ck_assert_uint_eq(uart_read(&u, 0), 'z');
}
END_TEST

START_TEST(room_interrupts_once)
{
    uart_reset(&u);
    uart_write(&u, 4, 0x08);
    uart_write(&u, 1, 2);
    ck_assert(uart_line(&u)); /* there is room, and that is news */
    ck_assert_uint_eq(uart_read(&u, 2), 2);
    ck_assert(!uart_line(&u));
    ck_assert_int_eq(uart_write(&u, 0, 'y'), 'y');
    ck_assert(uart_line(&u));
    uart_write(&u, 4, 0x18); /* loop */
    ck_assert_int_eq(uart_write(&u, 0, 'q'), -1);
    ck_assert_uint_eq(uart_read(&u, 0), 'q');
}
END_TEST

static unsigned int at(unsigned int index, uint64_t now)
{
    unsigned int v;

    cmos_write(&c, 0, (uint8_t)index);
    v = cmos_read(&c, 1, now);
    return (v >> 4) * 10 + (v & 15);
}

START_TEST(dates_are_the_librarys)
{
    unsigned int wrong = 0;

    cmos_reset(&c);
    srand(9);
    for (int i = 0; i < 200000; i++) {
        time_t now = (time_t)(((uint64_t)rand() << 15 ^ (uint64_t)rand()) % 8000000000ull);
        struct tm tm;

        gmtime_r(&now, &tm);
        wrong +=
            at(0, (uint64_t)now) != (unsigned int)tm.tm_sec ||
            at(2, (uint64_t)now) != (unsigned int)tm.tm_min ||
            at(4, (uint64_t)now) != (unsigned int)tm.tm_hour ||
            at(7, (uint64_t)now) != (unsigned int)tm.tm_mday ||
            at(8, (uint64_t)now) != (unsigned int)tm.tm_mon + 1 ||
            at(6, (uint64_t)now) != (unsigned int)tm.tm_wday + 1 ||
            at(9, (uint64_t)now) + 100 * at(0x32, (uint64_t)now) != (unsigned int)tm.tm_year + 1900;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(at(10, 0) / 80, 0); /* never in the middle of an update */
    cmos_write(&c, 0, 11);
    cmos_write(&c, 1, 0x06);
    cmos_write(&c, 0, 9);
    ck_assert_uint_eq(cmos_read(&c, 1, 1577836800), 20); /* binary */
}
END_TEST

START_TEST(random_accesses)
{
    unsigned int wrong = 0;

    uart_reset(&u);
    cmos_reset(&c);
    srand(2);
    for (int i = 0; i < 1000000; i++) {
        unsigned int reg = (unsigned int)rand() % 8;

        if (rand() & 1) {
            int out = uart_write(&u, reg, (uint8_t)rand());

            wrong += out < -1 || out > 255 || (out >= 0 && reg != 0);
            cmos_write(&c, reg & 1, (uint8_t)rand());
        } else {
            (void)uart_read(&u, reg);
            (void)cmos_read(&c, reg & 1, (uint64_t)rand());
        }
        if (rand() % 4 == 0) {
            (void)uart_input(&u, (uint8_t)rand());
        }
        wrong += u.head - u.tail > UART_FIFO || c.index > 127;
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("device_model");
    TCase *tc = tcase_create("device_model");
    SRunner *r;
    int failed;

    tcase_add_test(tc, output_and_divisor);
    tcase_add_test(tc, input_interrupts_until_it_is_read);
    tcase_add_test(tc, room_interrupts_once);
    tcase_add_test(tc, dates_are_the_librarys);
    tcase_add_test(tc, random_accesses);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
