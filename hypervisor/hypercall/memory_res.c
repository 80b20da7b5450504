/* SPDX-License-Identifier: MIT */
/*
 * A domain's frames come and go by extents (see memory_res.h). Every guest number is read once. The lists are in the caller's
 * memory, the frames may be another domain's.
 * Invariant: an extent is done wholly or not at all, and one that failed leaves no frame behind.
 */
#include "hypercall/memory_res.h"

#include "common/errno.h"
#include "domain/privilege.h"
#include "full/full.h"
#include "mm/frame_ref.h"
#include "mm/guest_copy.h"
#include "mm/m2p.h"
#include "mm/page_alloc.h"
#include "mm/page_info.h"
#include "mm/pt_pin.h"
#include "x86/entry.h"
#include "x86/percpu.h"

/* Largest extent: 2 MiB; a control domain may ask for more (its allocation is not a latency to others by its own will). */
#define ORDER_GUEST 9u

static unsigned int max_order(void)
{
    return may_domctl(current_domain()) ? POOL_MAX_ORDER : ORDER_GUEST;
}

/* Width in frames of "machine addresses below 2^bits"; 0 in the ABI means no limit. */
static unsigned int frame_bits(const struct xen_memory_reservation *r)
{
    unsigned int bits = XENMEMF_get_address_bits(r->mem_flags);

    if (bits == 0) {
        return 32;
    }
    return bits > PAGE_SHIFT ? bits - PAGE_SHIFT : 0;
}

static gva_t extents(const struct xen_memory_reservation *r)
{
    return gva_make((uint64_t)r->extent_start.p);
}

static void release_extent(uint32_t first, unsigned int order)
{
    uint64_t i;

    for (i = 0; i < 1ull << order; i++) {
        (void)page_release(page_of_idx(first + (uint32_t)i));
    }
}

/* Frames for one extent; their PFNs are pfn, pfn + 1, … if there is one. PAGE_IDX_NONE: none to be had. */
static uint32_t extent_alloc(struct domain *d, const struct xen_memory_reservation *r, uint64_t pfn)
{
    bool limit;
    struct page_info *pg = page_alloc_for(&d->mm, r->extent_order, frame_bits(r), &limit);
    uint64_t i;

    if (!pg) {
        return PAGE_IDX_NONE;
    }
    for (i = 0; pfn != M2P_NONE && i < 1ull << r->extent_order; i++) {
        m2p_set(page_mfn(pg + i), pfn + i);
    }
    return page_idx(pg);
}

int memory_populate(struct domain *d, const struct xen_memory_reservation *r, bool with_pfns,
                    uint64_t *done)
{
    uint64_t start = *done;
    gva_t list = extents(r);

    if (r->extent_order > max_order()) {
        return 0;
    }
    for (; *done < r->nr_extents; (*done)++) {
        uint64_t pfn = M2P_NONE, mfn;
        uint32_t first;
        int rc;

        if (*done > start && preempt_pending()) {
            return -ERESTART;
        }
        rc = with_pfns ? guest_read_elem(&pfn, list, *done, sizeof(pfn)) : 0;
        if (rc) {
            return 0; /* the ABI: a bad pointer ends the list, the count tells */
        }
        first = extent_alloc(d, r, pfn);
        if (first == PAGE_IDX_NONE) {
            return 0;
        }
        if (d->full) { /* the frames answer to their numbers in the domain; the list stays as it is */
            if (!with_pfns || physmap_add_extent(d->full, pfn, first, r->extent_order)) {
                release_extent(first, r->extent_order);
                return 0;
            }
            continue;
        }
        mfn = first;
        if (gva_raw(list) && guest_write_elem(list, *done, &mfn, sizeof(mfn))) {
            release_extent(first, r->extent_order);
            return 0;
        }
    }
    return 0;
}

/* The owner gives up one frame, and its pin with it. */
static int give_up(struct domain *d, mfn_t mfn)
{
    int rc = frame_get(&d->mm, mfn);

    if (rc) {
        return rc;
    }
    if (READ_ONCE(page_of_mfn(mfn)->type) & PGT_PINNED) {
        rc = pt_unpin(&d->mm, mfn);
    }
    if (rc == 0 &&
        ((READ_ONCE(page_of_mfn(mfn)->refs) & PGR_SHARED) || !page_release(page_of_mfn(mfn)))) {
        rc = -EINVAL;
    }
    frame_put(mfn);
    return rc;
}

