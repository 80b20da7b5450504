/* SPDX-License-Identifier: MIT */
/*
 * Building the hypervisor's own tables. Tables are reached through the direct map, early by the boot tables' one of 4 GiB.
 * Invariant: entries are only ever added; no table is freed and no mapping replaced, so that no TLB flush is needed.
 */
#include "x86/pgtable.h"

#include <stdbool.h>
#include <stddef.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "x86/cpu.h"

#define LEVEL_SHIFT(level) (12u + 9u * ((level)-1u))
#define LEVEL_BYTES(level) (1ul << LEVEL_SHIFT(level))

static uint64_t root[512] __aligned_to(4096);
static uint64_t (*frame_source)(void);
static bool sealed;
static uint64_t device_next = IOMAP_START;

void hv_map_frames_from(uint64_t (*alloc_frame)(void))
{
    frame_source = alloc_frame;
}

uint64_t hv_map_alloc_frame(void)
{
    return frame_source();
}

static uint64_t *slot_of(uint64_t *table, unsigned int level, uint64_t va)
{
    return &table[(va >> LEVEL_SHIFT(level)) & 511];
}

static uint64_t *table_of(uint64_t entry)
{
    return direct_map(entry & HV_PTE_ADDR);
}

/* The table that *slot leads to, made if there is none; NULL without memory. Rights are given by the last level alone. */
static uint64_t *table_get(uint64_t *slot, unsigned int level, uint32_t flags)
{
    uint64_t pa;

    if (*slot & HV_PTE_P) {
        return (*slot & HV_PTE_LARGE) ? NULL : table_of(*slot);
    }
    if (level == 4 && sealed) {
        return NULL;
    }
    pa = frame_source();
    if (pa == 0) {
        return NULL;
    }
    *slot = pa | HV_PTE_P | HV_PTE_RW | HV_PTE_A | ((flags & HV_MAP_GUEST) ? HV_PTE_US : 0);
    return table_of(*slot);
}

static unsigned int best_level(uint64_t va, uint64_t pa, uint64_t bytes, uint32_t flags)
{
    if (!(flags & HV_MAP_SMALL)) {
        if (cpu_features.gib_pages && ((va | pa) & (LEVEL_BYTES(3) - 1)) == 0 &&
            bytes >= LEVEL_BYTES(3)) {
            return 3;
        }
        if (((va | pa) & (LEVEL_BYTES(2) - 1)) == 0 && bytes >= LEVEL_BYTES(2)) {
            return 2;
        }
    }
    return 1;
}

static uint64_t leaf(uint64_t pa, unsigned int level, uint32_t flags)
{
    uint64_t entry = pa | HV_PTE_P | HV_PTE_A;

    entry |= (flags & HV_MAP_RW) ? HV_PTE_RW | HV_PTE_D : 0;
    entry |= (flags & HV_MAP_EXEC) ? 0 : HV_PTE_NX;
    entry |= (flags & HV_MAP_UC) ? HV_PTE_PCD | HV_PTE_PWT : 0;
    /* What guests see is not global: their user mode has tables without it. */
    entry |= (flags & HV_MAP_GUEST) ? HV_PTE_US : HV_PTE_G;
    return entry | (level > 1 ? HV_PTE_LARGE : 0);
}

static int map_one(uint64_t va, uint64_t pa, unsigned int level, uint32_t flags)
{
    uint64_t *table = root;

    for (unsigned int l = 4; l > level; l--) {
        table = table_get(slot_of(table, l, va), l, flags);
        if (!table) {
            return -ENOMEM;
        }
    }
    if (*slot_of(table, level, va) & HV_PTE_P) {
        return -EEXIST;
    }
    *slot_of(table, level, va) = leaf(pa, level, flags);
    return 0;
}

int hv_map(uint64_t va, uint64_t pa, uint64_t bytes, uint32_t flags)
{
    if ((flags & HV_MAP_RW) && (flags & (HV_MAP_GUEST | HV_MAP_EXEC))) {
        return -EINVAL;
    }
    while (bytes > 0) {
        unsigned int level = best_level(va, pa, bytes, flags);
        int rc = map_one(va, pa, level, flags);

        if (rc) {
            return rc;
        }
        va += LEVEL_BYTES(level);
        pa += LEVEL_BYTES(level);
        bytes -= LEVEL_BYTES(level);
    }
    return 0;
}

void *hv_map_device(uint64_t pa, uint64_t bytes)
{
    uint64_t first = ALIGN_DOWN(pa, 4096ul);
    uint64_t size = ALIGN_UP(pa + bytes, 4096ul) - first;
    uint64_t va = device_next;

    if (size > IOMAP_END - va || hv_map(va, first, size, HV_MAP_RW | HV_MAP_UC | HV_MAP_SMALL)) {
        return NULL;
    }
    device_next += size + 4096; /* a hole between windows catches overruns */
    return (void *)(va + (pa - first));
}

int hv_map_reserve_slot(uint64_t va)
{
    return table_get(slot_of(root, 4, va), 4, 0) ? 0 : -ENOMEM;
}

void hv_map_seal(void)
{
    sealed = true;
}

void hv_l4_fill(uint64_t *l4)
{
    for (unsigned int i = HV_L4_FIRST; i <= HV_L4_LAST; i++) {
        l4[i] = root[i];
    }
}

uint64_t hv_root_pa(void)
{
    return image_pa(root);
}

uint64_t *hv_root(void)
{
    return root;
}

uint64_t *hv_pte_of(uint64_t va)
{
    uint64_t *table = root;

    for (unsigned int l = 4; l > 1; l--) {
        uint64_t *slot = slot_of(table, l, va);

        if (!(*slot & HV_PTE_P) || (*slot & HV_PTE_LARGE)) {
            return NULL;
        }
        table = table_of(*slot);
    }
    return slot_of(table, 1, va);
}
