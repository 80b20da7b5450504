/* SPDX-License-Identifier: MIT */
/*
 * From the builder's address space to our own. The builder has mapped the image, start_info, the page tables, a boot stack and
 * a little more, from frame 0 up. We map the remaining frames behind that, so that the linear map covers all of memory; take
 * write access from what must not be written and execute access from what is no code; and give the rest to the allocator.
 * Invariant: until early_next moves past a frame, nothing but the reserved ranges below it is in use.
 */
#include "libpvk/pv/memory.h"

#include <string.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/layout.h"
#include "libpvk/pv/early.h"
#include "pvk/modules.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"
#include "pvk/pv/start_info.h"
#include "pvk/traps.h"

extern char __rodata_start[], __rodata_end[], boot_stack_guard[];

/* Frames that are in use when we start. */
#define MAX_RESERVED 128
struct range {
    uint64_t first;
    uint64_t end;
};
static struct range reserved[MAX_RESERVED];
static unsigned nr_reserved;
static uint64_t reserved_end; /* of the last of them */

static struct range tables; /* the builder's page tables */
static struct range p2m;    /* the P2M list where the builder mapped it with tables of its own */

static bool early = true;
static uint64_t early_next;  /* frames below are in use */
static uint64_t mapped_end;  /* frames below are in the linear map */
static uint64_t builder_end; /* frames below were mapped by the builder */

static bool in_range(const struct range *r, uint64_t pfn)
{
    return pfn >= r->first && pfn < r->end;
}

static bool in_reserved(uint64_t pfn)
{
    for (unsigned i = 0; i < nr_reserved; i++) {
        if (in_range(&reserved[i], pfn)) {
            return true;
        }
    }
    return false;
}

/* Nearly all frames lie behind the ranges. */
static inline bool is_reserved(uint64_t pfn)
{
    return (pfn < reserved_end && in_reserved(pfn)) ||
           mfn_eq(mfn_of_pfn(pfn_make(pfn)), MFN_INVALID);
}

static void reserve(uint64_t first, uint64_t count)
{
    ASSERT(nr_reserved < MAX_RESERVED);
    reserved[nr_reserved++] = (struct range){first, first + count};
    reserved_end = MAX(reserved_end, first + count);
}

static void reserve_bytes(const void *va, size_t bytes)
{
    uint64_t first = pfn_raw(pfn_of_va(va));
    uint64_t last = pfn_raw(pfn_of_va((const char *)va + bytes - 1));

    if (bytes > 0) {
        reserve(first, last - first + 1);
    }
}

static void reserve_mfn(uint64_t mfn)
{
    pfn_t pfn;

    if (mfn != 0 && pfn_of_mfn(mfn_make(mfn), &pfn)) {
        reserve(pfn_raw(pfn), 1);
    }
}

static void reserve_all(void)
{
    const struct start_info *si = start_info;
    struct module mod;

    reserve_bytes(__image_start, (size_t)(__image_end - __image_start));
    reserve_bytes(si, sizeof(*si));
    reserve_bytes((const void *)si->pt_base, si->nr_pt_frames * PAGE_SIZE);
    tables.first = pfn_raw(pfn_of_va((const void *)si->pt_base));
    tables.end = tables.first + si->nr_pt_frames;
    if (si->mfn_list >= VIRT_BASE && si->mfn_list - VIRT_BASE < si->nr_pages * PAGE_SIZE) {
        reserve_bytes((const void *)si->mfn_list, si->nr_pages * sizeof(uint64_t));
    } else {
        p2m = (struct range){si->first_p2m_pfn, si->first_p2m_pfn + si->nr_p2m_frames};
        reserve(p2m.first, si->nr_p2m_frames);
    }
    reserve_mfn(si->store_mfn);
    if (!is_initial_domain()) {
        reserve_mfn(si->console.domU.mfn);
    }
    for (unsigned i = 0; i < module_count() && module_get(i, &mod); i++) {
        reserve_bytes(mod.data, mod.size);
        if (mod.cmdline[0] != '\0') {
            reserve_bytes(mod.cmdline, PAGE_SIZE); /* longer than any line */
        }
    }
    module_list_range((const void **)&mod.data, &mod.size);
    reserve_bytes(mod.data, mod.size);
}

bool early_active(void)
{
    return early;
}

void *early_page(void)
{
    void *va;

    while (early_next < mapped_end && is_reserved(early_next)) {
        early_next++;
    }
    if (early_next >= mapped_end) {
        crash("the domain builder mapped too little memory to start with");
    }
    va = va_of_pfn(pfn_make(early_next++));
    memset(va, 0, PAGE_SIZE);
    return va;
}

static unsigned rights_among_reserved(uint64_t pfn)
{
    const char *va = va_of_pfn(pfn_make(pfn));

    if (va >= __image_start && va < __rodata_start) {
        return MAP_R | MAP_X;
    }
    if ((va >= __rodata_start && va < __rodata_end) || in_range(&tables, pfn) ||
        in_range(&p2m, pfn) || (pfn < early_next && !is_reserved(pfn))) {
        return MAP_R;
    }
    return MAP_R | MAP_W;
}

/* What the linear map grants to a frame: image, tables and list are reserved ranges. */
static inline unsigned rights_of(uint64_t pfn)
{
    bool behind = pfn >= reserved_end && pfn >= early_next;

    return behind ? MAP_R | MAP_W : rights_among_reserved(pfn);
}

static uint64_t linear_pte(uint64_t pfn)
{
    mfn_t mfn = mfn_of_pfn(pfn_make(pfn));

    return mfn_eq(mfn, MFN_INVALID) ? 0 : pte_make(mfn, pte_flags(rights_of(pfn)));
}

