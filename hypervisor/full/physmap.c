/* SPDX-License-Identifier: MIT */
/*
 * The guest-physical map: four levels in the form of long-mode page tables, which is that of nested tables as well (APM vol. 2,
 * 15.25.5), so the hardware walks what is kept here. Invariant: a present leaf holds a general and a writable reference on a
 * frame of the domain; a table, once linked, stays until the domain's memory is gone, so that readers need no lock.
 */
#include "common/errno.h"
#include "full/full.h"
#include "mm/frame_ref.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "mm/page_info.h"
#include "mm/pt_check.h"
#include "x86/entry.h"
#include "x86/tlb.h"

#define LEVELS     4u
#define INDEX_BITS 9u
#define ENTRIES    (1u << INDEX_BITS)
#define ENTRY_FLAGS                                                                                \
    (PTE_P | PTE_RW | PTE_US | PTE_AD) /* to the hardware every guest access is a user's */
#define GFNS          (1ul << PHYSMAP_GFN_BITS)
#define CLEAR_AT_ONCE 64u

static unsigned int index_at(uint64_t gfn, unsigned int level)
{
    return (gfn >> (INDEX_BITS * (level - 1))) & (ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
    return map_frame_pinned(mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT));
}

static uint64_t load(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

/* The leaf's place; NULL where a table is missing, with *level the one of the missing entry. */
static uint64_t *leaf_of(const struct full_domain *fd, uint64_t gfn, unsigned int *level)
{
    uint64_t *table = fd->map_root;

    for (*level = LEVELS; *level > 1; (*level)--) {
        uint64_t entry = load(&table[index_at(gfn, *level)]);

        if (!(entry & PTE_P)) {
            return NULL;
        }
        table = table_of(entry);
    }
    return &table[index_at(gfn, 1)];
}

static uint64_t *leaf_make(struct full_domain *fd, uint64_t gfn)
{
    uint64_t *table = fd->map_root;

    for (unsigned int level = LEVELS; level > 1; level--) {
        uint64_t *entry = &table[index_at(gfn, level)];

        if (!(*entry & PTE_P)) {
            void *fresh = hv_alloc_pages(1);

            if (!fresh) {
                return NULL;
            }
            fd->map_tables++;
            __atomic_store_n(entry, maddr_raw(maddr_of_mfn(mfn_of_hv(fresh))) | ENTRY_FLAGS,
                             __ATOMIC_RELEASE);
        }
        table = table_of(*entry);
    }
    return &table[index_at(gfn, 1)];
}

int physmap_init(struct full_domain *fd)
{
    fd->map_root = hv_alloc_pages(1);
    return fd->map_root ? 0 : -ENOMEM;
}

mfn_t physmap_root(const struct full_domain *fd)
{
    return mfn_of_hv(fd->map_root);
}

int physmap_add(struct full_domain *fd, uint64_t gfn, mfn_t mfn)
{
    uint64_t *leaf;
    int rc;

    if (gfn >= GFNS) {
        return -EINVAL;
    }
    rc = frame_get_writable(&fd->d->mm, mfn);
    if (rc) {
        return rc;
    }
    spin_lock(&fd->lock);
    leaf = fd->map_closed ? NULL : leaf_make(fd, gfn);
    if (!leaf) {
        rc = fd->map_closed ? -ESRCH : -ENOMEM;
    } else if (*leaf & PTE_P) {
        rc = -EEXIST;
    } else {
        __atomic_store_n(leaf, maddr_raw(maddr_of_mfn(mfn)) | ENTRY_FLAGS, __ATOMIC_RELEASE);
    }
    spin_unlock(&fd->lock);
    if (rc) {
        frame_put_writable(mfn);
    }
    return rc;
}

/* Dropping the writable type notes the flush clock, so the frame has no other use before the guest's CPUs have flushed. */
static mfn_t take_out(uint64_t *leaf)
{
    uint64_t old = __atomic_exchange_n(leaf, 0, __ATOMIC_SEQ_CST);

    return old & PTE_P ? mfn_make((old & PTE_ADDR) >> PAGE_SHIFT) : MFN_INVALID;
}

int physmap_remove(struct full_domain *fd, uint64_t gfn, mfn_t *mfn)
{
    unsigned int level;
    uint64_t *leaf;

    *mfn = MFN_INVALID;
    if (gfn >= GFNS) {
        return -EINVAL;
    }
    spin_lock(&fd->lock);
    leaf = leaf_of(fd, gfn, &level);
    if (leaf) {
        *mfn = take_out(leaf);
        if (fd->engine->unmapped) {
            fd->engine->unmapped(fd);
        }
    }
    spin_unlock(&fd->lock);
    if (mfn_eq(*mfn, MFN_INVALID)) {
        return -ENOENT;
    }
    tlb_flush_cpus(READ_ONCE(fd->d->mm.running_cpus));
    frame_put_writable(*mfn);
    return 0;
}

mfn_t physmap_lookup(const struct full_domain *fd, uint64_t gfn)
{
    unsigned int level;
    const uint64_t *leaf = gfn < GFNS ? leaf_of(fd, gfn, &level) : NULL;
    uint64_t entry = leaf ? load(leaf) : 0;

    return entry & PTE_P ? mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT) : MFN_INVALID;
}

