/* SPDX-License-Identifier: MIT */
/*
 * From the early tables to our own. All RAM is mapped in pages of 4 KiB from VIRT_BASE on, the image with the rights that its
 * sections should have; what is neither the image nor a module nor below 1 MiB goes to the allocator.
 * Invariant: until early_next moves past a frame, nothing but the reserved ranges below it is in use.
 */
#include "libpvk/native/memory.h"

#include <string.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/layout.h"
#include "libpvk/native/boot_info.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/pagetable.h"
#include "pvk/memory.h"
#include "pvk/traps.h"

#define LOW_END    0x100ul     /* frames below 1 MiB: firmware's, and where other CPUs start */
#define EARLY_END  (1ul << 18) /* frames of the first GiB: what the early tables map */
#define LINEAR_END (1ul << 26) /* 256 GiB: the linear map is half an entry of level 4 */

extern char __rodata_start[], __rodata_end[], boot_stack_guard[];
extern uint64_t early_l4[];

struct range {
    uint64_t first;
    uint64_t end;
};
static struct range reserved[MAX_MODULES + 3];
static unsigned nr_reserved;
static bool early = true;
static uint64_t early_next; /* frames below are in use */

static void reserve(uint64_t first, uint64_t end)
{
    reserved[nr_reserved++] = (struct range){first, end};
}

static bool is_reserved(uint64_t pfn)
{
    for (unsigned i = 0; i < nr_reserved; i++) {
        if (pfn >= reserved[i].first && pfn < reserved[i].end) {
            return true;
        }
    }
    return false;
}

static bool is_ram(uint64_t pfn)
{
    for (unsigned i = 0; i < boot_info.nr_ram; i++) {
        if (pfn >= boot_info.ram[i].first && pfn < boot_info.ram[i].end) {
            return true;
        }
    }
    return false;
}

static bool is_free(uint64_t pfn)
{
    return pfn >= early_next && is_ram(pfn) && !is_reserved(pfn);
}

static uint64_t early_frame(void)
{
    while (early_next < EARLY_END && !is_free(early_next)) {
        early_next++;
    }
    if (early_next == EARLY_END) {
        crash("not enough memory below 1 GiB to map all memory");
    }
    return early_next++;
}

void *memory_table_page(void)
{
    void *va;

    if (!early) {
        return page_alloc(0);
    }
    va = va_of_pfn(pfn_make(early_frame()));
    memset(va, 0, PAGE_SIZE);
    return va;
}

/* What the linear map grants to a frame. */
static uint64_t linear_entry(uint64_t pfn)
{
    const char *va = va_of_pfn(pfn_make(pfn));
    unsigned rights = MAP_R | MAP_W;

    if (va == boot_stack_guard) {
        return 0;
    }
    if (va >= __image_start && va < __rodata_start) {
        rights = MAP_R | MAP_X;
    } else if (va >= __rodata_start && va < __rodata_end) {
        rights = MAP_R;
    }
    return pfn << PAGE_SHIFT | pte_flags(rights);
}

static void map_linear(uint64_t first, uint64_t end)
{
    volatile uint64_t *entry = NULL;

    for (uint64_t pfn = first; pfn < end; pfn++) {
        if (entry == NULL || pfn % PT_ENTRIES == 0) {
            entry = pt_find(kernel_root, (uintptr_t)va_of_pfn(pfn_make(pfn)), 1, true);
        }
        *entry++ = linear_entry(pfn);
    }
}

static uint64_t prepare_ranges(void)
{
    uint64_t nr_frames = 0;

    for (unsigned i = 0; i < boot_info.nr_ram; i++) {
        boot_info.ram[i].end = MIN(boot_info.ram[i].end, LINEAR_END);
        nr_frames = MAX(nr_frames, boot_info.ram[i].end);
    }
    reserve(0, LOW_END);
    reserve(pfn_raw(pfn_of_va(__image_start)), pfn_raw(pfn_of_va(__image_end)));
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.modules[i];

        reserve(m->paddr >> PAGE_SHIFT, (m->paddr + m->size + PAGE_SIZE - 1) >> PAGE_SHIFT);
    }
    return nr_frames;
}

static void start_allocator(uint64_t nr_frames)
{
    uint64_t bitmap_pages = (nr_frames / 8 + PAGE_SIZE - 1) / PAGE_SIZE + 1;
    uint64_t run = 0;
    uint64_t bitmap;

    for (bitmap = early_next; run < bitmap_pages && bitmap < nr_frames; bitmap++) {
        run = is_free(bitmap) ? run + 1 : 0;
    }
    if (run < bitmap_pages) {
        crash("not enough memory for the page allocator");
    }
    reserve(bitmap - bitmap_pages, bitmap);
    page_alloc_init(va_of_pfn(pfn_make(bitmap - bitmap_pages)), nr_frames);
    run = 0;
    for (uint64_t pfn = early_next; pfn <= nr_frames; pfn++) {
        if (pfn < nr_frames && is_free(pfn)) {
            run++;
        } else if (run > 0) {
            page_alloc_add(pfn_make(pfn - run), run);
            run = 0;
        }
    }
    early = false;
}

void memory_init(void)
{
    uint64_t nr_frames = prepare_ranges();
    bool ok;

    early_next = LOW_END;
    kernel_root = memory_table_page();
    map_linear(0, LOW_END);
    for (unsigned i = 0; i < boot_info.nr_ram; i++) {
        map_linear(MAX(boot_info.ram[i].first, LOW_END), boot_info.ram[i].end);
    }
    /* Every address space copies the kernel's level 4 entries: the windows' one must be there before the first copy. */
    ok = pt_find(kernel_root, WINDOW_BASE, 3, true) != NULL;
    ASSERT(ok);
    for (unsigned i = PT_ENTRIES / 2; i < PT_ENTRIES; i++) {
        early_l4[i] = kernel_root
            [i]; /* other CPUs start on the early tables, with stacks that are anywhere */
    }
    insn_write_cr3(pfn_raw(pfn_of_va(kernel_root)) << PAGE_SHIFT);
    start_allocator(nr_frames);
}
