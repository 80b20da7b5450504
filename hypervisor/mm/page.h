/* SPDX-License-Identifier: MIT */
/*
 * One struct page_info a frame: the general reference word (owner, flags, count), the type word and
 * list links. Invariants: the owner never changes while the count is not zero; every type reference
 * goes along with a general one; a frame whose count reaches zero is given back at once by
 * page_last_put(). Both words change by compare-and-swap only.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "mm/page_type.h"
#include "x86/tlb.h"
#include "x86/layout.h"

struct mm_owner;

/* Reference word: flags 63..48 | owner's id 47..32 | count 31..0. */
#define PGR_COUNT_MAX   0xffffffffull
#define PGR_OWNER_SHIFT 32
#define PGR_ALLOCATED   (1ull << 48) /* one count belongs to the owner's having it at all */
#define PGR_FOREIGN                                                                                \
    (1ull << 49) /* since it was allocated someone else than the owner had a reference */
#define PGR_SHARED      (1ull << 50) /* lent to the owner by the hypervisor: not on its page list */
#define PGR_RAM         (1ull << 51) /* const after boot: not device memory, not a hole */
#define PGR_FREE        (1ull << 52) /* first frame of a free block */
#define PGR_DIRTY       (1ull << 53) /* free, and not yet zeroed */

#define PAGE_IDX_NONE   0xffffffffu
#define PAGE_OWNER_NONE 0xffffu

struct page_info {
    uint64_t refs; /* atomic */
    uint64_t type; /* atomic, see page_type.h */
    uint32_t next; /* of the list it is on: owner's pages_lock, or the heap's lock while free */
    uint32_t prev;
    uint32_t work_next; /* table being promoted or dismissed: owner's mm lock */
    uint16_t nr_held;   /* of such a table: entries [0, nr_held) hold references; owner's mm lock */
    uint8_t order;      /* of a free block; heap's lock */
    uint8_t flags;      /* owner's pages_lock */
};
_Static_assert(sizeof(struct page_info) == 32, "the frame table is 32 bytes a frame");

/* The frame table covers frames [0, nr_frames); host tests bring their own. */
#ifdef XENO_HOST_TEST
extern struct page_info host_frame_table[];
#define frame_table host_frame_table
#else
#define frame_table ((struct page_info *)FRAMETABLE_START)
#endif
extern uint64_t nr_frames;

static inline struct page_info *page_of_idx(uint32_t idx)
{
    return &frame_table[idx];
}

static inline uint32_t page_idx(const struct page_info *pg)
{
    return (uint32_t)(pg - frame_table);
}

/* Lists of frames, linked by next and prev, from a head that holds the first one's index. The list's owner locks. */
static inline void page_list_push(uint32_t *head, struct page_info *pg)
{
    pg->prev = PAGE_IDX_NONE;
    pg->next = *head;
    if (*head != PAGE_IDX_NONE) {
        page_of_idx(*head)->prev = page_idx(pg);
    }
    *head = page_idx(pg);
}

static inline void page_list_unlink(uint32_t *head, struct page_info *pg)
{
    if (pg->prev != PAGE_IDX_NONE) {
        page_of_idx(pg->prev)->next = pg->next;
    } else {
        *head = pg->next;
    }
    if (pg->next != PAGE_IDX_NONE) {
        page_of_idx(pg->next)->prev = pg->prev;
    }
    pg->next = pg->prev = PAGE_IDX_NONE;
}

static inline mfn_t page_mfn(const struct page_info *pg)
{
    return mfn_make(page_idx(pg));
}

/*
 * The page_info of a frame that is RAM; NULL for all else (device memory, holes, numbers out of
 * range).
 */
static inline struct page_info *page_of_mfn(mfn_t mfn)
{
    struct page_info *pg;

    if (unlikely(mfn_raw(mfn) >= nr_frames)) {
        return NULL;
    }
    pg = &frame_table[mfn_raw(mfn)];
    return likely(READ_ONCE(pg->refs) & PGR_RAM) ? pg : NULL;
}

