/* SPDX-License-Identifier: MIT */
/*
 * Frames of domains: page lists, limits, the end of a frame and of a domain's memory. The page
 * lists hold every frame whose owner field names the domain; a frame leaves its list only after its
 * last reference has gone.
 */
#include "mm/page_info.h"

#include <xen/xen.h>

#include "debug/panic.h"
#include "mm/frame_ref.h"
#include "mm/heap.h"
#include "mm/m2p.h"
#include "mm/map.h"
#include "mm/pt_pin.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/percpu.h"

#define PGF_RELEASED 1u /* page_info.flags: on the released list */

/* Owners by id, in chunks made on demand: ids are sparse, and most machines run few domains. */
#define CHUNK     256u
#define NR_CHUNKS (0x8000u / CHUNK)
static struct mm_owner **owners[NR_CHUNKS];

struct mm_owner mm_owner_xen, mm_owner_io;

struct mm_owner *mm_owner_lookup(uint16_t id)
{
    struct mm_owner **chunk =
        id < 0x8000u ? __atomic_load_n(&owners[id / CHUNK], __ATOMIC_ACQUIRE) : NULL;

    return chunk ? __atomic_load_n(&chunk[id % CHUNK], __ATOMIC_ACQUIRE) : NULL;
}

int mm_owner_init(struct mm_owner *o, uint16_t id, bool privileged, bool io_access)
{
    struct mm_owner **chunk;

    *o = (struct mm_owner){
        .id = id,
        .privileged = privileged,
        .io_access = io_access,
        .rules = {.bad_addr = PTE_ADDR & ~((1ull << cpu_features.phys_bits) - 1),
                  .cache_bits = io_access},
        .promote_top = PAGE_IDX_NONE,
        .dismiss_top = PAGE_IDX_NONE,
        .page_list_head = PAGE_IDX_NONE,
        .released_list_head = PAGE_IDX_NONE,
        .xen_list_head = PAGE_IDX_NONE,
    };
    spin_init(&o->lock, "mm", LOCK_MM);
    spin_init(&o->pages_lock, "pages", LOCK_PAGES);
    if (id >= 0x8000u) {
        return -EINVAL;
    }
    chunk = __atomic_load_n(&owners[id / CHUNK], __ATOMIC_ACQUIRE);
    if (!chunk) {
        struct mm_owner **none = NULL;

        chunk = hv_alloc(CHUNK * sizeof(*chunk));
        if (!chunk) {
            return -ENOMEM;
        }
        if (!__atomic_compare_exchange_n(&owners[id / CHUNK], &none, chunk, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST)) {
            hv_free(chunk); /* another CPU was faster */
            chunk = none;
        }
    }
    __atomic_store_n(&chunk[id % CHUNK], o, __ATOMIC_RELEASE);
    return 0;
}

void mm_owner_retire(struct mm_owner *o)
{
    struct mm_owner **chunk = owners[o->id / CHUNK];

    __atomic_store_n(&chunk[o->id % CHUNK], NULL, __ATOMIC_RELEASE);
}

int page_info_init(void)
{
    int rc = mm_owner_init(&mm_owner_xen, DOMID_XEN, false, false);

    return rc ? rc : mm_owner_init(&mm_owner_io, DOMID_IO, false, false);
}

uint64_t mm_cpus_of_page(const struct page_info *pg)
{
    uint64_t refs = __atomic_load_n(&pg->refs, __ATOMIC_SEQ_CST);
    const struct mm_owner *o = mm_owner_lookup((uint16_t)(refs >> PGR_OWNER_SHIFT));

    if ((refs & PGR_FOREIGN) || !o) {
        return ~0ull;
    }
    return __atomic_load_n(&o->running_cpus, __ATOMIC_SEQ_CST);
}

/* ---- page lists: the owner's pages_lock held ---- */

static uint32_t *list_of(struct mm_owner *o, const struct page_info *pg)
{
    if (pg->refs & PGR_SHARED) {
        return &o->xen_list_head;
    }
    return (pg->flags & PGF_RELEASED) ? &o->released_list_head : &o->page_list_head;
}

static bool lists_empty(const struct mm_owner *o)
{
    return (o->page_list_head & o->released_list_head & o->xen_list_head) == PAGE_IDX_NONE;
}

/* ---- getting and giving up ---- */

