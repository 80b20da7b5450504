/* SPDX-License-Identifier: MIT */
/*
 * Guest descriptor tables: the frames of the GDT and LDT, each held by a segment-descriptor reference while a vCPU names
 * it, and the store of single descriptors. The frames appear in the CPU's windows when the vCPU is loaded.
 * Invariant: what a window shows was checked entry by entry (segments.c) and cannot be written by the guest meanwhile.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "debug/console.h"
#include "mm/guest_copy.h"
#include "mm/map.h"
#include "mm/page.h"
#include "mm/pt_update.h"
#include "mm/pt_walk.h"
#include "pv/gdt.h"
#include "pv/pv.h"
#include "pv/segments.h"
#include "x86/gdt_tss.h"
#include "x86/layout.h"
#include "x86/percpu.h"

#define DESCRIPTORS_PER_PAGE 512u

bool mm_segdesc_ok(void *frame)
{
    uint64_t *desc = frame;
    unsigned int i;

    for (i = 0; i < DESCRIPTORS_PER_PAGE; i++) {
        uint64_t fixed = desc[i];

        if (!segment_descriptor_fix(&fixed)) {
            return false;
        }
        /* Zero entries stay untouched: most of a frame, and no cache line of it is dirtied. */
        if (fixed != desc[i]) {
            desc[i] = fixed;
        }
    }
    return true;
}

static unsigned int pages_of(unsigned int nr_ents)
{
    return (nr_ents + DESCRIPTORS_PER_PAGE - 1) / DESCRIPTORS_PER_PAGE;
}

static int segdesc_get(struct domain *d, mfn_t mfn)
{
    struct page_info *pg = page_of_mfn(mfn);

    if (!pg || !page_get(pg, d->id, false)) {
        return -EINVAL;
    }
    if (page_type_get_segdesc(pg) != PT_OK) {
        page_put(pg);
        return -EINVAL;
    }
    return 0;
}

static void frames_put(struct domain *d, const mfn_t *frames, unsigned int nr)
{
    unsigned int i;

    for (i = 0; i < nr; i++) {
        if (!mfn_eq(frames[i], MFN_INVALID)) {
            pt_walk_put(&d->mm, page_of_mfn(frames[i]));
        }
    }
}

static void table_put(struct domain *d, mfn_t *frames, unsigned int nr)
{
    unsigned int i;

    frames_put(d, frames, nr);
    for (i = 0; i < nr; i++) {
        frames[i] = MFN_INVALID;
    }
}

/* References to all frames or none. */
static int table_get(struct domain *d, const mfn_t *frames, unsigned int nr)
{
    unsigned int i;
    int rc;

    for (i = 0; i < nr; i++) {
        rc = segdesc_get(d, frames[i]);
        if (rc) {
            hv_log_guest("d%u: descriptor table: frame %#lx is not the domain's, in use otherwise, or holds a descriptor that "
                         "is not allowed\n",
                         d->id, mfn_raw(frames[i]));
            frames_put(d, frames, i);
            return rc;
        }
    }
    return 0;
}

static void table_copy(mfn_t *where, unsigned int max, const mfn_t *frames, unsigned int nr)
{
    unsigned int i;

    for (i = 0; i < max; i++) {
        where[i] = i < nr ? frames[i] : MFN_INVALID;
    }
}

/* The frames have their references already. Whose table it was is done with them when the CPU shows the new ones. */
static void table_commit(struct vcpu *v, mfn_t *where, unsigned int max, const struct descriptor_table *table,
                         void (*load)(const struct vcpu *v))
{
    mfn_t old[LDT_GUEST_PAGES];

    table_copy(old, max, where, max);
    table_copy(where, max, table->frames, pages_of(table->nr_ents));
    if (v == current_vcpu()) {
        load(v);
    }
    table_put(v->domain, old, max);
}

int descriptor_tables_replace(struct vcpu *v, const struct descriptor_table *gdt, const struct descriptor_table *ldt)
{
    int rc = gdt ? table_get(v->domain, gdt->frames, pages_of(gdt->nr_ents)) : 0;

    if (rc) {
        return rc;
    }
    rc = ldt ? table_get(v->domain, ldt->frames, pages_of(ldt->nr_ents)) : 0;
    if (rc) {
        if (gdt) {
            frames_put(v->domain, gdt->frames, pages_of(gdt->nr_ents));
        }
        return rc;
    }
    if (gdt) {
        v->pv.gdt_ents = (uint16_t)gdt->nr_ents;
        table_commit(v, v->pv.gdt_frames, GDT_GUEST_PAGES, gdt, gdt_load);
    }
    if (ldt) {
        v->pv.ldt_ents = (uint16_t)ldt->nr_ents;
        v->pv.ldt_base = gva_raw(ldt->base);
        table_commit(v, v->pv.ldt_frames, LDT_GUEST_PAGES, ldt, ldt_load);
    }
    return 0;
}

