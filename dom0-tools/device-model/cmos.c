/* SPDX-License-Identifier: MIT */
/* The clock, see cmos.h. Dates by counting years from March on, so that the leap day is the last of its year. */
#include "device-model/cmos.h"

#include <stdbool.h>

enum {
    SECOND = 0,
    MINUTE = 2,
    HOUR = 4,
    WEEKDAY = 6,
    DAY = 7,
    MONTH = 8,
    YEAR = 9,
    REG_A = 10,
    REG_B = 11,
    REG_C = 12,
    REG_D = 13,
    CENTURY = 0x32
};

#define A_RATE   0x26u /* 32 kHz, the usual rate */
#define B_24H    0x02u
#define B_BINARY 0x04u
#define D_VALID  0x80u
#define DAYS_400 146097u
#define EPOCH    719468u /* days from 0000-03-01 to 1970-01-01 */

struct date {
    unsigned int year, month, day, weekday;
};

static struct date date_of(uint64_t days)
{
    uint64_t n = days + EPOCH, era = n / DAYS_400, rest = n % DAYS_400;
    uint64_t year = (rest - rest / 1460 + rest / 36524 - rest / 146096) / 365;
    uint64_t of_year = rest - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    struct date d = {.day = (unsigned int)(of_year - (153 * month + 2) / 5 + 1),
                     .weekday = (unsigned int)((days + 4) % 7 + 1)};

    d.month = (unsigned int)(month < 10 ? month + 3 : month - 9);
    d.year = (unsigned int)(era * 400 + year + (d.month <= 2));
    return d;
}

void cmos_reset(struct cmos *c)
{
    *c = (struct cmos){.index = 0};
    c->memory[REG_A] = A_RATE;
    c->memory[REG_B] = B_24H;
    c->memory[REG_D] = D_VALID;
}

/* The value of a register of the clock; false: it is memory. */
static bool clock_register(unsigned int index, uint64_t seconds, unsigned int *value)
{
    struct date d = date_of(seconds / 86400);

    switch (index) {
    case SECOND:
        *value = (unsigned int)(seconds % 60);
        return true;
    case MINUTE:
        *value = (unsigned int)(seconds / 60 % 60);
        return true;
    case HOUR:
        *value = (unsigned int)(seconds / 3600 % 24);
        return true;
    case WEEKDAY:
        *value = d.weekday;
        return true;
    case DAY:
        *value = d.day;
        return true;
    case MONTH:
        *value = d.month;
        return true;
    case YEAR:
        *value = d.year % 100;
        return true;
    case CENTURY:
        *value = d.year / 100;
        return true;
    default:
        return false;
    }
}

uint8_t cmos_read(const struct cmos *c, unsigned int odd, uint64_t seconds)
{
    unsigned int value;

    if (!odd) {
        return 0xff; /* the index cannot be read */
    }
    if (!clock_register(c->index, seconds, &value)) {
        return c->memory[c->index];
    }
    return (uint8_t)(c->memory[REG_B] & B_BINARY ? value : value / 10 << 4 | value % 10);
}

void cmos_write(struct cmos *c, unsigned int odd, uint8_t value)
{
    if (!odd) {
        c->index = value & 0x7f; /* bit 7 masks NMIs */
    } else if (c->index == REG_B) {
        c->memory[REG_B] = (uint8_t)((value & B_BINARY) | B_24H);
    } else if (c->index != REG_A && c->index != REG_C && c->index != REG_D) {
        c->memory[c->index] = value;
    }
}
