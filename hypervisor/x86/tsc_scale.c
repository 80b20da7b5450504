/* SPDX-License-Identifier: MIT */
/* The arithmetic of time. Pure. */
#include "x86/tsc_scale.h"

#include <stdbool.h>

#define NS_PER_S 1000000000ull

struct tsc_scale tsc_scale_of_khz(uint64_t khz)
{
    uint64_t hz = khz * 1000;
    int8_t shift = 0;

    /* Ticks shifted by `shift` come at a rate of 1 to 2 GHz, so ns per tick is a fraction from 1/2 to 1. */
    while (hz > 2 * NS_PER_S) {
        hz >>= 1;
        shift--;
    }
    while (hz <= NS_PER_S) {
        hz <<= 1;
        shift++;
    }
    return (struct tsc_scale){(uint32_t)((NS_PER_S << 32) / hz), shift};
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

uint64_t seconds_of_date(uint32_t year, uint32_t month, uint32_t day, uint32_t hour,
                         uint32_t minute, uint32_t second)
{
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint64_t days = 0;

    for (uint32_t y = 1970; y < year; y++) {
        days += is_leap(y) ? 366 : 365;
    }
    days += before[(month - 1) % 12] + (month > 2 && is_leap(year) ? 1u : 0u) + day - 1;
    return ((days * 24 + hour) * 60 + minute) * 60 + second;
}