struct page_info *page_alloc_for(struct mm_owner *o, unsigned int order, unsigned int max_bits,
                                 bool *limit)
{
    uint64_t nr = 1ull << order;
    uint32_t first;
    uint64_t i;

    spin_lock(&o->pages_lock);
    *limit = o->dying || o->tot_pages + nr > o->max_pages;
    if (!*limit) {
        o->tot_pages += nr;
    }
    spin_unlock(&o->pages_lock);
    if (*limit) {
        return NULL;
    }
    first = heap_alloc(o, order, max_bits);
    spin_lock(&o->pages_lock);
    if (first == PAGE_IDX_NONE || o->dying) {
        *limit = o->dying;
        o->tot_pages -= nr;
        spin_unlock(&o->pages_lock);
        if (first != PAGE_IDX_NONE) {
            heap_free(first, nr, true);
        }
        return NULL;
    }
    for (i = nr; i-- > 0;) {
        struct page_info *pg = page_of_idx((uint32_t)(first + i));

        pg->flags = 0;
        pg->type = 0;
        page_list_push(&o->page_list_head, pg);
        /* from here on anybody may find it */
        __atomic_store_n(&pg->refs,
                         PGR_RAM | PGR_ALLOCATED | ((uint64_t)o->id << PGR_OWNER_SHIFT) | 1,
                         __ATOMIC_RELEASE);
    }
    spin_unlock(&o->pages_lock);
    return page_of_idx(first);
}

/*
 * Off the page list; true if the allocation reference was still there, and now is the caller's to
 * drop.
 */
static bool disown_locked(struct mm_owner *o, struct page_info *pg)
{
    page_list_unlink(list_of(o, pg), pg);
    pg->flags |= PGF_RELEASED;
    page_list_push(&o->released_list_head, pg);
    return __atomic_fetch_and(&pg->refs, ~PGR_ALLOCATED, __ATOMIC_SEQ_CST) & PGR_ALLOCATED;
}

bool page_release(struct page_info *pg)
{
    struct mm_owner *o = mm_owner_lookup(page_owner_id(pg));
    bool was_allocated;

    spin_lock(&o->pages_lock);
    was_allocated = (READ_ONCE(pg->refs) & PGR_ALLOCATED) && disown_locked(o, pg);
    spin_unlock(&o->pages_lock);
    if (was_allocated) {
        page_put(pg);
    }
    return was_allocated;
}

/* ---- exchange ---- */

#define PGR_OWNED_ALONE(id) (PGR_RAM | PGR_ALLOCATED | ((uint64_t)(id) << PGR_OWNER_SHIFT) | 1)

