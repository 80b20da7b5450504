/* SPDX-License-Identifier: MIT */
/* Conversions between ticks and nanoseconds as multiplication and shift, in the form that vcpu_time_info has. Pure. */
#ifndef X86_TSC_SCALE_H
#define X86_TSC_SCALE_H

#include <stdint.h>

struct tsc_scale {
    uint32_t
        mul_frac; /* ns = ((tsc << shift) * mul_frac) >> 32; ABI: tsc_to_system_mul, tsc_shift */
    int8_t shift;
};

/* The scale that turns ticks of `khz` into nanoseconds, mul_frac with its top bit set. khz: 1 to 2^32 - 1. */
struct tsc_scale tsc_scale_of_khz(uint64_t khz);

static inline uint64_t tsc_scale_apply(const struct tsc_scale *s, uint64_t ticks)
{
    ticks = s->shift >= 0 ? ticks << s->shift : ticks >> -s->shift;
    return (uint64_t)(((unsigned __int128)ticks * s->mul_frac) >> 32);
}

/* Seconds since 1970 of a date, 1970 to 2199; month and day count from 1. */
uint64_t seconds_of_date(uint32_t year, uint32_t month, uint32_t day, uint32_t hour,
                         uint32_t minute, uint32_t second);

#endif