int pv_set_gdt(struct vcpu *v, const mfn_t *frames, unsigned int nr_ents)
{
    struct descriptor_table gdt = {.nr_ents = nr_ents};

    if (nr_ents > FIRST_RESERVED_GDT_ENTRY) {
        return -EINVAL;
    }
    table_copy(gdt.frames, LDT_GUEST_PAGES, frames, pages_of(nr_ents));
    return descriptor_tables_replace(v, &gdt, NULL);
}

/* The frame that backs a page of the address space under this root. */
static int frame_at(struct domain *d, mfn_t root, gva_t va, mfn_t *mfn)
{
    maddr_t where;
    uint64_t *slots, entry;
    int rc;

    if (!guest_range_ok(va, PAGE_SIZE)) {
        return -EINVAL;
    }
    rc = pt_update_find(&d->mm, root, va, &where);
    if (rc) {
        return rc;
    }
    slots = map_frame(mfn_of_maddr(where));
    entry = READ_ONCE(slots[(maddr_raw(where) % PAGE_SIZE) / sizeof(*slots)]);
    unmap_frame(slots);
    if (!(entry & PTE_P)) {
        return -EINVAL;
    }
    *mfn = mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT);
    return 0;
}

int ldt_find(struct domain *d, mfn_t root, gva_t base, unsigned int nr_ents, struct descriptor_table *ldt)
{
    unsigned int i;

    if (nr_ents > LDT_GUEST_PAGES * DESCRIPTORS_PER_PAGE || gva_raw(base) % PAGE_SIZE) {
        return -EINVAL;
    }
    *ldt = (struct descriptor_table){.nr_ents = nr_ents, .base = base};
    for (i = 0; i < pages_of(nr_ents); i++) {
        int rc = frame_at(d, root, gva_add(base, (uint64_t)i * PAGE_SIZE), &ldt->frames[i]);

        if (rc) {
            return rc;
        }
    }
    return 0;
}

int pv_set_ldt(struct vcpu *v, gva_t base, unsigned int nr_ents)
{
    struct descriptor_table ldt;
    int rc = ldt_find(v->domain, v->pv.kernel_root, base, nr_ents, &ldt);

    return rc ? rc : descriptor_tables_replace(v, NULL, &ldt);
}

void gdt_load(const struct vcpu *v)
{
    gdt_window_set(v->pv.gdt_frames, pages_of(v->pv.gdt_ents));
}

void ldt_load(const struct vcpu *v)
{
    ldt_window_set(v->pv.ldt_frames, v->pv.ldt_ents);
}

void gdt_init_vcpu(struct vcpu *v)
{
    table_copy(v->pv.gdt_frames, GDT_GUEST_PAGES, NULL, 0);
    table_copy(v->pv.ldt_frames, LDT_GUEST_PAGES, NULL, 0);
    v->pv.gdt_ents = 0;
    v->pv.ldt_ents = 0;
}

void gdt_release(struct vcpu *v)
{
    table_put(v->domain, v->pv.gdt_frames, GDT_GUEST_PAGES);
    table_put(v->domain, v->pv.ldt_frames, LDT_GUEST_PAGES);
    v->pv.gdt_ents = 0;
    v->pv.ldt_ents = 0;
}

int pv_update_descriptor(struct vcpu *v, maddr_t where, uint64_t desc)
{
    struct page_info *pg = page_of_mfn(mfn_of_maddr(where));
    enum pt_reason reason;
    uint64_t *slots;

    if (maddr_raw(where) % sizeof(desc) || !segment_descriptor_fix(&desc)) {
        return -EINVAL;
    }
    if (!pg || !page_get(pg, v->domain->id, false)) {
        return -EINVAL;
    }
    /* Either kind of reference keeps the frame from becoming something else while it is written. */
    reason = pgt_type(READ_ONCE(pg->type)) == PAGE_SEGDESC && pgt_count(READ_ONCE(pg->type)) ? page_type_get_segdesc(pg)
                                                                                              : page_type_get(pg, PAGE_WRITABLE);
    if (reason != PT_OK) {
        page_put(pg);
        return -EINVAL;
    }
    slots = map_frame(mfn_of_maddr(where));
    WRITE_ONCE(slots[(maddr_raw(where) % PAGE_SIZE) / sizeof(*slots)], desc);
    unmap_frame(slots);
    pt_walk_put(&v->domain->mm, pg);
    return 0;
}

bool code_segment(uint16_t sel, uint64_t *desc)
{
    uint64_t area = PERCPU_AREA_BASE + this_cpu()->cpu * PERCPU_AREA_SIZE;
    const uint64_t *table = (const uint64_t *)(area + (sel & 4 ? PCPU_LDT_OFFSET : PCPU_GDT_OFFSET));

    if (!(sel & 4) && (sel >> 3) >= FIRST_RESERVED_GDT_ENTRY) {
        return false;
    }
    *desc = READ_ONCE(table[sel >> 3]);
    return (*desc & (SEGMENT_P | SEGMENT_S | SEGMENT_TYPE_CODE)) == (SEGMENT_P | SEGMENT_S | SEGMENT_TYPE_CODE);
}
