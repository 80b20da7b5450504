/* SPDX-License-Identifier: MIT */
/*
 * The plan is a line of runs, one behind the other. The number of page tables depends on the length of the line and the
 * other way round: it is raised until it fits, which ends because tables only ever grow with the region.
 */
#include "common/pv_plan.h"

#include "common/compiler.h"
#include "common/string.h"

/* The builder keeps at least this much mapped room behind the last run, and ends the region on this alignment (ABI: xen.h). */
#define SLACK_BYTES  (512ul << 10)
#define REGION_ALIGN (4ul << 20)

#define SPAN_L1 (1ul << 21) /* bytes that one L1 table maps */
#define SPAN_L2 (1ul << 30)
#define SPAN_L3 (1ul << 39)

#define MAX_PAGES      (1ul << 32)
#define LOWER_HALF_END (1ul << 47) /* what follows is not canonical (SDM vol. 1, 3.3.7.1) */

static const uint64_t span[3] = {SPAN_L3, SPAN_L2, SPAN_L1};

/* Tables of level 3, 2, 1 for a range, and their sum. */
static uint64_t count_tables(uint64_t va_start, uint64_t va_end, uint64_t nr[3])
{
    uint64_t sum = 0;

    for (int i = 0; i < 3; i++) {
        /* Measured in units of the span, so that a range up to the top of the address space does not overflow. */
        nr[i] = ((va_end - 1) / span[i]) - (va_start / span[i]) + 1;
        sum += nr[i];
    }
    return sum;
}

static void place_tables(struct pv_mapping *m, uint64_t pfn)
{
    for (int i = 0; i < 3; i++) {
        m->table_pfn[i] = pfn;
        pfn += m->nr_tables[i];
    }
}

struct line {
    uint64_t pfn;
    uint64_t virt_base;
};

static struct pv_run take(struct line *l, uint64_t nr)
{
    struct pv_run r = {.pfn = l->pfn, .nr = nr, .va = nr ? l->virt_base + (l->pfn << PAGE_SHIFT) : 0};

    l->pfn += nr;
    return r;
}

static struct pv_run take_unmapped(uint64_t *pfn, uint64_t nr)
{
    struct pv_run r = {.pfn = *pfn, .nr = nr, .va = 0};

    *pfn += nr;
    return r;
}

