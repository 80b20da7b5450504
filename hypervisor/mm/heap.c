/* SPDX-License-Identifier: MIT */
/*
 * The machine's free RAM. A frame that a domain had is zeroed by a CPU that has nothing else to do, or at the latest on its way
 * out, so that a domain's end costs nothing of it; after the flush, for a stale writable mapping could spoil it. The hypervisor's
 * own frames come back zeroed. All of that happens outside the lock.
 * Invariant: one CPU at a time zeroes a frame that is in the pool, `scrubbed`; who allocates it meanwhile waits for that.
 */
#include "mm/heap.h"

#include "common/compiler.h"
#include "mm/map.h"
#include "mm/page_alloc.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/ipi.h"
#include "x86/lock.h"

uint64_t nr_frames;

static struct spinlock heap_lock = SPINLOCK_INIT("heap", LOCK_HEAP);
static struct page_pool pool;
static uint64_t claimed;
static uint64_t nr_dirty;                 /* atomic */
static uint32_t dirty_end;                /* no frame in the pool from here on is dirty; lock */
static uint32_t scrubbed = PAGE_IDX_NONE; /* written under the lock */

/* Frames that an idle CPU looks at in one turn: as long as it takes to zero one. */
#define SCRUB_LOOKS 64u

void heap_init(uint64_t frames)
{
    nr_frames = frames;
    page_pool_init(&pool);
}

void heap_add_used(uint32_t first, uint64_t nr)
{
    uint64_t i;

    for (i = 0; i < nr; i++) {
        struct page_info *pg = page_of_idx((uint32_t)(first + i));

        pg->refs = PGR_RAM | ((uint64_t)PAGE_OWNER_NONE << PGR_OWNER_SHIFT);
        pg->next = pg->prev = pg->work_next = PAGE_IDX_NONE;
    }
    spin_lock(&heap_lock);
    pool.nr_total += nr;
    spin_unlock(&heap_lock);
}

void heap_add(uint32_t first, uint64_t nr)
{
    heap_add_used(first, nr);
    heap_free(first, nr, false);
}

/* No translation of the dirty frame is left anywhere, and it is zero. Out of line: it is long, and has two callers. */
static __attribute__((noinline)) void make_clean(struct page_info *pg)
{
    void *frame = map_frame(page_mfn(pg));

    tlb_flush_stale(~0ull, pgt_stamp(pg->type));
    fpu_zero_page(frame);
    unmap_frame(frame);
    __atomic_sub_fetch(&nr_dirty, 1, __ATOMIC_RELAXED);
}

uint32_t heap_alloc(struct mm_owner *o, unsigned int order, unsigned int max_bits)
{
    uint64_t nr = 1ull << order;
    uint32_t first = PAGE_IDX_NONE;
    uint64_t i;

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
    if (first == PAGE_IDX_NONE) {
        return first;
    }
    while (unlikely(__atomic_load_n(&scrubbed, __ATOMIC_ACQUIRE) - first < nr)) {
        ipi_poll(); /* whoever zeroes it may have to wait for us first */
        cpu_relax();
    }
    for (i = 0; i < nr; i++) {
        struct page_info *pg = page_of_idx((uint32_t)(first + i));

        if (pg->refs & PGR_DIRTY) {
            make_clean(pg);
            WRITE_ONCE(pg->refs, pg->refs & ~PGR_DIRTY);
        }
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
    if (!clean) {
        __atomic_add_fetch(&nr_dirty, nr, __ATOMIC_RELAXED);
        WRITE_ONCE(dirty_end, MAX(dirty_end, first + (uint32_t)nr));
    }
    spin_unlock(&heap_lock);
}

/* The highest dirty frame of the pool, if it is among those that may be looked at now. Lock held. */
static __cold_fn struct page_info *find_dirty(void)
{
    uint32_t end = dirty_end, least = end - MIN(end, SCRUB_LOOKS);

    while (end > least && !((READ_ONCE(page_of_idx(end - 1)->refs) & PGR_DIRTY) && page_pool_has(end - 1))) {
        end--;
    }
    WRITE_ONCE(dirty_end, end);
    return end > least ? page_of_idx(end - 1) : NULL;
}

__cold_fn bool heap_scrub(void)
{
    struct page_info *pg = NULL;
    bool more = false;

    if (likely(READ_ONCE(dirty_end) == 0)) {
        return false;
    }
    spin_lock(&heap_lock);
    if (scrubbed == PAGE_IDX_NONE) {
        pg = find_dirty();
        more = pg ? !tlb_flush_disturbs(pgt_stamp(pg->type)) : dirty_end > 0;
        pg = more ? pg : NULL;
        scrubbed = pg ? page_idx(pg) : PAGE_IDX_NONE;
    }
    spin_unlock(&heap_lock);
    if (pg) {
        make_clean(pg);
        spin_lock(&heap_lock);
        WRITE_ONCE(pg->refs, pg->refs & ~PGR_DIRTY);
        __atomic_store_n(&scrubbed, PAGE_IDX_NONE, __ATOMIC_RELEASE);
        spin_unlock(&heap_lock);
    }
    return more;
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

uint64_t frames_dirty(void)
{
    return READ_ONCE(nr_dirty);
}

uint64_t frames_total(void)
{
    return READ_ONCE(pool.nr_total);
}
