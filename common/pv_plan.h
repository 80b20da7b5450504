/* SPDX-License-Identifier: MIT */
/*
 * Where everything of a new PV domain goes: one pass of arithmetic, before a single frame is touched.
 * From virt_base on, PFN 0 up, one region is mapped by 4 KiB pages: kernel, [module], [P2M list], start_info, [store page,
 * console page], page tables, boot stack, slack. Behind it, unmapped: [module], [P2M list with tables of its own].
 */
#ifndef COMMON_PV_PLAN_H
#define COMMON_PV_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/elf_notes.h"
#include "common/typed_int.h"

struct pv_plan_input {
    const struct pv_image *image;
    uint64_t nr_pages;     /* frames that the domain has, PFN 0 .. nr_pages-1 */
    uint64_t usable_pages; /* the plan may only use PFNs below this (equal to nr_pages, except for the boot domain) */
    uint64_t module_bytes; /* ramdisk or module list; 0: none */
    bool module_mapped;    /* map it even if the kernel would take an unmapped one */
    bool store_console;    /* domU: a xenstore and a console ring page */
};

/* A run of PFNs; va is 0 where it is not mapped. */
struct pv_run {
    uint64_t pfn, nr, va;
};

/* One mapped range and the page-table pages under the L4 that map it, per level 3, 2, 1 in rising PFN order. */
struct pv_mapping {
    uint64_t va_start, va_end; /* page-aligned */
    uint64_t first_pfn;        /* what va_start maps; the rest follows */
    uint64_t table_pfn[3];     /* first table of level 3, 2, 1 */
    uint64_t nr_tables[3];
};

struct pv_plan {
    uint64_t nr_pages;
    uint64_t virt_base;
    struct pv_run kernel, module, p2m, start_info, store, console, page_tables, stack;
    uint64_t p2m_table_frames; /* tables of the P2M's own mapping, right behind the array; 0 without INIT_P2M */
    uint64_t l4_pfn;
    struct pv_mapping region;  /* the mapped region */
    struct pv_mapping p2m_map; /* the P2M at INIT_P2M; nr_tables all 0 without it */
    uint64_t used_pfns;        /* PFNs below this hold something */
};

/* PV_OK, or PV_TOO_BIG, PV_P2M_OVERLAP, PV_BAD_ADDRESS. */
enum pv_error pv_plan_make(const struct pv_plan_input *in, struct pv_plan *out);

/* The least nr_pages with which pv_plan_make() succeeds, for messages; 0 if none does. */
uint64_t pv_plan_min_pages(const struct pv_plan_input *in);

#endif