uint64_t *physmap_leaf(const struct full_domain *fd, uint64_t gfn)
{
    unsigned int level;
    uint64_t *leaf = gfn < GFNS ? leaf_of(fd, gfn, &level) : NULL;

    return leaf && load(leaf) & PTE_P ? leaf : NULL;
}

int physmap_add_extent(struct full_domain *fd, uint64_t gfn, uint32_t first, unsigned int order)
{
    uint64_t i, nr = 1ull << order;
    mfn_t mfn;
    int rc = 0;

    for (i = 0; rc == 0 && i < nr; i++) {
        rc = physmap_add(fd, gfn + i, page_mfn(page_of_idx(first + (uint32_t)i)));
    }
    for (i = rc ? i - 1 : 0; rc && i-- > 0;) {
        (void)!physmap_remove(fd, gfn + i, &mfn);
    }
    return rc;
}

int physmap_give_up(struct full_domain *fd, uint64_t gfn)
{
    mfn_t mfn = physmap_lookup(fd, gfn), gone;
    int rc = mfn_eq(mfn, MFN_INVALID) ? -ENOENT : frame_get(&fd->d->mm, mfn);

    if (rc == 0) {
        rc = physmap_remove(fd, gfn, &gone);
        if (rc == 0 && !(mfn_eq(gone, mfn) && page_release(page_of_mfn(mfn)))) {
            rc = -EINVAL;
        }
        frame_put(mfn);
    }
    return rc;
}

int physmap_entry(const struct full_domain *fd, uint64_t *entry)
{
    mfn_t mfn = physmap_lookup(fd, (*entry & PTE_ADDR) >> PAGE_SHIFT);

    if (!(*entry & PTE_P)) {
        return 0;
    }
    if (mfn_eq(mfn, MFN_INVALID)) {
        return -EINVAL;
    }
    *entry = (*entry & ~PTE_ADDR) | maddr_raw(maddr_of_mfn(mfn));
    return 0;
}

int physmap_clear(struct full_domain *fd)
{
    unsigned int budget = CLEAR_AT_ONCE;

    spin_lock(&fd->lock);
    fd->map_closed = true;
    spin_unlock(&fd->lock);
    while (fd->map_root && fd->map_teardown < GFNS) {
        unsigned int level;
        uint64_t *leaf = leaf_of(fd, fd->map_teardown, &level);
        mfn_t mfn;

        if (!leaf) { /* all that the missing table would have held */
            uint64_t span = 1ul << (INDEX_BITS * (level - 1));

            fd->map_teardown = (fd->map_teardown | (span - 1)) + 1;
            continue;
        }
        mfn = take_out(leaf);
        fd->map_teardown++;
        if (!mfn_eq(mfn, MFN_INVALID)) {
            frame_put_writable(mfn);
        }
        if (--budget == 0) {
            if (preempt_pending()) {
                return -ERESTART;
            }
            budget = CLEAR_AT_ONCE;
        }
    }
    return 0;
}

static void free_below(uint64_t *table, unsigned int level)
{
    for (unsigned int i = 0; level > 1 && i < ENTRIES; i++) {
        if (table[i] & PTE_P) {
            free_below(table_of(table[i]), level - 1);
        }
    }
    hv_free_pages(table, 1);
}

void physmap_free(struct full_domain *fd)
{
    if (fd->map_root) {
        free_below(fd->map_root, LEVELS);
        fd->map_root = NULL;
    }
}