static uint64_t pages(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Everything up to the end of the mapped region, for a given number of page-table frames. */
static void lay_mapped(const struct pv_plan_input *in, struct pv_plan *p, uint64_t table_frames)
{
    const struct pv_image *img = in->image;
    bool module_mapped = in->module_mapped || !img->mod_start_pfn;
    struct line l = {.pfn = img->kernel_start >> PAGE_SHIFT, .virt_base = img->virt_base};
    uint64_t end;

    p->kernel = take(&l, (img->kernel_end - img->kernel_start) >> PAGE_SHIFT);
    p->module = take(&l, module_mapped ? pages(in->module_bytes) : 0);
    p->p2m = take(&l, img->has_init_p2m ? 0 : pages(in->nr_pages * sizeof(uint64_t)));
    p->start_info = take(&l, 1);
    p->store = take(&l, in->store_console ? 1 : 0);
    p->console = take(&l, in->store_console ? 1 : 0);
    p->page_tables = take(&l, table_frames);
    p->stack = take(&l, 1);
    end = ALIGN_UP(img->virt_base + (l.pfn << PAGE_SHIFT) + SLACK_BYTES, REGION_ALIGN);
    /* A small domain has no frames for all of the slack: map what there is. */
    end = MIN(end - img->virt_base, in->usable_pages << PAGE_SHIFT) + img->virt_base;
    p->used_pfns = l.pfn;
    p->region = (struct pv_mapping){.va_start = img->virt_base, .va_end = end, .first_pfn = 0};
}

/* The unmapped runs, and the P2M's own mapping. They lie behind the region so that none of its frames is used twice. */
static enum pv_error lay_unmapped(const struct pv_plan_input *in, struct pv_plan *p)
{
    const struct pv_image *img = in->image;
    uint64_t pfn = (p->region.va_end - p->region.va_start) >> PAGE_SHIFT;
    uint64_t p2m_bytes = ALIGN_UP(in->nr_pages * sizeof(uint64_t), PAGE_SIZE);
    uint64_t p2m_end = img->init_p2m + p2m_bytes;

    if (in->module_bytes && !p->module.nr) {
        p->module = take_unmapped(&pfn, pages(in->module_bytes));
        p->used_pfns = pfn;
    }
    if (!img->has_init_p2m) {
        return PV_OK;
    }
    /* Own tables need an L4 slot of their own: sharing an L3 with the kernel's mapping would tie their frames together. */
    if (p2m_end < img->init_p2m || (int64_t)(p2m_end << 16) >> 16 != (int64_t)p2m_end) {
        return PV_BAD_ADDRESS;
    }
    if (img->init_p2m / SPAN_L3 <= (p->region.va_end - 1) / SPAN_L3 && (p2m_end - 1) / SPAN_L3 >= p->region.va_start / SPAN_L3) {
        return PV_P2M_OVERLAP;
    }
    p->p2m = take_unmapped(&pfn, p2m_bytes >> PAGE_SHIFT);
    p->p2m.va = img->init_p2m;
    p->p2m_map = (struct pv_mapping){.va_start = img->init_p2m, .va_end = p2m_end, .first_pfn = p->p2m.pfn};
    p->p2m_table_frames = count_tables(img->init_p2m, p2m_end, p->p2m_map.nr_tables);
    place_tables(&p->p2m_map, pfn);
    p->used_pfns = pfn + p->p2m_table_frames;
    return PV_OK;
}

enum pv_error pv_plan_make(const struct pv_plan_input *in, struct pv_plan *out)
{
    uint64_t frames = 1, need = 0;
    enum pv_error e;

    memset(out, 0, sizeof(*out));
    /* 44 bits of frame number keep every product below from overflowing. */
    if (in->nr_pages > MAX_PAGES || in->usable_pages > in->nr_pages || in->module_bytes > 1ul << 44 ||
        in->image->kernel_end > in->usable_pages << PAGE_SHIFT) {
        return PV_TOO_BIG;
    }
    for (;;) {
        lay_mapped(in, out, frames);
        if (out->used_pfns > in->usable_pages || out->region.va_end <= out->region.va_start) {
            return PV_TOO_BIG;
        }
        need = 1 + count_tables(out->region.va_start, out->region.va_end, out->region.nr_tables);
        if (need <= frames) {
            break;
        }
        frames = need;
    }
    /* Behind the image come runs and slack: they must not run out of the lower half. */
    if (out->region.va_start < LOWER_HALF_END && out->region.va_end > LOWER_HALF_END) {
        return PV_BAD_ADDRESS;
    }
    out->nr_pages = in->nr_pages;
    out->virt_base = in->image->virt_base;
    out->l4_pfn = out->page_tables.pfn;
    place_tables(&out->region, out->l4_pfn + 1);
    e = lay_unmapped(in, out);
    if (e != PV_OK) {
        return e;
    }
    return out->used_pfns > in->usable_pages ? PV_TOO_BIG : PV_OK;
}

static bool fits(const struct pv_plan_input *in, uint64_t nr_pages)
{
    struct pv_plan_input try = *in;
    struct pv_plan plan;

    try.nr_pages = try.usable_pages = nr_pages;
    return pv_plan_make(&try, &plan) == PV_OK;
}

uint64_t pv_plan_min_pages(const struct pv_plan_input *in)
{
    uint64_t low = 0, high = 1;

    /* Upwards by doubling: a domain can be too big as well, when its P2M list runs out of the kernel's address range. */
    while (!fits(in, high)) {
        if (high == MAX_PAGES) {
            return 0;
        }
        low = high;
        high <<= 1;
    }
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;

        if (fits(in, mid)) {
            high = mid;
        } else {
            low = mid;
        }
    }
    return high;
}
