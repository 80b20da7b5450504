/* SPDX-License-Identifier: MIT */
/*
 * Arbitrary bytes as a kernel image: read, planned with a memory size and a module out of the last bytes, page tables
 * written. What is accepted must plan within its memory, and an independent walk must find each mapped page where planned.
 */
/* SOURCES: common/elf.c common/elf_notes.c common/pv_error.c common/pv_plan.c common/pv_tables.c common/start_info.c */
#include <stdlib.h>
#include <string.h>

#include "common/pv_plan.h"
#include "common/pv_tables.h"
#include "common/start_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PAGES 8192u
#define FIRST_MFN 0x100000u

static uint8_t *frames; /* of pages 0 … nr_pages-1 */
static uint64_t nr_pages;

static void must(int ok)
{
    if (!ok) {
        abort();
    }
}

static void *frame_cb(void *ctx, uint64_t pfn)
{
    (void)ctx;
    must(pfn < nr_pages);
    return frames + pfn * PAGE_SIZE;
}

static mfn_t mfn_cb(void *ctx, uint64_t pfn)
{
    (void)ctx;
    must(pfn < nr_pages);
    return mfn_make(FIRST_MFN + (nr_pages - 1 - pfn));
}

static uint64_t pfn_of(uint64_t entry)
{
    uint64_t mfn = entry >> 12 & 0xfffffffffful;

    must(mfn >= FIRST_MFN && mfn - FIRST_MFN < nr_pages);
    return nr_pages - 1 - (mfn - FIRST_MFN);
}

/* Counts the pages that a table maps and checks each against the plan's two mappings. */
static uint64_t walk(const struct pv_plan *p, uint64_t table_pfn, int level, uint64_t va)
{
    const uint64_t *t = frame_cb(NULL, table_pfn);
    uint64_t n = 0;

    for (uint64_t i = 0; i < 512; i++) {
        uint64_t at = va | i << (12 + 9 * (level - 1));

        if (!(t[i] & 1)) {
            continue;
        }
        at = level == 4 && i >= 256 ? at | 0xffff000000000000ul : at;
        must(t[i] & 4);
        must(level != 4 || i < 256 || i > 271);
        if (level > 1) {
            n += walk(p, pfn_of(t[i]), level - 1, at);
        } else {
            const struct pv_mapping *m = at - p->region.va_start < p->region.va_end - p->region.va_start ? &p->region : &p->p2m_map;

            must(at - m->va_start < m->va_end - m->va_start);
            must(pfn_of(t[i]) == m->first_pfn + (at - m->va_start) / PAGE_SIZE);
            n++;
        }
    }
    return n;
}

static void build(const struct pv_image *img, const struct pv_plan *p, uint64_t module_bytes)
{
    static union {
        struct start_info si;
        uint8_t page[PAGE_SIZE];
    } start;
    const struct pv_memory mem = {.frame = frame_cb, .mfn = mfn_cb};
    struct start_info_input si = {.plan = p, .image = img, .module_bytes = module_bytes, .cmdline = "x"};
    uint64_t mapped = (p->region.va_end - p->region.va_start + p->p2m_map.va_end - p->p2m_map.va_start) / PAGE_SIZE;

    must(p->used_pfns <= nr_pages && img->kernel_end <= nr_pages * PAGE_SIZE && p->l4_pfn < nr_pages);
    must(img->entry - img->virt_base < img->kernel_end);
    must(!img->has_hypercall_page || img->hypercall_page - img->virt_base < img->kernel_end);
    frames = malloc(nr_pages * PAGE_SIZE); /* not all of it is touched */
    must(frames && pv_tables_write(p, &mem) == 0 && pv_p2m_write(p, &mem) == 0);
    must(walk(p, p->l4_pfn, 4, 0) == mapped);
    start_info_fill(&start.si, &si);
    free(frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_plan_input in = {.store_console = true};
    struct pv_image img;
    struct pv_plan plan;
    uint8_t tail[4] = {0};

    if (size >= sizeof(tail)) {
        memcpy(tail, data + size - sizeof(tail), sizeof(tail));
    }
    if (pv_image_read(&img, data, size) != PV_OK) {
        return 0;
    }
    for (unsigned int i = 0; i < img.file.phnum; i++) {
        struct elf_segment s;

        must(elf_segment(&img.file, i, &s) == PV_OK);
        if (s.type == ELF_PT_LOAD) {
            must(s.offset + s.file_size <= size && s.file_size <= s.mem_size);
            must(s.mem_size == 0 || s.paddr - img.paddr_offset + s.mem_size <= img.kernel_end);
        }
    }
    in.image = &img;
    in.nr_pages = in.usable_pages = nr_pages = tail[0] * 32u + 1;
    in.module_bytes = (uint64_t)tail[1] << (tail[2] & 31);
    in.module_mapped = tail[3] & 1;
    must(nr_pages <= MAX_PAGES);
    if (pv_plan_make(&in, &plan) == PV_OK) {
        build(&img, &plan, in.module_bytes);
    } else {
        in.nr_pages = in.usable_pages = nr_pages = pv_plan_min_pages(&in);
        if (nr_pages && nr_pages <= MAX_PAGES) {
            must(pv_plan_make(&in, &plan) == PV_OK);
            build(&img, &plan, in.module_bytes);
        }
    }
    return 0;
}