int page_steal(struct mm_owner *o, struct page_info *pg)
{
    uint64_t old = READ_ONCE(pg->refs);

    if ((uint16_t)(old >> PGR_OWNER_SHIFT) != o->id || (old & PGR_COUNT_MAX) == 0) {
        return -EINVAL;
    }
    spin_lock(&o->pages_lock);
    old = READ_ONCE(pg->refs);
    /* the type count is zero as well: each type reference would have a general one */
    if ((old & ~PGR_FOREIGN) != PGR_OWNED_ALONE(o->id) ||
        !__atomic_compare_exchange_n(&pg->refs, &old, old & ~(PGR_ALLOCATED | PGR_COUNT_MAX), false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
        spin_unlock(&o->pages_lock);
        return -EBUSY;
    }
    page_list_unlink(&o->page_list_head, pg);
    o->tot_pages--;
    spin_unlock(&o->pages_lock);
    return 0;
}

void page_unsteal(struct mm_owner *o, struct page_info *pg)
{
    spin_lock(&o->pages_lock);
    if (o->dying) {
        spin_unlock(&o->pages_lock);
        page_give_back(pg);
        return;
    }
    o->tot_pages++;
    page_list_push(&o->page_list_head, pg);
    __atomic_fetch_or(&pg->refs, PGR_ALLOCATED | 1, __ATOMIC_RELEASE);
    spin_unlock(&o->pages_lock);
}

void page_give_back(struct page_info *pg)
{
    m2p_set(page_mfn(pg), M2P_NONE);
    /* translations of this frame, read-only ones too, are gone after a flush later than this */
    WRITE_ONCE(pg->type, tlb_clock());
    heap_free(page_idx(pg), 1, false);
}

/* ---- frames lent by the hypervisor ---- */

int hv_frame_share(struct mm_owner *owner, void *page, bool writable)
{
    struct page_info *pg = page_of_mfn(mfn_of_hv(page));

    if (owner->dying) {
        return -EINVAL;
    }
    pg->flags = 0;
    pg->type = ((uint64_t)(writable ? PAGE_WRITABLE : PAGE_NONE) << PGT_TYPE_SHIFT) | PGT_VALID |
               PGT_COUNT_ONE;
    spin_lock(&owner->pages_lock);
    page_list_push(&owner->xen_list_head, pg);
    __atomic_store_n(&pg->refs,
                     PGR_RAM | PGR_SHARED | PGR_ALLOCATED |
                         ((uint64_t)owner->id << PGR_OWNER_SHIFT) | 1,
                     __ATOMIC_RELEASE);
    spin_unlock(&owner->pages_lock);
    return 0;
}

void hv_frame_unshare(void *page)
{
    struct page_info *pg = page_of_mfn(mfn_of_hv(page));

    if (__atomic_fetch_and(&pg->refs, ~PGR_ALLOCATED, __ATOMIC_SEQ_CST) & PGR_ALLOCATED) {
        page_put(pg);
    }
}

void page_last_put(struct page_info *pg)
{
    struct mm_owner *o = mm_owner_lookup(page_owner_id(pg));
    bool shared = pg->refs & PGR_SHARED;
    void (*emptied)(struct mm_owner *) = NULL;

    ASSERT(!(pg->refs & PGR_ALLOCATED));
    ASSERT(pgt_count(pg->type) == ((pg->refs & PGR_SHARED) ? 1u : 0u));
    spin_lock(&o->pages_lock);
    page_list_unlink(list_of(o, pg), pg);
    o->tot_pages -= shared ? 0 : 1;
    if (lists_empty(o) && o->emptied) {
        emptied = o->emptied;
        o->emptied = NULL;
    }
    spin_unlock(&o->pages_lock);
    if (shared) {
        hv_charge(-(int64_t)PAGE_SIZE);
    }
    page_give_back(pg);
    if (emptied) {
        emptied(o);
    }
}

/* ---- the end of a domain's memory ---- */

/* No new work, no new pins, no new frames; what work is open comes to its end. */
static int stop_tables(struct mm_owner *o)
{
    int rc;

    spin_lock(&o->lock);
    spin_lock(&o->pages_lock);
    o->dying = true;
    spin_unlock(&o->pages_lock);
    pt_walk_abandon_locked(o);
    rc = pt_walk_settle_locked(o);
    spin_unlock(&o->lock);
    return rc;
}

/*
 * Frames that the domain gave up earlier can still be pinned: put them back on the page list, so
 * that each frame is looked at once. They have no allocation reference and may vanish, but not
 * under the lock.
 */
static int relist_released(struct mm_owner *o)
{
    while (!o->relisted) {
        unsigned int n = 0;

        spin_lock(&o->pages_lock);
        while (o->released_list_head != PAGE_IDX_NONE && n++ < 64) {
            struct page_info *pg = page_of_idx(o->released_list_head);

            page_list_unlink(&o->released_list_head, pg);
            pg->flags &= (uint8_t)~PGF_RELEASED;
            page_list_push(&o->page_list_head, pg);
        }
        o->relisted = o->released_list_head == PAGE_IDX_NONE;
        spin_unlock(&o->pages_lock);
        if (!o->relisted && preempt_pending()) {
            return -ERESTART;
        }
    }
    return 0;
}

/*
 * The first frame of the list loses its pin and hand-over or, without them, its allocation reference. Its owner is dying: nobody
 * pins it any more.
 */
static int relinquish_first(struct mm_owner *o)
{
    struct page_info *pg;
    bool pinned, ours;
    int rc = 0;

    spin_lock(&o->pages_lock);
    if (o->page_list_head == PAGE_IDX_NONE) {
        spin_unlock(&o->pages_lock);
        return 0;
    }
    pg = page_of_idx(o->page_list_head);
    pinned = READ_ONCE(pg->type) & (PGT_PINNED | PGT_HELD);
    ours = pinned ? page_get(pg, o->id, false) : disown_locked(o, pg);
    spin_unlock(&o->pages_lock);
    if (pinned && ours) {
        spin_lock(&o->lock);
        pt_unpin_any_locked(o, pg);
        rc = pt_walk_settle_locked(o);
        spin_unlock(&o->lock);
    }
    if (ours) {
        page_put(pg);
    }
    return rc;
}

int mm_owner_relinquish(struct mm_owner *o)
{
    int rc = stop_tables(o);

    if (rc == 0) {
        rc = heap_claim(o, 0);
    }
    if (rc == 0) {
        rc = relist_released(o);
    }
    while (rc == 0 && READ_ONCE(o->page_list_head) != PAGE_IDX_NONE) {
        rc = relinquish_first(o);
        if (rc == 0 && preempt_pending()) {
            rc = -ERESTART;
        }
    }
    return rc;
}

bool mm_owner_when_empty(struct mm_owner *o, void (*fn)(struct mm_owner *o))
{
    bool empty;

    spin_lock(&o->pages_lock);
    empty = lists_empty(o);
    o->emptied = empty ? NULL : fn;
    spin_unlock(&o->pages_lock);
    return empty;
}
