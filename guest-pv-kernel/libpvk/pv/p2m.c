/* SPDX-License-Identifier: MIT */
/*
 * P2M and M2P lookups. The M2P may have holes: it is read with an access that may fault.
 */
#include "pvk/pv/p2m.h"

#include "libpvk/pv/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/start_info.h"

static uint64_t *p2m;
static uint64_t p2m_entries;
static const uint64_t *m2p = (const uint64_t *)MACH2PHYS_VIRT_START;
static uint64_t m2p_entries = MACH2PHYS_NR_ENTRIES;

void p2m_init(void)
{
    struct xen_machphys_mapping map;

    p2m = (uint64_t *)start_info->mfn_list;
    p2m_entries = start_info->nr_pages;
    /* Where the call is not there, the table is where the ABI has always had it. */
    if (hc_memory_op(XENMEM_machphys_mapping, &map) == 0) {
        m2p = (const uint64_t *)map.v_start;
        m2p_entries = (uint64_t)map.max_mfn + 1;
    }
}

mfn_t mfn_of_pfn(pfn_t pfn)
{
    return pfn_raw(pfn) < p2m_entries ? mfn_make(p2m[pfn_raw(pfn)]) : MFN_INVALID;
}

bool pfn_of_mfn(mfn_t mfn, pfn_t *pfn)
{
    uint64_t candidate;

    if (mfn_raw(mfn) >= m2p_entries || !probe_read(&m2p[mfn_raw(mfn)], &candidate) ||
        candidate >= p2m_entries || p2m[candidate] != mfn_raw(mfn)) {
        return false;
    }
    *pfn = pfn_make(candidate);
    return true;
}

maddr_t maddr_of_va(const void *va)
{
    uint64_t offset = (uintptr_t)va & (PAGE_SIZE - 1);

    return maddr_make(maddr_raw(maddr_of_mfn(mfn_of_pfn(pfn_of_va(va)))) + offset);
}

void p2m_set(pfn_t pfn, mfn_t mfn)
{
    p2m[pfn_raw(pfn)] = mfn_raw(mfn);
}
