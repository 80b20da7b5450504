/* SPDX-License-Identifier: MIT */
/*
 * Sift up, sift down. slot[0] is the earliest; the children of i are 2i+1 and 2i+2.
 */
#include "sched/timer_heap.h"

#include <stddef.h>

static void put(struct timer_heap *h, uint32_t i, struct timer *t)
{
    h->slot[i] = t;
    t->heap_idx = (int32_t)i;
}

static void sift_up(struct timer_heap *h, uint32_t i)
{
    struct timer *t = h->slot[i];

    while (i && h->slot[(i - 1) / 2]->deadline_ns > t->deadline_ns) {
        put(h, i, h->slot[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(h, i, t);
}

static void sift_down(struct timer_heap *h, uint32_t i)
{
    struct timer *t = h->slot[i];

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= h->nr) {
            break;
        }
        if (child + 1 < h->nr && h->slot[child + 1]->deadline_ns < h->slot[child]->deadline_ns) {
            child++;
        }
        if (h->slot[child]->deadline_ns >= t->deadline_ns) {
            break;
        }
        put(h, i, h->slot[child]);
        i = child;
    }
    put(h, i, t);
}

bool timer_heap_add(struct timer_heap *h, struct timer *t)
{
    if (h->nr == h->capacity) {
        return false;
    }
    h->nr++;
    put(h, h->nr - 1, t);
    sift_up(h, h->nr - 1);
    return true;
}

void timer_heap_remove(struct timer_heap *h, struct timer *t)
{
    uint32_t i = (uint32_t)t->heap_idx;
    struct timer *last = h->slot[--h->nr];

    t->heap_idx = -1;
    if (last != t) {
        put(h, i, last);
        sift_up(h, i);
        sift_down(h, (uint32_t)last->heap_idx);
    }
}

struct timer *timer_heap_first(const struct timer_heap *h)
{
    return h->nr ? h->slot[0] : NULL;
}
