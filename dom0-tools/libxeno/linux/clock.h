/* SPDX-License-Identifier: MIT */
/* Time that only goes on, for waits that have an end. */
#ifndef LIBXENO_LINUX_CLOCK_H
#define LIBXENO_LINUX_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#endif
