/* SPDX-License-Identifier: MIT */
/*
 * The memory room's start, and its answers to the pure page-table code: who may map which device, where
 * the hypervisor's L4 slots come from, and the log line for a refusal.
 */
#include "mm/mm_init.h"

#include "debug/console.h"
#include "mm/heap.h"
#include "mm/m2p.h"
#include "mm/map.h"
#include "mm/page_info.h"
#include "mm/pt_walk.h"
#include "x86/pgtable.h"

static struct io_range {
    uint64_t first, end;
    enum io_access most;
} io_ranges[32] = {
    {0xfee00, 0xfef00,
     IO_NONE}, /* local APICs and the MSI window (SDM vol. 3, 11.4.1 and 11.11.1) */
};
static unsigned int nr_io_ranges = 1;

void mm_init(uint64_t frames)
{
    heap_init(frames);
}

/* Physical address of a byte of the hypervisor's map, by its own tables; ~0 if nothing is mapped there. */
static uint64_t hv_pa_of(uint64_t va)
{
    const uint64_t *table = hv_root();
    unsigned int shift;

    for (shift = PAGE_SHIFT + 27;; shift -= 9) {
        uint64_t entry = table[(va >> shift) & (PT_ENTRIES - 1)];

        if (!(entry & HV_PTE_P)) {
            return ~0ull;
        }
        if (shift == PAGE_SHIFT || (shift < PAGE_SHIFT + 27 && (entry & HV_PTE_LARGE))) {
            uint64_t offset = (1ull << shift) - 1;

            return (entry & HV_PTE_ADDR & ~offset) | (va & offset);
        }
        table = direct_map(entry & HV_PTE_ADDR);
    }
}

static mfn_t m2p_frame(uint64_t idx)
{
    uint64_t pa = hv_pa_of(M2P_HV_START + idx * PAGE_SIZE);

    return pa == ~0ull ? MFN_INVALID : mfn_make(pa >> PAGE_SHIFT);
}

mfn_t mm_m2p_piece(uint64_t idx)
{
    return m2p_frame(idx * (M2P_PIECE / PAGE_SIZE));
}

int mm_init_owners(void)
{
    uint64_t nr = ALIGN_UP(nr_frames * M2P_BYTES, M2P_PIECE) / PAGE_SIZE;
    uint64_t i;
    int rc = page_info_init();

    for (i = 0; rc == 0 && i < nr; i++) {
        struct page_info *pg = page_of_mfn(m2p_frame(i));

        /* read-only for good: no type can ever be taken, and the reference is never dropped */
        if (pg) {
            pg->type = PGT_VALID | PGT_COUNT_ONE;
            pg->refs = PGR_RAM | PGR_SHARED | ((uint64_t)mm_owner_xen.id << PGR_OWNER_SHIFT) | 1;
        }
    }
    return rc;
}

bool mm_io_restrict(mfn_t first, uint64_t nr, enum io_access most)
{
    if (nr_io_ranges == ARRAY_SIZE(io_ranges)) {
        return false;
    }
    io_ranges[nr_io_ranges++] = (struct io_range){mfn_raw(first), mfn_raw(first) + nr, most};
    return true;
}

enum io_access mm_io_access(const struct mm_owner *o, mfn_t mfn)
{
    enum io_access access = o->io_access ? IO_WRITE : IO_NONE;
    unsigned int i;

    for (i = 0; i < nr_io_ranges && access != IO_NONE; i++) {
        if (mfn_raw(mfn) >= io_ranges[i].first && mfn_raw(mfn) < io_ranges[i].end) {
            access = MIN(access, io_ranges[i].most);
        }
    }
    return access;
}

void mm_fill_hv_slots(uint64_t *l4)
{
    hv_l4_fill(l4);
}

void mm_report_fault(const struct mm_owner *o, const struct pt_fault *fault)
{
    if (mfn_eq(fault->table, MFN_INVALID)) {
        hv_log_guest("d%u: page tables: %s (entry %llx)\n", o->id, pt_reason_text(fault->reason),
                     (unsigned long long)fault->entry);
        return;
    }
    hv_log_guest("d%u: L%u table %llx, entry %u = %llx: %s\n", o->id, fault->level,
                 (unsigned long long)mfn_raw(fault->table), fault->slot,
                 (unsigned long long)fault->entry, pt_reason_text(fault->reason));
}
