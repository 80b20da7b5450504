/* SPDX-License-Identifier: MIT */
/*
 * The two tables between this domain's frames and the machine's: P2M (ours, in our memory) and M2P (the hypervisor's, for
 * all machine frames, read-only). A frame is ours if both agree.
 */
#ifndef PVK_PV_P2M_H
#define PVK_PV_P2M_H

#include <stdbool.h>
#include <stdint.h>

#include "common/typed_int.h"
#include "pvk/memory.h"

/* Machine frame behind one of our frames; MFN_INVALID if there is none. */
mfn_t mfn_of_pfn(pfn_t pfn);

/* Our frame for a machine frame; false if it is not ours. Any mfn may be asked for. */
bool pfn_of_mfn(mfn_t mfn, pfn_t *pfn);

/* Machine address of something in the linear map. */
maddr_t maddr_of_va(const void *va);

/* The domain traded a frame: change our table. The caller has changed M2P and mappings. */
void p2m_set(pfn_t pfn, mfn_t mfn);

#endif
