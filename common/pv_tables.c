/* SPDX-License-Identifier: MIT */
/*
 * Tables of one mapping are numbered per level in rising address order, so a table's entries follow from its number:
 * no table is ever read back. Entry bits: SDM vol. 3, tables 4-15 to 4-20.
 */
#include "common/pv_tables.h"

#include <stdbool.h>

#include "common/compiler.h"
#include "common/string.h"

#define PTE_P  (1ul << 0)
#define PTE_RW (1ul << 1)
#define PTE_US (1ul << 2)
#define PTE_A  (1ul << 5)
#define PTE_D  (1ul << 6)

#define ENTRIES 512u

/* Address shift of an entry of a table at index 0 (L3), 1 (L2), 2 (L1). */
static const unsigned int entry_shift[3] = {30, 21, 12};

static uint64_t entry(mfn_t mfn, uint64_t flags)
{
    return maddr_raw(maddr_of_mfn(mfn)) | flags;
}

static bool in_run(uint64_t pfn, uint64_t first, uint64_t nr)
{
    return pfn >= first && pfn - first < nr;
}

static bool is_table(const struct pv_plan *plan, uint64_t pfn)
{
    return in_run(pfn, plan->page_tables.pfn, plan->page_tables.nr) ||
           in_run(pfn, plan->p2m.pfn + plan->p2m.nr, plan->p2m_table_frames);
}

/* Entry of a level-idx table of m for address va, which lies in the mapping. */
static uint64_t entry_for(const struct pv_plan *plan, const struct pv_memory *mem, const struct pv_mapping *m, int idx,
                          uint64_t va)
{
    uint64_t child, pfn;

    if (idx < 2) {
        unsigned int shift = entry_shift[idx];

        child = (va >> shift) - (m->va_start >> shift);
        return entry(mem->mfn(mem->ctx, m->table_pfn[idx + 1] + child), PTE_P | PTE_RW | PTE_US | PTE_A);
    }
    pfn = m->first_pfn + ((va - m->va_start) >> PAGE_SHIFT);
    return entry(mem->mfn(mem->ctx, pfn), PTE_P | PTE_US | PTE_A | (is_table(plan, pfn) ? 0 : PTE_RW | PTE_D));
}

static int write_level(const struct pv_plan *plan, const struct pv_memory *mem, const struct pv_mapping *m, int idx)
{
    unsigned int shift = entry_shift[idx];
    uint64_t span = 1ul << (shift + 9);

    for (uint64_t n = 0; n < m->nr_tables[idx]; n++) {
        uint64_t base = ALIGN_DOWN(m->va_start, span) + n * span;
        uint64_t *table = mem->frame(mem->ctx, m->table_pfn[idx] + n);

        if (!table) {
            return -1;
        }
        memset(table, 0, PAGE_SIZE);
        for (unsigned int i = 0; i < ENTRIES; i++) {
            uint64_t va = base + ((uint64_t)i << shift);
            uint64_t last = va + (1ul << shift) - 1;

            /* The region's last address, not its end, is compared: the end may be 0 at the top of the address space. */
            if (last >= m->va_start && va <= m->va_end - 1) {
                table[i] = entry_for(plan, mem, m, idx, MAX(va, m->va_start));
            }
        }
    }
    return 0;
}

/* The tables of a mapping lie side by side, in this order. */
static int write_mapping(const struct pv_plan *plan, const struct pv_memory *mem, const struct pv_mapping *m)
{
    return write_level(plan, mem, m, 0) || write_level(plan, mem, m, 1) || write_level(plan, mem, m, 2) ? -1 : 0;
}

static void hook_into_l4(const struct pv_memory *mem, const struct pv_mapping *m, uint64_t *l4)
{
    for (uint64_t n = 0; n < m->nr_tables[0]; n++) {
        uint64_t slot = ((m->va_start >> 39) + n) % ENTRIES;

        l4[slot] = entry(mem->mfn(mem->ctx, m->table_pfn[0] + n), PTE_P | PTE_RW | PTE_US | PTE_A);
    }
}

int pv_tables_write(const struct pv_plan *plan, const struct pv_memory *mem)
{
    uint64_t *l4;

    l4 = mem->frame(mem->ctx, plan->l4_pfn);
    if (!l4) {
        return -1;
    }
    memset(l4, 0, PAGE_SIZE);
    hook_into_l4(mem, &plan->region, l4);
    hook_into_l4(mem, &plan->p2m_map, l4);
    return write_mapping(plan, mem, &plan->region) || write_mapping(plan, mem, &plan->p2m_map) ? -1 : 0;
}

int pv_p2m_write(const struct pv_plan *plan, const struct pv_memory *mem)
{
    const uint64_t per_page = PAGE_SIZE / sizeof(uint64_t);

    for (uint64_t page = 0; page < plan->p2m.nr; page++) {
        uint64_t *list = mem->frame(mem->ctx, plan->p2m.pfn + page);

        if (!list) {
            return -1;
        }
        for (uint64_t i = 0; i < per_page; i++) {
            uint64_t pfn = page * per_page + i;

            list[i] = pfn < plan->nr_pages ? mfn_raw(mem->mfn(mem->ctx, pfn)) : MFN_INVALID_RAW;
        }
    }
    return 0;
}
