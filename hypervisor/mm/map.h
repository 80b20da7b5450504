/* SPDX-License-Identifier: MIT */
/*
 * The only doors to a frame's contents. map_frame() gives a pointer valid until unmap_frame() on
 * the same CPU, not across a return to a guest; map_frame_pinned() one that lasts (shared_info,
 * vcpu_info, grant frames). Today both are the direct map; nobody may rely on that (design decision
 * 5).
 */
#ifndef MM_MAP_H
#define MM_MAP_H

#include "common/typed_int.h"
#include "x86/layout.h"

/* Host tests bring the frames' memory as an array. */
#ifdef XENO_HOST_TEST
extern unsigned char host_frames[];
#define DIRECTMAP_PTR host_frames
#else
#define DIRECTMAP_PTR ((unsigned char *)DIRECTMAP_START)
#endif

/* The frame must be RAM below the end of the frame table. */
static inline void *map_frame(mfn_t mfn)
{
    return DIRECTMAP_PTR + (mfn_raw(mfn) << PAGE_SHIFT);
}

static inline void unmap_frame(const void *p)
{
    (void)p;
}

static inline void *map_frame_pinned(mfn_t mfn)
{
    return map_frame(mfn);
}

static inline void unmap_frame_pinned(const void *p)
{
    unmap_frame(p);
}

/* The hypervisor's own memory (from hv_alloc_pages) to its frame and back. */
mfn_t mfn_of_hv(const void *p);

#endif
