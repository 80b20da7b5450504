/* SPDX-License-Identifier: MIT */
/*
 * Code of the guest's kernel, page by page: scanned before it runs, executed from a copy where something in it has to trap, and
 * forgotten when the page is written. Under the domain's lock.
 * Invariant: a page with a row in the table is mapped writable nowhere; its copy is mapped by shadows for execution only.
 */
#include "common/errno.h"
#include "common/string.h"
#include "full/trap/shadow.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "mm/pt_check.h"
#include "x86/tlb.h"

static struct code *row_of(struct shadows *sh, uint64_t gfn)
{
    return &sh->code[gfn % CODE_SLOTS];
}

static uint64_t copy_frame(const struct code *c)
{
    return maddr_raw(maddr_of_mfn(mfn_of_hv(c->copy)));
}

static void row_free(struct code *c)
{
    if (c->copy) {
        hv_free_pages(c->copy, 1);
    }
    *c = (struct code){0};
}

void trap_code_reset(struct shadows *sh)
{
    for (unsigned int i = 0; i < CODE_SLOTS; i++) {
        row_free(&sh->code[i]);
    }
}

void trap_code_forget(struct shadows *sh, uint64_t gfn, uint64_t *leaf)
{
    struct code *c = row_of(sh, gfn);
    uint64_t frame = *leaf & PTE_ADDR;

    *leaf &= ~TAG_CODE;
    if (c->gfn1 != gfn + 1) {
        return; /* its row has gone with a reset */
    }
    if (c->many) {
        trap_shadow_reset(sh);
        return;
    }
    if (c->slot && sh->slot[c->slot].page) {
        uint64_t *page = sh->slot[c->slot].page, from = c->copy ? copy_frame(c) : frame;

        for (unsigned int i = 0; i < PT_ENTRIES; i++) {
            if ((page[i] & (PTE_P | PTE_NX)) == PTE_P && (page[i] & PTE_ADDR) == from) {
                WRITE_ONCE(page[i], 0);
            }
        }
        tlb_flush_cpus(READ_ONCE(sh->fd->d->mm.running_cpus));
    }
    row_free(c);
}

/* The page of code at this address, as the guest's kernel sees it now; NULL. */
static const uint8_t *page_at(struct vcpu *v, uint64_t linear)
{
    struct full_walk w;
    const uint64_t *leaf;

    if (full_walk(v, linear, PFEC_I, &w)) {
        return NULL;
    }
    leaf = physmap_leaf(v->domain->full, w.gpa >> PAGE_SHIFT);
    return leaf ? map_frame(mfn_make((*leaf & PTE_ADDR) >> PAGE_SHIFT)) : NULL;
}

static struct entries *entries_of(struct shadows *sh, uint64_t linear)
{
    struct entries *e = &sh->entries[linear / PAGE_SIZE % ENTRIES_SLOTS];

    if (e->page1 != linear / PAGE_SIZE + 1) {
        *e = (struct entries){.page1 = linear / PAGE_SIZE + 1, .gfn = UINT64_MAX};
    }
    return e;
}

/* A way leads there: a page that was scanned without it is scanned again before it is taken. */
static void entry_add(struct shadows *sh, uint64_t linear)
{
    struct entries *e = entries_of(sh, linear);
    unsigned int word = linear % PAGE_SIZE / 64;
    uint64_t bit = 1ul << linear % 64, *leaf = physmap_leaf(sh->fd, e->gfn);
    bool known = (e->in[word] | e->found[word]) & bit;

    e->in[word] |= bit;
    if (!known && leaf && *leaf & TAG_CODE) {
        trap_code_forget(sh, e->gfn, leaf);
    }
}

struct way_out {
    struct shadows *sh;
    uint64_t from; /* the page that is scanned */
};

static void way_out(void *context, int64_t distance)
{
    const struct way_out *w = context;

    entry_add(w->sh, w->from + (uint64_t)distance);
}

/* Where code begins on the page that is fetched from: at the fault, or behind the instruction that the page before ends with. */
static uint64_t entry_of(struct vcpu *v, uint64_t linear)
{
    uint64_t at = trap_linear(v, SEG_NR_CS, v->regs.rip);
    struct full_insn i;

    if (at / PAGE_SIZE == linear / PAGE_SIZE || full_insn_at_rip(v, &i)) {
        return linear;
    }
    at += i.length;
    return at / PAGE_SIZE == linear / PAGE_SIZE ? at : linear;
}

