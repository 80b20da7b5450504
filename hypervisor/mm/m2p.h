/* SPDX-License-Identifier: MIT */
/*
 * The machine-to-physical table: the PFN under which a frame's owner knows it, for every frame.
 * Guests read it at M2P_VIRT_START; it is written here alone. Invariant: a frame that no domain has
 * reads as M2P_NONE.
 */
#ifndef MM_M2P_H
#define MM_M2P_H

#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "x86/layout.h"

/* All ones: fails every round trip through a P2M (ABI: INVALID_M2P_ENTRY). */
#define M2P_NONE (~(uint64_t)0)

#ifdef XENO_HOST_TEST
extern uint64_t host_m2p[];
#define m2p_table host_m2p
#else
#define m2p_table ((uint64_t *)M2P_HV_START)
#endif

static inline void m2p_set(mfn_t mfn, uint64_t pfn)
{
    WRITE_ONCE(m2p_table[mfn_raw(mfn)], pfn);
}

#endif
