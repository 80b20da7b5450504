/* SPDX-License-Identifier: MIT */
/*
 * Mapping, protecting and unmapping pages of the kernel's half, for <pvk/memory.h>.
 * Invariant: a translation that was taken away or weakened is flushed on all CPUs before the call returns.
 */
#include <xen/errno.h>

#include "libpvk/native/memory.h"
#include "libpvk/native/pagetable.h"
#include "pvk/memory.h"

static int map_entry(const void *va, pfn_t pfn, uint64_t flags)
{
    volatile uint64_t *entry = pt_find(kernel_root, (uintptr_t)va, 1, true);
    bool replaces;

    if (entry == NULL) {
        return -XEN_ENOMEM;
    }
    replaces = (*entry & PTE_P) != 0;
    *entry = pfn_raw(pfn) << PAGE_SHIFT | flags;
    if (replaces) {
        pt_flush_page(va);
    }
    return 0;
}

int map_page(void *va, pfn_t pfn, unsigned rights)
{
    if (pfn_raw(pfn) > PTE_ADDR >> PAGE_SHIFT) {
        return -XEN_EINVAL;
    }
    return map_entry(va, pfn, pte_flags(rights));
}

int map_range(void *va, pfn_t first, size_t nr_pages, unsigned rights)
{
    int rc = 0;

    for (size_t i = 0; i < nr_pages && rc == 0; i++) {
        rc = map_page((char *)va + i * PAGE_SIZE, pfn_make(pfn_raw(first) + i), rights);
    }
    return rc;
}

/* Give the entries of a range new contents: keep the frame and set rights, or (rights NULL) clear them. */
static int change_range(const char *va, size_t nr_pages, const unsigned *rights)
{
    int rc = 0;

    for (size_t i = 0; i < nr_pages && rc == 0; i++) {
        volatile uint64_t *entry = pt_find(kernel_root, (uintptr_t)va + i * PAGE_SIZE, 1, false);

        if (entry != NULL && (*entry & PTE_P) != 0) {
            *entry = rights == NULL ? 0 : (*entry & (PTE_ADDR | PTE_PCD)) | pte_flags(*rights);
        } else if (rights != NULL) {
            rc = -XEN_ENOENT;
        }
    }
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
    volatile uint64_t *at = pt_find(kernel_root, (uintptr_t)va, 1, false);
    uint64_t entry = at == NULL ? 0 : *at;

    if ((entry & PTE_P) == 0) {
        return false;
    }
    *pfn = pfn_make((entry & PTE_ADDR) >> PAGE_SHIFT);
    *rights = ((entry & PTE_W) != 0 ? MAP_W : 0) | ((entry & PTE_NX) != 0 ? 0 : MAP_X) |
              ((entry & PTE_US) != 0 ? MAP_USER : 0);
    return true;
}

void *map_device(uint64_t paddr, size_t bytes)
{
    uint64_t offset = paddr & (PAGE_SIZE - 1);
    size_t nr_pages = (offset + bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    char *va = window_alloc(nr_pages);

    for (size_t i = 0; va != NULL && i < nr_pages; i++) {
        pfn_t pfn = pfn_make((paddr >> PAGE_SHIFT) + i);

        if (map_entry(va + i * PAGE_SIZE, pfn, pte_flags(MAP_R | MAP_W) | PTE_PCD) != 0) {
            return NULL;
        }
    }
    return va == NULL ? NULL : va + offset;
}

void unmap_device(void *va, size_t bytes)
{
    uintptr_t offset = (uintptr_t)va & (PAGE_SIZE - 1);
    size_t nr_pages = (offset + bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    char *first = (char *)va - offset;

    if (map_remove(first, nr_pages) == 0) {
        window_free(first, nr_pages);
    }
}
