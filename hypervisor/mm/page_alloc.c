/* SPDX-License-Identifier: MIT */
/*
 * Buddy allocator, see page_alloc.h. Links, order and the FREE mark live in the first frame's
 * page_info; a free frame's other fields belong to nobody. The reference word's count stays zero
 * here, so no reference can be taken meanwhile.
 */
#include "mm/page_alloc.h"

#include "common/compiler.h"

/*
 * Bits needed for the frame number: 0 for frame 0. All frames of an aligned block not at 0 have the
 * same width.
 */
static unsigned int width_of(uint32_t idx)
{
    return idx ? 32u - (unsigned int)__builtin_clz(idx) : 0;
}

void page_pool_init(struct page_pool *p)
{
    unsigned int w, o;

    *p = (struct page_pool){0};
    for (w = 0; w < POOL_WIDTHS; w++) {
        for (o = 0; o <= POOL_MAX_ORDER; o++) {
            p->head[w][o] = PAGE_IDX_NONE;
        }
    }
}

static void link_block(struct page_pool *p, uint32_t idx, unsigned int order)
{
    unsigned int w = width_of(idx);
    struct page_info *pg = page_of_idx(idx);

    pg->order = (uint8_t)order;
    page_list_push(&p->head[w][order], pg);
    p->orders[w] |= 1u << order;
    p->widths |= 1ull << w;
    WRITE_ONCE(pg->refs, pg->refs | PGR_FREE);
}

static void unlink_block(struct page_pool *p, uint32_t idx)
{
    unsigned int w = width_of(idx);
    struct page_info *pg = page_of_idx(idx);
    unsigned int order = pg->order;

    page_list_unlink(&p->head[w][order], pg);
    if (p->head[w][order] == PAGE_IDX_NONE) {
        p->orders[w] &= ~(1u << order);
        if (!p->orders[w]) {
            p->widths &= ~(1ull << w);
        }
    }
    WRITE_ONCE(pg->refs, pg->refs & ~PGR_FREE);
}

void page_pool_free(struct page_pool *p, uint32_t idx, unsigned int order)
{
    p->nr_free += 1ull << order;
    while (order < POOL_MAX_ORDER) {
        uint32_t buddy = idx ^ (1u << order);

        /*
         * widths differ only at the bottom: a block at frame 0 stays alone, as its frames have
         * several widths
         */
        if (buddy >= nr_frames || width_of(buddy) != width_of(idx) ||
            !(page_of_idx(buddy)->refs & PGR_FREE) || page_of_idx(buddy)->order != order) {
            break;
        }
        unlink_block(p, buddy);
        idx &= ~(1u << order);
        order++;
    }
    link_block(p, idx, order);
}

void page_pool_free_range(struct page_pool *p, uint32_t first, uint64_t nr)
{
    while (nr > 0) {
        unsigned int order = first ? (unsigned int)__builtin_ctz(first) : 0;
        unsigned int fits = 63u - (unsigned int)__builtin_clzll(nr);

        order = MIN(order, fits);
        order = MIN(order, POOL_MAX_ORDER);
        page_pool_free(p, first, order);
        first += 1u << order;
        nr -= 1ull << order;
    }
}

__cold_fn bool page_pool_has(uint32_t idx)
{
    for (unsigned int order = 0; order <= POOL_MAX_ORDER; order++) {
        const struct page_info *head = page_of_idx(idx >> order << order);

        if (READ_ONCE(head->refs) & PGR_FREE) {
            return order <= head->order;
        }
    }
    return false;
}

uint32_t page_pool_alloc(struct page_pool *p, unsigned int order, unsigned int max_bits)
{
    uint64_t widths = p->widths;

    if (order > POOL_MAX_ORDER) {
        return PAGE_IDX_NONE;
    }
    if (max_bits < POOL_WIDTHS - 1) {
        widths &= (1ull << (max_bits + 1)) - 1;
    }
    while (widths) {
        unsigned int w = 63u - (unsigned int)__builtin_clzll(widths);
        uint32_t big_enough = p->orders[w] >> order << order;

        if (big_enough) {
            unsigned int have = (unsigned int)__builtin_ctz(big_enough);
            uint32_t idx = p->head[w][have];

            unlink_block(p, idx);
            while (have > order) {
                have--;
                link_block(p, idx, have); /* the lower half goes back: high memory is used first */
                idx += 1u << have;
            }
            p->nr_free -= 1ull << order;
            return idx;
        }
        widths &= ~(1ull << w);
    }
    return PAGE_IDX_NONE;
}
