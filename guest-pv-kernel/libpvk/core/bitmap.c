/* SPDX-License-Identifier: MIT */
/*
 * First fit over a bitmap, a word at a time where a whole word is in use.
 */
#include "libpvk/core/bitmap.h"

#define WORD_BITS 64

static bool is_used(const struct bitmap *map, uint64_t bit)
{
    return (map->words[bit / WORD_BITS] >> (bit % WORD_BITS)) & 1;
}

/* The bits of one word that belong to [first, end), where first lies in that word. */
static uint64_t word_mask(uint64_t first, uint64_t end)
{
    uint64_t low = first % WORD_BITS;
    uint64_t n = end - first < WORD_BITS - low ? end - first : WORD_BITS - low;

    return (n == WORD_BITS ? ~0ul : (1ul << n) - 1) << low;
}

static uint64_t next_word(uint64_t bit)
{
    return (bit / WORD_BITS + 1) * WORD_BITS;
}

void bitmap_init(struct bitmap *map, uint64_t *words, uint64_t nr_bits)
{
    map->words = words;
    map->nr_bits = nr_bits;
    map->nr_free = 0;
    map->hint = nr_bits;
    for (uint64_t i = 0; i < (nr_bits + WORD_BITS - 1) / WORD_BITS; i++) {
        words[i] = ~0ul;
    }
}

/* Number of free bits in a row from first on, counted up to count. */
static uint64_t run_length(const struct bitmap *map, uint64_t first, uint64_t count)
{
    uint64_t n = 0;

    while (n < count && first + n < map->nr_bits && !is_used(map, first + n)) {
        n++;
    }
    return n;
}

uint64_t bitmap_take(struct bitmap *map, uint64_t count, uint64_t align)
{
    uint64_t bit = (map->hint + align - 1) & ~(align - 1);

    while (bit < map->nr_bits && count <= map->nr_free) {
        uint64_t n;

        if (bit % WORD_BITS == 0 && map->words[bit / WORD_BITS] == ~0ul) {
            bit += align > WORD_BITS ? align : WORD_BITS;
            continue;
        }
        n = run_length(map, bit, count);
        if (n == count) {
            for (uint64_t at = bit; at < bit + count; at = next_word(at)) {
                map->words[at / WORD_BITS] |= word_mask(at, bit + count);
            }
            map->nr_free -= count;
            if (align == 1 && count == 1) {
                map->hint = bit + 1; /* nothing below was free */
            }
            return bit;
        }
        bit = (bit + n + align) & ~(align - 1);
    }
    return BITMAP_NONE;
}

bool bitmap_give(struct bitmap *map, uint64_t first, uint64_t count)
{
    uint64_t end = first + count;

    if (first > map->nr_bits || count > map->nr_bits - first) {
        return false;
    }
    for (uint64_t at = first; at < end; at = next_word(at)) {
        uint64_t mask = word_mask(at, end);

        if ((map->words[at / WORD_BITS] & mask) != mask) {
            return false;
        }
    }
    for (uint64_t at = first; at < end; at = next_word(at)) {
        map->words[at / WORD_BITS] &= ~word_mask(at, end);
    }
    map->nr_free += count;
    if (first < map->hint) {
        map->hint = first;
    }
    return true;
}
