/* SPDX-License-Identifier: MIT */
/*
 * From the memory map to the final address space. W^X: text RX, read-only data R, data RW; in the direct map RAM is RW and
 * never executable, and the image's text and read-only data are read-only there as well.
 * Invariant: frames for tables come from below 4 GiB, which the boot tables and the final ones both map.
 */
#include "boot/memory.h"

#include <stddef.h>

#include "common/compiler.h"
#include "common/string.h"
#include "debug/console.h"
#include "debug/symtab.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"

#define LOW_LIMIT      0x100000000ull
#define TRAMPOLINE_TOP 0xa0000ull
#define MEMORY_MIN     (60ull << 20) /* what a 64 MiB machine has left beside holes and firmware */
#define FRAME_BYTES    32u           /* an entry of the frame table */

extern const uint8_t __text_end[], __rodata_end[], __image_end[];

static struct early_mem all_ram, free_ram;
static uint64_t trampoline;

static const void *read_low(void *ctx, uint64_t pa, uint64_t bytes)
{
    (void)ctx;
    return pa < LOW_LIMIT && bytes <= LOW_LIMIT - pa ? direct_map(pa) : NULL;
}

const struct boot_reader boot_reader_low = {read_low, NULL};

/* For tables: zeroed, below 4 GiB. */
static uint64_t alloc_low_frame(void)
{
    uint64_t pa = early_mem_alloc(&free_ram, 4096, LOW_LIMIT);

    if (pa) {
        memset(direct_map(pa), 0, 4096);
    }
    return pa;
}

static void reserve(uint64_t start, uint64_t end)
{
    if (!early_mem_reserve(&free_ram, start, end)) {
        boot_fail("the memory map has too many pieces");
    }
}

static void place_module(struct boot_module *m)
{
    uint64_t bytes = m->end - m->start;

    if (m->start & 4095) {
        uint64_t to = early_mem_alloc(&free_ram, ALIGN_UP(bytes, 4096ull), LOW_LIMIT);

        if (!to) {
            boot_fail("no memory to move module '%s' to a page boundary", m->cmdline);
        }
        memcpy(direct_map(to), direct_map(m->start), bytes);
        m->start = to;
        m->end = to + bytes;
    }
    /* What follows it in its last page is not the next owner's business. */
    memset(direct_map(m->end), 0, ALIGN_UP(m->end, 4096ull) - m->end);
}

void memory_survey(struct boot_info *info)
{
    uint64_t limit = cmdline_get_number(info->cmdline, "mem", 0);

    if (!early_mem_init(&all_ram, info->e820, info->nr_e820)) {
        boot_fail("the memory map has too many pieces");
    }
    if (limit) {
        early_mem_clip(&all_ram, limit << 20);
    }
    if (early_mem_total(&all_ram) < MEMORY_MIN) {
        boot_fail("%lu MiB of memory are too little: at least 64 MiB are needed",
                  early_mem_total(&all_ram) >> 20);
    }
    free_ram = all_ram;
    trampoline = early_mem_alloc(&free_ram, 4096, TRAMPOLINE_TOP);
    reserve(0, BOOT_LOW_MEMORY);
    reserve(image_pa(__image_start), image_pa(__image_end));
    for (uint32_t i = 0; i < info->nr_modules; i++) {
        const struct boot_module *m = &info->modules[i];

        if (m->end > LOW_LIMIT) {
            boot_fail("module '%s' lies above 4 GiB", m->cmdline);
        }
        reserve(m->start, m->end);
    }
    for (uint32_t i = 0; i < info->nr_modules; i++) {
        place_module(&info->modules[i]);
    }
    hv_map_frames_from(alloc_low_frame);
}

static void map(uint64_t va, uint64_t pa, uint64_t bytes, uint32_t flags)
{
    if (bytes && hv_map(va, pa, bytes, flags)) {
        boot_fail("no memory for page tables");
    }
}

static void map_image_part(const void *start, const void *end, uint32_t flags)
{
    map((uint64_t)start, image_pa(start), (uint64_t)end - (uint64_t)start, flags | HV_MAP_SMALL);
}

