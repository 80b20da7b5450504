/* SPDX-License-Identifier: MIT */
/*
 * The machine's free RAM. A frame that a domain had is zeroed on its way out, after the flush (a
 * stale writable mapping could spoil it earlier), so that a domain's end costs nothing of it; the
 * hypervisor's own frames come back zeroed. Both happen outside the lock.
 */
#include "mm/heap.h"

#include "common/compiler.h"
#include "mm/map.h"
#include "mm/page_alloc.h"
#include "x86/fpu.h"
#include "x86/lock.h"

uint64_t nr_frames;

static struct spinlock heap_lock = SPINLOCK_INIT("heap", LOCK_HEAP);
static struct page_pool pool;
static uint64_t claimed;

void heap_init(uint64_t frames)
{
    nr_frames = frames;
    page_pool_init(&pool, frame_table, frames);
}

static void make_ram(uint32_t first, uint64_t nr, uint64_t flags)
{
    uint64_t i;

    for (i = 0; i < nr; i++) {
        struct page_info *pg = page_of_idx((uint32_t)(first + i));

        pg->refs = PGR_RAM | flags | ((uint64_t)PAGE_OWNER_NONE << PGR_OWNER_SHIFT);
        pg->next = pg->prev = pg->work_next = PAGE_IDX_NONE;
    }
}

void heap_add(uint32_t first, uint64_t nr)
{
    make_ram(first, nr, PGR_DIRTY);
    spin_lock(&heap_lock);
    page_pool_add(&pool, first, nr);
    spin_unlock(&heap_lock);
}

void heap_add_used(uint32_t first, uint64_t nr)
{
    make_ram(first, nr, 0);
    spin_lock(&heap_lock);
    pool.nr_total += nr;
    spin_unlock(&heap_lock);
}

/* A function of its own, so that a profile tells it from all else. */
static __attribute__((noinline)) void zero_frame(mfn_t mfn)
{
    void *frame = map_frame(mfn);

    fpu_zero_page(frame);
    unmap_frame(frame);
}

/* No translation of these frames is left anywhere, and they are zero. */
static void make_clean(uint32_t first, uint64_t nr)
{
    uint64_t i;

    for (i = 0; i < nr; i++) {
        struct page_info *pg = page_of_idx((uint32_t)(first + i));

        if (pg->refs & PGR_DIRTY) {
            tlb_flush_stale(~0ull, pgt_stamp(pg->type));
            zero_frame(page_mfn(pg));
            WRITE_ONCE(pg->refs, pg->refs & ~PGR_DIRTY);
        }
    }
}

uint32_t heap_alloc(struct mm_owner *o, unsigned int order, unsigned int max_bits)
{
    uint64_t nr = 1ull << order;
    uint32_t first = PAGE_IDX_NONE;

    spin_lock(&heap_lock);
    if (pool.nr_free >= nr &&
        pool.nr_free - nr >= claimed - (o ? MIN(o->outstanding_pages, nr) : 0)) {
        first = page_pool_alloc(&pool, order, max_bits);
    }
    if (first != PAGE_IDX_NONE && o) {
        uint64_t from_claim = MIN(o->outstanding_pages, nr);

        o->outstanding_pages -= from_claim;
        claimed -= from_claim;
    }
    spin_unlock(&heap_lock);
    if (first != PAGE_IDX_NONE) {
        make_clean(first, nr);
    }
    return first;
}

void heap_free(uint32_t first, uint64_t nr, bool clean)
{
    uint64_t i;

    for (i = 0; i < nr; i++) {
        struct page_info *pg = page_of_idx((uint32_t)(first + i));

        WRITE_ONCE(pg->refs, PGR_RAM | (clean ? 0 : PGR_DIRTY) |
                                 ((uint64_t)PAGE_OWNER_NONE << PGR_OWNER_SHIFT));
    }
    spin_lock(&heap_lock);
    page_pool_free_range(&pool, first, nr);
    spin_unlock(&heap_lock);
}

int heap_claim(struct mm_owner *o, uint64_t pages)
{
    uint64_t want;
    int rc = 0;

    spin_lock(&o->pages_lock);
    spin_lock(&heap_lock);
    claimed -= o->outstanding_pages;
    o->outstanding_pages = 0;
    if (pages != 0) {
        want = pages - MIN(pages, o->tot_pages);
        if (pages > o->max_pages || pages < o->tot_pages) {
            rc = -EINVAL;
        } else if (want > pool.nr_free - MIN(pool.nr_free, claimed)) {
            rc = -ENOMEM;
        } else {
            o->outstanding_pages = want;
            claimed += want;
        }
    }
    spin_unlock(&heap_lock);
    spin_unlock(&o->pages_lock);
    return rc;
}

uint64_t heap_claimed(void)
{
    return READ_ONCE(claimed);
}

uint64_t frames_free(void)
{
    return READ_ONCE(pool.nr_free);
}

uint64_t frames_total(void)
{
    return READ_ONCE(pool.nr_total);
}
