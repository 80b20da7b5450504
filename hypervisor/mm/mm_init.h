/* SPDX-License-Identifier: MIT */
/*
 * Starting the memory room, and what rooms above give it. Order at boot: mm_init(), heap_add() and heap_add_used() for all
 * RAM (mm/heap.h), mm_init_owners(); then frames and domains can be had.
 */
#ifndef MM_MM_INIT_H
#define MM_MM_INIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "mm/pt_check.h"

/* The frame table covers frames [0, frames), is mapped and zero; the M2P is mapped and all ones. */
void mm_init(uint64_t frames);

/*
 * Owners of frames that no domain has, and the M2P's own frames as readable by control domains (ABI: DOMID_XEN). The L4
 * slots of the hypervisor are sealed by now. -ENOMEM.
 */
int mm_init_owners(void) __must_check;

/* First machine frame of the M2P's piece with that index; MFN_INVALID in a hole between the machine's RAM. */
mfn_t mm_m2p_piece(uint64_t idx);

/*
 * Frames [first, first + nr) that are not RAM: nobody may map them with more than `most` (the hypervisor's own devices).
 * Boot only. False when the table is full.
 */
bool mm_io_restrict(mfn_t first, uint64_t nr, enum io_access most);

#endif