int memory_decrease(struct domain *d, const struct xen_memory_reservation *r, uint64_t *done)
{
    uint64_t start = *done;

    if (r->extent_order > max_order()) {
        return 0;
    }
    for (; *done < r->nr_extents; (*done)++) {
        uint64_t mfn, i;
        int rc = pt_walk_settle(&d->mm);

        if (rc || (*done > start && preempt_pending())) {
            return -ERESTART;
        }
        if (guest_read_elem(&mfn, extents(r), *done, sizeof(mfn))) {
            return 0;
        }
        for (i = 0; rc == 0 && i < 1ull << r->extent_order; i++) {
            rc = d->full ? physmap_give_up(d->full, mfn + i) : give_up(d, mfn_make(mfn + i));
        }
        if (rc) {
            return 0;
        }
    }
    return 0;
}

/* ---- exchange ---- */

/* Stolen frames of the chunk at hand, linked by page_info.next; nobody else looks at a stolen frame. */
struct stolen {
    uint32_t first;
};

static int steal_chunk(struct domain *d, const struct xen_memory_reservation *in, uint64_t at,
                       uint64_t nr, struct stolen *s)
{
    uint64_t i, j;

    for (i = 0; i < nr; i++) {
        uint64_t mfn;
        int rc = guest_read_elem(&mfn, extents(in), at + i, sizeof(mfn));

        for (j = 0; rc == 0 && j < 1ull << in->extent_order; j++) {
            struct page_info *pg = page_of_mfn(mfn_make(mfn + j));

            rc = pg && page_steal(&d->mm, pg) == 0 ? 0 : -EINVAL;
            if (rc == 0) {
                pg->next = s->first;
                s->first = page_idx(pg);
            }
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

static void end_chunk(struct domain *d, struct stolen *s, bool traded)
{
    while (s->first != PAGE_IDX_NONE) {
        struct page_info *pg = page_of_idx(s->first);

        s->first = pg->next;
        if (traded) {
            page_give_back(pg);
        } else {
            page_unsteal(&d->mm, pg);
        }
    }
}

static int fill_chunk(struct domain *d, const struct xen_memory_reservation *out, uint64_t at,
                      uint64_t nr)
{
    uint32_t got[1u << ORDER_GUEST];
    uint64_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < nr; i++) {
        uint64_t pfn, mfn;

        rc = guest_read_elem(&pfn, extents(out), at + i, sizeof(pfn));
        if (rc) {
            break;
        }
        got[i] = extent_alloc(d, out, pfn);
        if (got[i] == PAGE_IDX_NONE) {
            rc = -ENOMEM;
            break;
        }
        mfn = got[i];
        rc = guest_write_elem(extents(out), at + i, &mfn, sizeof(mfn));
    }
    while (rc && i-- > 0) {
        release_extent(got[i], out->extent_order);
    }
    return rc;
}

static int exchange_check(const struct xen_memory_exchange *x)
{
    uint64_t in = x->in.nr_extents, out = x->out.nr_extents;

    if (x->in.extent_order > ORDER_GUEST || x->out.extent_order > ORDER_GUEST) {
        return -EPERM;
    }
    if (in >> (63 - ORDER_GUEST) || out >> (63 - ORDER_GUEST) || x->nr_exchanged > in ||
        x->in.domid != x->out.domid || in << x->in.extent_order != out << x->out.extent_order) {
        return -EINVAL;
    }
    return 0;
}

int memory_exchange(struct domain *d, struct xen_memory_exchange *x)
{
    unsigned int in_order = x->in.extent_order, out_order = x->out.extent_order;
    /* a chunk is one extent of the larger kind, and as many of the other as make it up */
    unsigned int chunk = MAX(in_order, out_order);
    uint64_t in_nr = 1ull << (chunk - in_order), out_nr = 1ull << (chunk - out_order);
    int rc = exchange_check(x);
    bool first = true;

    while (rc == 0 && x->nr_exchanged < x->in.nr_extents) {
        struct stolen s = {PAGE_IDX_NONE};

        if (pt_walk_settle(&d->mm) || (!first && preempt_pending())) {
            return -ERESTART;
        }
        if (x->nr_exchanged % in_nr || x->in.nr_extents - x->nr_exchanged < in_nr) {
            return -EINVAL;
        }
        first = false;
        rc = steal_chunk(d, &x->in, x->nr_exchanged, in_nr, &s);
        if (rc == 0) {
            rc = fill_chunk(d, &x->out, x->nr_exchanged / in_nr * out_nr, out_nr);
        }
        end_chunk(d, &s, rc == 0);
        x->nr_exchanged += rc == 0 ? in_nr : 0;
    }
    return rc;
}
