/* SPDX-License-Identifier: MIT */
/*
 * Physical memory for parsers under test: 64 KiB from address 0, handed out as copies of exactly the size that was asked
 * for, so that the sanitizer sees every byte that is read too far. Copies live until fake_memory_reset().
 */
#ifndef TESTS_FAKE_MEMORY_H
#define TESTS_FAKE_MEMORY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot_info.h"

#define FAKE_BYTES 0x10000u

static uint8_t fake_memory[FAKE_BYTES];
static void **fake_copies;
static size_t fake_nr;

static inline const void *fake_at(void *ctx, uint64_t pa, uint64_t bytes)
{
    void *copy;

    (void)ctx;
    if (pa >= FAKE_BYTES || bytes > FAKE_BYTES - pa) {
        return NULL;
    }
    copy = malloc(bytes);
    memcpy(copy, fake_memory + pa, bytes);
    if ((fake_nr & (fake_nr + 1)) == 0) {
        fake_copies = realloc(fake_copies, (2 * fake_nr + 2) * sizeof(*fake_copies));
    }
    fake_copies[fake_nr++] = copy;
    return copy;
}

static const struct boot_reader fake_reader = {fake_at, NULL};

static inline void fake_memory_reset(void)
{
    while (fake_nr > 0) {
        free(fake_copies[--fake_nr]);
    }
    free(fake_copies);
    fake_copies = NULL;
    memset(fake_memory, 0, sizeof(fake_memory));
}

static inline void fake_put(uint64_t pa, const void *data, size_t n)
{
    memcpy(fake_memory + pa, data, n);
}

static inline void fake_put32(uint64_t pa, uint32_t v)
{
    fake_put(pa, &v, sizeof(v));
}

static inline void fake_put64(uint64_t pa, uint64_t v)
{
    fake_put(pa, &v, sizeof(v));
}

#endif
