/* SPDX-License-Identifier: MIT */
/*
 * What of map.h is not an inline function: the way from the hypervisor's own memory back to frames.
 */
#include "mm/map.h"

#include "debug/panic.h"
#include "x86/pgtable.h"

mfn_t mfn_of_hv(const void *p)
{
    uint64_t va = (uint64_t)p;

    if (va >= DIRECTMAP_START && va < DIRECTMAP_END) {
        return mfn_make(direct_map_pa(p) >> PAGE_SHIFT);
    }
    BUG_ON(va < IMAGE_VIRT_BASE || va >= DIRECTMAP_START);
    return mfn_make(image_pa(p) >> PAGE_SHIFT);
}