/* The page is scanned into the copy; true: that is wanted, for something in it traps. */
static bool scan(struct vcpu *v, uint64_t linear, const uint8_t *page, uint8_t *copy)
{
    struct shadows *sh = v->domain->full->engine_data;
    struct entries *e = entries_of(sh, linear);
    struct way_out out = {sh, linear & ~(PAGE_SIZE - 1ul)};
    struct trap_ways ways = {.out = way_out, .context = &out};
    bool found;

    memcpy(ways.in, e->in, sizeof(ways.in));
    linear = entry_of(v, linear);
    ways.in[linear % PAGE_SIZE / 64] |= 1ul << linear % 64;
    found = trap_scan(page, page_at(v, out.from - PAGE_SIZE), page_at(v, out.from + PAGE_SIZE),
                      trap_code_bits(trap_of(v)), &ways, copy);
    memcpy(e->found, ways.in, sizeof(e->found));
    return found;
}

bool trap_code_ensure(struct vcpu *v, uint64_t linear, uint64_t gfn, uint64_t *leaf)
{
    struct shadows *sh = v->domain->full->engine_data;
    struct code *c = row_of(sh, gfn);
    const uint8_t *page = map_frame(mfn_make((*leaf & PTE_ADDR) >> PAGE_SHIFT));
    uint8_t *copy;

    if (c->gfn1 == gfn + 1 && *leaf & TAG_CODE && entries_of(sh, linear)->gfn == gfn) {
        return true;
    }
    if (c->gfn1) {
        uint64_t *old = physmap_leaf(sh->fd, c->gfn1 - 1);

        if (old) {
            trap_code_forget(sh, c->gfn1 - 1, old);
        }
        row_free(c);
    }
    trap_write_protect(sh, leaf);
    copy = hv_alloc_pages(1);
    if (!copy) {
        return false;
    }
    memcpy(copy, page, PAGE_SIZE);
    entries_of(sh, linear)->gfn =
        gfn; /* its row is not there yet: the scan may take any other row away */
    if (scan(v, linear, page, copy)) {
        c->copy = copy;
    } else {
        hv_free_pages(copy, 1);
    }
    c->gfn1 = gfn + 1;
    *leaf |= TAG_CODE;
    return true;
}

uint64_t trap_code_frame(struct shadows *sh, uint64_t gfn, uint64_t frame, unsigned int slot)
{
    struct code *c = row_of(sh, gfn);

    if (c->gfn1 != gfn + 1) {
        return frame | PTE_NX; /* a reset came between: the fetch faults again */
    }
    c->many |= c->slot && c->slot != slot;
    c->slot = (uint16_t)slot;
    return c->copy ? copy_frame(c) : frame;
}

bool trap_runs_on(struct vcpu *v, uint64_t gfn)
{
    uint64_t at = trap_linear(v, SEG_NR_CS, v->regs.rip);
    uint32_t access = PFEC_I | trap_user(v);
    struct full_walk w;

    if (full_walk(v, at, access, &w) == 0 && w.gpa >> PAGE_SHIFT == gfn) {
        return true;
    }
    return at % PAGE_SIZE > PAGE_SIZE - INSN_MAX_BYTES &&
           full_walk(v, at + INSN_MAX_BYTES, access, &w) == 0 && w.gpa >> PAGE_SHIFT == gfn;
}

bool trap_is_patched(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    struct shadows *sh = fd->engine_data;
    uint64_t linear = trap_linear(v, SEG_NR_CS, v->regs.rip);
    const struct code *c;
    const uint8_t *page;
    struct full_walk w;
    bool patched = false;

    if (full_walk(v, linear, PFEC_I | trap_user(v), &w)) {
        return false;
    }
    spin_lock(&fd->lock);
    c = row_of(sh, w.gpa >> PAGE_SHIFT);
    page = page_at(v, linear);
    if (c->gfn1 == (w.gpa >> PAGE_SHIFT) + 1 && c->copy && page) {
        patched = c->copy[w.gpa % PAGE_SIZE] != page[w.gpa % PAGE_SIZE];
    }
    spin_unlock(&fd->lock);
    return patched;
}