/* The level 1 entry of a frame, from that of the frame before it: a table's entries lie in a row. */
static bool linear_entry(uint64_t pfn, struct pt_entry *l1)
{
    uintptr_t va = (uintptr_t)va_of_pfn(pfn_make(pfn));

    if (l1->entry == NULL || pt_index(va, 1) == 0) {
        return pt_find(&kernel_space, va, 1, false, l1);
    }
    l1->entry++;
    l1->where = maddr_add(l1->where, sizeof(*l1->entry));
    return true;
}

/* Map the frames from `pfn` to the end of what one level 1 table covers; returns the first frame behind. */
static uint64_t extend_by_one_table(uint64_t pfn, uint64_t nr_frames)
{
    uintptr_t va = (uintptr_t)va_of_pfn(pfn_make(pfn));
    uint64_t end = MIN(nr_frames, pfn + PT_ENTRIES - pt_index(va, 1));
    struct pt_entry l2;
    struct pt_entry l1 = {.entry = NULL};
    uint64_t *table;
    int rc = 0;

    if (!pt_find(&kernel_space, va, 2, true, &l2)) {
        crash("cannot extend the linear map at %#lx", va);
    }
    if ((*l2.entry & PTE_P) != 0) {
        struct pt_batch batch;

        /* The builder's last table: its entries go through the hypervisor. */
        pt_batch_start(&batch);
        for (; pfn < end && linear_entry(pfn, &l1); pfn++) {
            pt_batch_add(&batch, l1.where, linear_pte(pfn));
        }
        rc = pt_batch_finish(&batch);
    } else {
        /* A new one: written as plain memory, and checked as a whole when it is hooked in. */
        table = early_page();
        for (uint64_t p = pfn; p < end; p++) {
            table[pt_index(va, 1) + (p - pfn)] = linear_pte(p);
        }
        rc = pt_page_set_rights(table, MAP_R);
        if (rc == 0) {
            rc = pt_write(l2.where, pte_make(mfn_of_pfn(pfn_of_va(table)),
                                             PTE_P | PTE_W | PTE_US | PTE_A | PTE_D));
        }
    }
    if (rc != 0) {
        crash("cannot extend the linear map at %#lx: error %d", va, rc);
    }
    return end;
}

static void extend_linear_map(uint64_t nr_frames)
{
    struct pt_entry l1 = {.entry = NULL};

    while (mapped_end < nr_frames && linear_entry(mapped_end, &l1) && (*l1.entry & PTE_P) != 0) {
        mapped_end++;
    }
    builder_end = mapped_end;
    while (mapped_end < nr_frames) {
        mapped_end = extend_by_one_table(mapped_end, nr_frames);
    }
}

/* The entry that a page of the builder's should have, from the one that it has. */
static uint64_t protected_entry(uint64_t pfn, uint64_t entry)
{
    if (va_of_pfn(pfn_make(pfn)) == (void *)boot_stack_guard) {
        return 0;
    }
    /* The entry's frame is kept: the shared info page is not the one that the builder mapped there. */
    return (entry & PTE_ADDR) | pte_flags(rights_of(pfn));
}

/* Give each page that the builder mapped the rights that it should have; unmap the guard page under the boot stack. */
static void protect_linear_map(void)
{
    struct pt_entry l1 = {.entry = NULL};
    struct pt_batch batch;
    int rc;

    pt_batch_start(&batch);
    for (uint64_t pfn = 0; pfn < builder_end; pfn++) {
        bool found = linear_entry(pfn, &l1);
        uint64_t wanted;

        ASSERT(found);
        wanted = protected_entry(pfn, *l1.entry);
        if (((*l1.entry ^ wanted) & (PTE_P | PTE_W | PTE_NX)) != 0) {
            pt_batch_add(&batch, l1.where, wanted);
        }
    }
    rc = pt_batch_finish(&batch);
    if (rc != 0) {
        crash("cannot protect the kernel image: error %d", rc);
    }
    pt_flush_all();
}

/* First of count frames in a row, above the early pages, that nothing uses. */
static uint64_t find_run(uint64_t count, uint64_t nr_frames)
{
    uint64_t run = 0;

    for (uint64_t pfn = early_next; pfn < nr_frames; pfn++) {
        run = is_reserved(pfn) ? 0 : run + 1;
        if (run == count) {
            return pfn + 1 - count;
        }
    }
    crash("not enough memory for the page allocator");
}

static void start_allocator(uint64_t nr_frames)
{
    uint64_t bitmap_pages = (nr_frames / 8 + PAGE_SIZE - 1) / PAGE_SIZE + 1;
    uint64_t bitmap = find_run(bitmap_pages, nr_frames);
    uint64_t run = 0;

    reserve(bitmap, bitmap_pages);
    page_alloc_init(va_of_pfn(pfn_make(bitmap)), nr_frames);
    for (uint64_t pfn = early_next; pfn <= nr_frames; pfn++) {
        if (pfn < nr_frames && !is_reserved(pfn)) {
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
    uint64_t nr_frames = start_info->nr_pages;
    struct pt_entry found;
    bool ok;

    kernel_space.kernel_root = (uint64_t *)start_info->pt_base;
    reserve_all();
    extend_linear_map(nr_frames);
    /* Every address space copies the kernel's level 4 entries: the windows' one must be there before the first copy. */
    ok = pt_find(&kernel_space, WINDOW_BASE, 3, true, &found);
    ASSERT(ok);
    protect_linear_map();
    start_allocator(nr_frames);
}
