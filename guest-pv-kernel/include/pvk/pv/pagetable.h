/* SPDX-License-Identifier: MIT */
/*
 * Page tables of a PV kernel: read by the kernel, written by the hypervisor. Entries hold machine frames. A page that
 * is part of a table is mapped read-only everywhere; the hypervisor checks every entry before it is used.
 */
#ifndef PVK_PV_PAGETABLE_H
#define PVK_PV_PAGETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/typed_int.h"
#include "pvk/memory.h"

/* Bits of an entry (SDM vol. 3, table 4-20). */
#define PTE_P      (1ul << 0)
#define PTE_W      (1ul << 1)
#define PTE_US     (1ul << 2)
#define PTE_A      (1ul << 5)
#define PTE_D      (1ul << 6)
#define PTE_PSE    (1ul << 7)
#define PTE_NX     (1ul << 63)
#define PTE_ADDR   0x000ffffffffff000ul
#define PT_ENTRIES 512u

#define PT_LEVELS  4u /* level 4 is the root, level 1 holds the pages */

/* Index into the table of a level for an address. */
static inline unsigned pt_index(uintptr_t va, unsigned level)
{
    return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}

static inline mfn_t pte_mfn(uint64_t pte)
{
    return mfn_make((pte & PTE_ADDR) >> PAGE_SHIFT);
}

static inline uint64_t pte_make(mfn_t mfn, uint64_t flags)
{
    return (mfn_raw(mfn) << PAGE_SHIFT) | flags;
}

/* Entry flags for rights; kernel pages carry no user bit. */
static inline uint64_t pte_flags(unsigned rights)
{
    return PTE_P | PTE_A | ((rights & MAP_W) != 0 ? PTE_W | PTE_D : 0) |
           ((rights & MAP_X) != 0 ? 0 : PTE_NX) | ((rights & MAP_USER) != 0 ? PTE_US : 0);
}

/* A pair of roots that share the user half: what the kernel runs on, and what user mode runs on (NULL for the kernel's own). */
struct pt_space {
    uint64_t *kernel_root; /* linear-map addresses of the level 4 tables */
    uint64_t *user_root;
};

extern struct pt_space kernel_space;

/*
 * The entry of a level that translates va: its machine address (for updates) and, through the linear map, itself (for
 * reading). False if a table above it is missing and create is false, or memory is short.
 */
struct pt_entry {
    maddr_t where;
    const volatile uint64_t *entry;
};
bool pt_find(const struct pt_space *space, uintptr_t va, unsigned level, bool create,
             struct pt_entry *found);

/* Write an entry: one mmu_update. 0 or -errno. */
int pt_write(maddr_t where, uint64_t entry);

/* Collects updates and issues them in batches; finish() issues the rest. The first error is kept and nothing issued after it. */
#define PT_BATCH 128u
struct pt_batch {
    unsigned count;
    int rc;
    struct {
        uint64_t where;
        uint64_t entry;
    } updates[PT_BATCH];
};
void pt_batch_start(struct pt_batch *batch);
void pt_batch_add(struct pt_batch *batch, maddr_t where, uint64_t entry);
int pt_batch_finish(struct pt_batch *batch);

/* Let all CPUs forget what they remember of kernel translations, or of one address. */
void pt_flush_all(void);
void pt_flush_page(const void *va);

/* A zeroed page that is read-only already, so that it can become a table; and a former table back to the allocator. */
void *pt_table_alloc(void);
void pt_table_free(void *table);

/* Change the linear map's rights of one page: what a page needs before and after it serves as a table. 0 or -errno. */
int pt_page_set_rights(void *va, unsigned rights);

#endif