/* RAM [start, end) in the direct map; what of it is image and must not be written is not. */
static void map_ram(uint64_t start, uint64_t end)
{
    uint64_t fixed_start = MAX(start, image_pa(__image_start));
    uint64_t fixed_end = MIN(end, image_pa(__rodata_end));

    if (fixed_start >= fixed_end) {
        map(DIRECTMAP_START + start, start, end - start, HV_MAP_RW);
        return;
    }
    map(DIRECTMAP_START + start, start, fixed_start - start, HV_MAP_RW);
    map(DIRECTMAP_START + fixed_start, fixed_start, fixed_end - fixed_start, 0);
    map(DIRECTMAP_START + fixed_end, fixed_end, end - fixed_end, HV_MAP_RW);
}

void memory_map_final(void)
{
    map_image_part(__image_start, __text_end, HV_MAP_EXEC);
    map_image_part(__text_end, __rodata_end, 0);
    map_image_part(__rodata_end, __image_end, HV_MAP_RW);
    for (uint32_t i = 0; i < all_ram.nr; i++) {
        if (all_ram.range[i].end > DIRECTMAP_END - DIRECTMAP_START) {
            boot_fail("memory beyond %lu GiB cannot be used",
                      (DIRECTMAP_END - DIRECTMAP_START) >> 30);
        }
        map_ram(all_ram.range[i].start, all_ram.range[i].end);
    }
    if (percpu_init_boot() || hv_map_reserve_slot(IOMAP_START)) {
        boot_fail("no memory for page tables");
    }
    tlb_load_cr3(hv_root_pa());
}

/* Map entries [start, end) of a table at `va` that has `entry` bytes for each frame, except what is mapped already. */
static uint64_t map_table_part(uint64_t va, uint64_t entry, uint64_t done,
                               const struct early_range *frames, uint64_t alias)
{
    uint64_t unit = alias ? M2P_PIECE : 4096;
    uint64_t from = MAX(ALIGN_DOWN((frames->start >> 12) * entry, unit), done);
    uint64_t to = ALIGN_UP((frames->end >> 12) * entry, unit);
    uint64_t pa;

    if (from >= to) {
        return done;
    }
    pa = early_mem_alloc(&free_ram, to - from, UINT64_MAX);
    if (!pa) {
        boot_fail("no memory for the frame tables");
    }
    map(va + from, pa, to - from, HV_MAP_RW);
    if (alias) {
        map(alias + from, pa, to - from, HV_MAP_GUEST);
    }
    memset((void *)(va + from), alias ? 0xff : 0, to - from);
    return to;
}

/* Holes in the frame table show one page of zeroes: "no RAM". */
static void map_table_hole(uint64_t from, uint64_t to, uint64_t zero_page)
{
    for (uint64_t at = from; at < to; at += 4096) {
        map(FRAMETABLE_START + at, zero_page, 4096, HV_MAP_SMALL);
    }
}

uint64_t memory_frame_tables(void)
{
    uint64_t zero_page = alloc_low_frame();
    uint64_t frames_done = 0;
    uint64_t m2p_done = 0;

    if (!zero_page) {
        boot_fail("no memory for the frame tables");
    }
    for (uint32_t i = 0; i < all_ram.nr; i++) {
        const struct early_range *r = &all_ram.range[i];

        map_table_hole(frames_done, ALIGN_DOWN((r->start >> 12) * FRAME_BYTES, 4096ull), zero_page);
        frames_done = map_table_part(FRAMETABLE_START, FRAME_BYTES, frames_done, r, 0);
    }
    for (uint32_t i = 0; i < all_ram.nr; i++) {
        struct early_range r = all_ram.range[i];

        /* Whatever lies between the RAM of a piece's GiB. */
        while (i + 1 < all_ram.nr && (r.end - 1) >> 30 == all_ram.range[i + 1].start >> 30) {
            r.end = all_ram.range[++i].end;
        }
        m2p_done = map_table_part(M2P_HV_START, M2P_BYTES, m2p_done, &r, M2P_VIRT_START);
    }
    return all_ram.range[all_ram.nr - 1].end >> 12;
}

uint64_t memory_trampoline(void)
{
    return trampoline;
}

const struct early_mem *memory_free_ranges(void)
{
    return &free_ram;
}

const struct early_mem *memory_all_ranges(void)
{
    return &all_ram;
}
