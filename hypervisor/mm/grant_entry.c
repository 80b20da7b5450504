/* SPDX-License-Identifier: MIT */
/*
 * L1 entries that grants make and take back (mm/frame_ref.h): by machine address of the entry, or by an address in the
 * running address space. Taking one back flushes, so that the granter may reuse the frame at once.
 */
#include "mm/frame_ref.h"

#include "mm/pt_update.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

/* The entry that maps va in the tables that this CPU has loaded. */
static int find_va(struct mm_owner *o, gva_t va, maddr_t *where)
{
    return pt_update_find(o, mfn_of_maddr(maddr_make(read_cr3() & PTE_ADDR)), va, where);
}

int pt_grant_set_pte(struct mm_owner *pt_owner, maddr_t pte, uint64_t entry,
                     struct mm_owner *frame_owner)
{
    return pt_update_granted(pt_owner, pte, entry, frame_owner);
}

int pt_grant_set_va(struct mm_owner *pt_owner, gva_t va, uint64_t entry,
                    struct mm_owner *frame_owner)
{
    maddr_t pte;
    int rc = find_va(pt_owner, va, &pte);

    return rc ? rc : pt_update_granted(pt_owner, pte, entry, frame_owner);
}

int pt_grant_clear_pte(struct mm_owner *pt_owner, maddr_t pte, mfn_t mfn, uint64_t entry)
{
    int rc = pt_update_ungrant(pt_owner, pte, mfn, entry);

    if (rc == 0) {
        tlb_flush_cpus(__atomic_load_n(&pt_owner->running_cpus, __ATOMIC_SEQ_CST));
    }
    return rc;
}

int pt_grant_clear_va(struct mm_owner *pt_owner, gva_t va, mfn_t mfn, uint64_t entry)
{
    maddr_t pte;
    int rc = find_va(pt_owner, va, &pte);

    if (rc == 0) {
        rc = pt_update_ungrant(pt_owner, pte, mfn, entry);
    }
    if (rc == 0) {
        tlb_flush_cpus_va(__atomic_load_n(&pt_owner->running_cpus, __ATOMIC_SEQ_CST), gva_raw(va));
    }
    return rc;
}
