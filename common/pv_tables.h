/* SPDX-License-Identifier: MIT */
/*
 * Writes a plan's initial page tables and P2M list through callbacks, so that the hypervisor (boot domain), the tools
 * (foreign mappings) and a host test (arrays) share one writer. Every entry has USER set; only 4 KiB pages; every
 * page-table frame that the region maps is mapped read-only.
 */
#ifndef COMMON_PV_TABLES_H
#define COMMON_PV_TABLES_H

#include <stdint.h>

#include "common/pv_plan.h"
#include "common/typed_int.h"

struct pv_memory {
    /* A frame of the domain to write to, valid until the next call; NULL stops with -1. */
    void *(*frame)(void *ctx, uint64_t pfn);
    /* The machine frame of a PFN. */
    mfn_t (*mfn)(void *ctx, uint64_t pfn);
    void *ctx;
};

/* Both return 0, or -1 when a frame could not be had. Frames are written whole: they need not be zero before. */
int pv_tables_write(const struct pv_plan *plan, const struct pv_memory *mem);
int pv_p2m_write(const struct pv_plan *plan, const struct pv_memory *mem);

#endif
