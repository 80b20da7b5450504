/* SPDX-License-Identifier: MIT */
/*
 * Mapping, protecting and unmapping pages of the kernel's half, for <pvk/memory.h>.
 * Invariant: a translation that was taken away or weakened is flushed on all CPUs before the call returns.
 */
#include <xen/errno.h>

#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

int map_page(void *va, pfn_t pfn, unsigned rights)
{
    mfn_t mfn = mfn_of_pfn(pfn);
    struct pt_entry l1;
    bool replaces;
    int rc;

    if (mfn_eq(mfn, MFN_INVALID)) {
        return -XEN_EINVAL;
    }
    if (!pt_find(&kernel_space, (uintptr_t)va, 1, true, &l1)) {
        return -XEN_ENOMEM;
    }
    replaces = (*l1.entry & PTE_P) != 0;
    rc = pt_write(l1.where, pte_make(mfn, pte_flags(rights)));
    if (replaces) {
        pt_flush_page(va);
    }
    return rc;
}

int map_range(void *va, pfn_t first, size_t nr_pages, unsigned rights)
{
    struct pt_batch batch;
    struct pt_entry l1;

    pt_batch_start(&batch);
    for (size_t i = 0; i < nr_pages; i++) {
        if (!pt_find(&kernel_space, (uintptr_t)va + i * PAGE_SIZE, 1, true, &l1)) {
            pt_batch_finish(&batch);
            return -XEN_ENOMEM;
        }
        pt_batch_add(&batch, l1.where,
                     pte_make(mfn_of_pfn(pfn_make(pfn_raw(first) + i)), pte_flags(rights)));
    }
    return pt_batch_finish(&batch);
}

/* Give the entries of a range new contents: keep the frame and set rights, or (rights NULL) clear them. */
static int change_range(char *va, size_t nr_pages, const unsigned *rights)
{
    struct pt_batch batch;
    struct pt_entry l1;
    int rc;

    pt_batch_start(&batch);
    for (size_t i = 0; i < nr_pages; i++) {
        if (!pt_find(&kernel_space, (uintptr_t)va + i * PAGE_SIZE, 1, false, &l1) ||
            (*l1.entry & PTE_P) == 0) {
            if (rights != NULL) {
                pt_batch_finish(&batch);
                return -XEN_ENOENT;
            }
            continue;
        }
        pt_batch_add(&batch, l1.where,
                     rights == NULL ? 0 : (*l1.entry & PTE_ADDR) | pte_flags(*rights));
    }
    rc = pt_batch_finish(&batch);
    if (nr_pages == 1) {
        pt_flush_page(va);
    } else {
        pt_flush_all();
    }
    return rc;
}

int map_protect(void *va, size_t nr_pages, unsigned rights)
{
    return change_range(va, nr_pages, &rights);
}

int map_remove(void *va, size_t nr_pages)
{
    return change_range(va, nr_pages, NULL);
}

bool map_lookup(const void *va, pfn_t *pfn, unsigned *rights)
{
    struct pt_entry l1;
    uint64_t entry;

    if (!pt_find(&kernel_space, (uintptr_t)va, 1, false, &l1)) {
        return false;
    }
    entry = *l1.entry;
    if ((entry & PTE_P) == 0) {
        return false;
    }
    if (!pfn_of_mfn(pte_mfn(entry), pfn)) {
        return false;
    }
    *rights = ((entry & PTE_W) != 0 ? MAP_W : 0) | ((entry & PTE_NX) == 0 ? MAP_X : 0);
    return true;
}