static inline uint16_t page_owner_id(const struct page_info *pg)
{
    return (uint16_t)(READ_ONCE(pg->refs) >> PGR_OWNER_SHIFT);
}

/*
 * Take a general reference if the frame belongs to `owner` and is in use. `foreign`: the reference
 * is for someone else than the owner, whose CPUs are not among the owner's. False: not the owner's,
 * free, or too many references.
 */
static inline bool page_get(struct page_info *pg, uint16_t owner, bool foreign)
{
    uint64_t old = READ_ONCE(pg->refs);
    uint64_t next;

    do {
        uint64_t count = old & PGR_COUNT_MAX;

        /* neither 0 nor the highest one */
        if (unlikely((uint16_t)(old >> PGR_OWNER_SHIFT) != owner || count - 1 >= PGR_COUNT_MAX - 1)) {
            return false;
        }
        next = (old + 1) | (foreign ? PGR_FOREIGN : 0);
    } while (unlikely(!__atomic_compare_exchange_n(&pg->refs, &old, next, true, __ATOMIC_SEQ_CST,
                                                   __ATOMIC_RELAXED)));
    return true;
}

/*
 * The last reference is gone: the frame goes back to where it came from (page_info.c; host tests
 * bring their own).
 */
void page_last_put(struct page_info *pg);

static inline void page_put(struct page_info *pg)
{
    if (unlikely((__atomic_sub_fetch(&pg->refs, 1, __ATOMIC_SEQ_CST) & PGR_COUNT_MAX) == 0)) {
        page_last_put(pg);
    }
}

/* ---- type references of frames that have no contents to release: page_type.c ---- */

/*
 * Writable, or lock-free on a table that is in use: PT_OK with a type reference; the caller has a
 * general reference and keeps it for as long. PT_REFUSED_* otherwise. For a table that is not in
 * use: PT_REFUSED_NOT_TABLE.
 */
enum pt_reason page_type_get(struct page_info *pg, enum page_type want);

/* A segment-descriptor frame: checks the contents when it becomes one. */
#define page_type_get_segdesc(pg) page_type_get(pg, PAGE_SEGDESC)

/*
 * Drop a type reference. False: it is the last one of a table, the caller must go by pt_walk_put()
 * (nothing done).
 */
static inline bool page_type_try_put(struct page_info *pg)
{
    uint64_t old = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
    struct type_step step;

    do {
        step = pgt_put(old, tlb_clock(), false);
        if (unlikely(step.action == TYPE_LOCK)) {
            return false;
        }
    } while (unlikely(!__atomic_compare_exchange_n(&pg->type, &old, step.next, false,
                                                   __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)));
    return true;
}

/* page_type_get() where one exchange is enough; false says nothing but "go the long way". */
static inline bool page_type_get_fast(struct page_info *pg, enum page_type want)
{
    uint64_t old = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
    struct type_step step = pgt_get(old, want, false);

    return likely(step.action == TYPE_DONE) &&
           likely(__atomic_compare_exchange_n(&pg->type, &old, step.next, false, __ATOMIC_SEQ_CST,
                                              __ATOMIC_RELAXED));
}

/* ---- what page_type.c and pt_walk.c ask of the machine; host tests bring their own ---- */

/* CPUs on which a translation of this frame may be cached. */
uint64_t mm_cpus_of_page(const struct page_info *pg);

/*
 * Are the 512 descriptors in this frame such as a guest may have? Brings them into the form that they
 * must have (DPL 3, accessed), which nobody else can see or change meanwhile. Defined in pv/gdt.c.
 */
bool mm_segdesc_ok(void *frame);

/* Right of a domain to a frame that is not RAM. */
enum io_access mm_io_access(const struct mm_owner *o, mfn_t mfn);

#endif
