/* SPDX-License-Identifier: MIT */
/* Weak stand-ins for what the memory room has not landed yet; each goes with the real one. */
#include "common/compiler.h"
#include "common/errno.h"
#include "hypercall/hypercall.h"
#include "mm/frame_ref.h"

#define __weak __attribute__((weak))

__weak int64_t hc_memory_op(uint64_t a1, uint64_t a2)
{
    (void)a1;
    (void)a2;
    return -ENOSYS;
}

__weak int64_t hc_mmu_update(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    (void)a1;
    (void)a2;
    (void)a3;
    (void)a4;
    return -ENOSYS;
}

__weak int64_t hc_mmuext_op(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    (void)a1;
    (void)a2;
    (void)a3;
    (void)a4;
    return -ENOSYS;
}

__weak int64_t hc_update_va_mapping(uint64_t a1, uint64_t a2, uint64_t a3)
{
    (void)a1;
    (void)a2;
    (void)a3;
    return -ENOSYS;
}

__weak int64_t hc_update_va_mapping_otherdomain(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    (void)a1;
    (void)a2;
    (void)a3;
    (void)a4;
    return -ENOSYS;
}

__weak int pt_grant_set_pte(struct mm_owner *pt_owner, maddr_t pte, uint64_t entry, struct mm_owner *frame_owner)
{
    (void)pt_owner;
    (void)pte;
    (void)entry;
    (void)frame_owner;
    return -ENOSYS;
}

__weak int pt_grant_set_va(struct mm_owner *pt_owner, gva_t va, uint64_t entry, struct mm_owner *frame_owner)
{
    (void)pt_owner;
    (void)va;
    (void)entry;
    (void)frame_owner;
    return -ENOSYS;
}

__weak int pt_grant_clear_pte(struct mm_owner *pt_owner, maddr_t pte, mfn_t mfn, uint64_t entry)
{
    (void)pt_owner;
    (void)pte;
    (void)mfn;
    (void)entry;
    return -ENOSYS;
}

__weak int pt_grant_clear_va(struct mm_owner *pt_owner, gva_t va, mfn_t mfn, uint64_t entry)
{
    (void)pt_owner;
    (void)va;
    (void)mfn;
    (void)entry;
    return -ENOSYS;
}
