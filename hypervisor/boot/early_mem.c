/* SPDX-License-Identifier: MIT */
/* The list of free ranges. Pure. */
#include "boot/early_mem.h"

#include "common/compiler.h"
#include "common/string.h"

#define FRAME    4096ull
#define E820_RAM 1

static void remove_at(struct early_mem *m, uint32_t i)
{
    memmove(&m->range[i], &m->range[i + 1], (m->nr - i - 1) * sizeof(m->range[0]));
    m->nr--;
}

static bool insert_at(struct early_mem *m, uint32_t i, uint64_t start, uint64_t end)
{
    if (m->nr == EARLY_MAX_RANGES) {
        return false;
    }
    memmove(&m->range[i + 1], &m->range[i], (m->nr - i) * sizeof(m->range[0]));
    m->range[i] = (struct early_range){start, end};
    m->nr++;
    return true;
}

bool early_mem_add(struct early_mem *m, uint64_t start, uint64_t end)
{
    uint32_t i = 0;

    start = start > UINT64_MAX - FRAME ? start : ALIGN_UP(start, FRAME);
    end = ALIGN_DOWN(end, FRAME);
    if (start >= end) {
        return true;
    }
    while (i < m->nr && m->range[i].end < start) {
        i++;
    }
    /* Swallow all that it overlaps or touches. */
    while (i < m->nr && m->range[i].start <= end) {
        start = MIN(start, m->range[i].start);
        end = MAX(end, m->range[i].end);
        remove_at(m, i);
    }
    return insert_at(m, i, start, end);
}

bool early_mem_reserve(struct early_mem *m, uint64_t start, uint64_t end)
{
    start = ALIGN_DOWN(start, FRAME);
    end = end > UINT64_MAX - FRAME ? ALIGN_DOWN(UINT64_MAX, FRAME) : ALIGN_UP(end, FRAME);
    if (start >= end) {
        return true;
    }
    for (uint32_t i = 0; i < m->nr;) {
        struct early_range *r = &m->range[i];

        if (r->end <= start || r->start >= end) {
            i++;
        } else if (r->start < start && r->end > end) {
            uint64_t tail = r->end;

            r->end = start;
            return insert_at(m, i + 1, end, tail);
        } else if (r->start < start) {
            r->end = start;
            i++;
        } else if (r->end > end) {
            r->start = end;
            i++;
        } else {
            remove_at(m, i);
        }
    }
    return true;
}

bool early_mem_init(struct early_mem *m, const struct boot_e820 *map, uint32_t nr)
{
    bool ok = true;

    m->nr = 0;
    for (uint32_t i = 0; i < nr; i++) {
        if (map[i].type == E820_RAM) {
            ok &= early_mem_add(m, map[i].start, map[i].start + map[i].size);
        }
    }
    for (uint32_t i = 0; i < nr; i++) {
        if (map[i].type != E820_RAM) {
            ok &= early_mem_reserve(m, map[i].start, map[i].start + map[i].size);
        }
    }
    return ok;
}

uint64_t early_mem_alloc(struct early_mem *m, uint64_t bytes, uint64_t limit)
{
    for (uint32_t i = m->nr; i-- > 0;) {
        struct early_range *r = &m->range[i];
        uint64_t end = MIN(r->end, limit);

        if (end > r->start && end - r->start >= bytes) {
            uint64_t start = end - bytes;

            return early_mem_reserve(m, start, end) ? start : 0;
        }
    }
    return 0;
}

void early_mem_clip(struct early_mem *m, uint64_t bytes)
{
    uint32_t i = 0;

    while (i < m->nr && m->range[i].end - m->range[i].start <= bytes) {
        bytes -= m->range[i].end - m->range[i].start;
        i++;
    }
    if (i < m->nr) {
        m->range[i].end = m->range[i].start + ALIGN_DOWN(bytes, FRAME);
        m->nr = m->range[i].end > m->range[i].start ? i + 1 : i;
    }
}

uint64_t early_mem_total(const struct early_mem *m)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < m->nr; i++) {
        total += m->range[i].end - m->range[i].start;
    }
    return total;
}
