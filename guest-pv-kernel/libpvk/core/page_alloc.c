/* SPDX-License-Identifier: MIT */
/*
 * The page allocator and the window allocator: two bitmaps and a lock. Pages are addresses in the linear map and come
 * zeroed; windows are addresses with nothing behind them.
 */
#include <string.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/bitmap.h"
#include "libpvk/core/layout.h"
#include "pvk/memory.h"
#include "pvk/spinlock.h"
#include "pvk/traps.h"

static struct spinlock lock;
static struct bitmap frames; /* lock: lock */
static uint64_t window_words[WINDOW_PAGES / 64];
static struct bitmap windows = BITMAP_ALL_FREE(window_words, WINDOW_PAGES); /* lock: lock */

void page_alloc_init(uint64_t *bitmap, uint64_t nr_frames)
{
    bitmap_init(&frames, bitmap, nr_frames);
}

void page_alloc_add(pfn_t first, uint64_t nr_frames)
{
    irq_state was = spin_lock(&lock);
    bool ok = bitmap_give(&frames, pfn_raw(first), nr_frames);

    spin_unlock(&lock, was);
    ASSERT(ok);
}

uint64_t memory_frames(void)
{
    return frames.nr_bits;
}

uint64_t page_nr_free(void)
{
    return frames.nr_free;
}

void *page_alloc(unsigned order)
{
    irq_state was = spin_lock(&lock);
    uint64_t frame = bitmap_take(&frames, 1ul << order, 1ul << order);
    void *va;

    spin_unlock(&lock, was);
    if (frame == BITMAP_NONE) {
        return NULL;
    }
    va = va_of_pfn(pfn_make(frame));
    memset(va, 0, (size_t)PAGE_SIZE << order);
    return va;
}

void page_free(void *va, unsigned order)
{
    page_alloc_add(pfn_of_va(va), 1ul << order);
}

void *window_alloc(size_t nr_pages)
{
    irq_state was = spin_lock(&lock);
    uint64_t index = bitmap_take(&windows, nr_pages, 1);

    spin_unlock(&lock, was);
    return index == BITMAP_NONE ? NULL : (void *)(WINDOW_BASE + index * PAGE_SIZE);
}

void window_free(void *va, size_t nr_pages)
{
    irq_state was = spin_lock(&lock);
    bool ok = bitmap_give(&windows, ((uintptr_t)va - WINDOW_BASE) / PAGE_SIZE, nr_pages);

    spin_unlock(&lock, was);
    ASSERT(ok);
}
