/* SPDX-License-Identifier: MIT */
/*
 * A fully virtualized guest's memory as its own instructions see it: its page tables walked in software (APM vol. 2, 5.2 and
 * 5.3), its frames reached one page at a time. Invariant: a frame is referenced while it is touched, so that one which is taken
 * away meanwhile is still the domain's.
 */
#include "common/errno.h"
#include "common/string.h"
#include "full/full.h"
#include "mm/frame_ref.h"
#include "mm/map.h"
#include "mm/pt_check.h"
#include "x86/cpu.h"

#define CR4_LA57    (1ul << 12)
#define PTE32_ADDR  0xfffff000u
#define PDPTES_ADDR 0xffffffe0u /* CR3 with PAE paging */

static int phys_access(struct vcpu *v, uint64_t gpa, void *buf, uint32_t bytes, bool write)
{
    struct domain *d = v->domain;
    uint8_t *at = buf;

    while (bytes) {
        uint32_t off = gpa % PAGE_SIZE, n = MIN(bytes, PAGE_SIZE - off);
        mfn_t mfn = physmap_lookup(d->full, gpa >> PAGE_SHIFT);
        uint8_t *page;

        if (mfn_eq(mfn, MFN_INVALID) || frame_get(&d->mm, mfn)) {
            return -EFAULT;
        }
        page = map_frame(mfn);
        if (write) {
            memcpy(page + off, at, n);
        } else {
            memcpy(at, page + off, n);
        }
        unmap_frame(page);
        frame_put(mfn);
        at += n;
        gpa += n;
        bytes -= n;
    }
    return 0;
}

int full_phys_read(struct vcpu *v, uint64_t gpa, void *to, uint32_t bytes)
{
    return phys_access(v, gpa, to, bytes, false);
}

int full_phys_write(struct vcpu *v, uint64_t gpa, const void *from, uint32_t bytes)
{
    return phys_access(v, gpa, (void *)(uintptr_t)from, bytes, true);
}

struct walk {
    const struct full_paging *p;
    uint64_t table, linear;
    unsigned int level, entry_bytes, index_bits;
    uint64_t rights; /* what all levels grant: US, RW; NX is what any forbids */
};

static bool is_large(const struct walk *w, uint64_t entry)
{
    if (!(entry & PTE_PS) || w->level == 1 || w->level > 3) {
        return false;
    }
    return w->entry_bytes == 8 || w->p->cr4 & CR4_PSE;
}

/* Down one level: true when *gpa is found, false to go on; a negative *rc ends it. */
static bool walk_step(struct vcpu *v, struct walk *w, uint64_t *gpa, int *rc)
{
    unsigned int shift = PAGE_SHIFT + (w->level - 1) * w->index_bits;
    uint64_t index = w->linear >> shift & ((1ul << w->index_bits) - 1), entry = 0, addr;

    *rc = full_phys_read(v, w->table + index * w->entry_bytes, &entry, w->entry_bytes);
    if (*rc || !(entry & PTE_P)) {
        *rc = -EFAULT;
        return false;
    }
    if (!(w->level == 3 && w->entry_bytes == 8 &&
          !(w->p->efer & EFER_LMA))) { /* PAE's top entries carry no rights */
        w->rights &= entry | ~(PTE_US | PTE_RW);
        w->rights |= w->p->efer & EFER_NXE ? entry & PTE_NX : 0;
    }
    addr = w->entry_bytes == 8 ? entry & PTE_ADDR : entry & PTE32_ADDR;
    if (w->level == 1 || is_large(w, entry)) {
        uint64_t span = 1ul << shift;

        *gpa = (addr & ~(span - 1)) | (w->linear & (span - 1));
        return true;
    }
    w->table = addr;
    w->level--;
    return false;
}

static void walk_begin(struct walk *w, const struct full_paging *p, uint64_t linear)
{
    *w = (struct walk){
        .p = p, .linear = linear, .entry_bytes = 8, .index_bits = 9, .rights = PTE_US | PTE_RW};
    if (p->efer & EFER_LMA) {
        w->level = p->cr4 & CR4_LA57 ? 5 : 4;
        w->table = p->cr3 & PTE_ADDR;
    } else if (p->cr4 & CR4_PAE) {
        w->level = 3;
        w->table = p->cr3 & PDPTES_ADDR;
    } else {
        w->level = 2;
        w->table = p->cr3 & PTE32_ADDR;
        w->entry_bytes = 4;
        w->index_bits = 10;
    }
}

int full_translate(struct vcpu *v, uint64_t linear, bool write, bool fetch, uint64_t *gpa,
                   uint32_t *code)
{
    struct full_paging p;
    struct walk w;
    int rc;

    v->domain->full->engine->paging_get(v, &p);
    *code =
        (write ? PFEC_W : 0) | (p.user ? PFEC_U : 0) | (fetch && p.efer & EFER_NXE ? PFEC_I : 0);
    if (!(p.efer & EFER_LMA)) {
        linear = (uint32_t)linear;
    }
    if (!(p.cr0 & CR0_PG)) {
        *gpa = linear;
        return 0;
    }
    walk_begin(&w, &p, linear);
    while (!walk_step(v, &w, gpa, &rc)) {
        if (rc) {
            return rc;
        }
    }
    *code |= PFEC_P;
    if ((p.user && !(w.rights & PTE_US)) ||
        (write && !(w.rights & PTE_RW) && (p.user || p.cr0 & CR0_WP)) ||
        (fetch && w.rights & PTE_NX)) {
        return -EFAULT;
    }
    return 0;
}

int full_insn_at_rip(struct vcpu *v, struct full_insn *insn)
{
    uint8_t bytes[INSN_MAX_BYTES];
    struct full_paging p;
    uint64_t at, gpa;
    unsigned int got = 0;
    uint32_t code;

    v->domain->full->engine->paging_get(v, &p);
    at = v->regs.rip + (p.code_bits == 64 ? 0 : p.cs_base);
    while (got < sizeof(bytes)) {
        uint32_t n =
            MIN((uint32_t)sizeof(bytes) - got, PAGE_SIZE - (uint32_t)((at + got) % PAGE_SIZE));

        if (full_translate(v, at + got, false, true, &gpa, &code) ||
            full_phys_read(v, gpa, bytes + got, n)) {
            break;
        }
        got += n;
    }
    if (got == 0) {
        return -EFAULT;
    }
    return full_insn_decode(bytes, got, p.code_bits, insn) ? 0 : -EINVAL;
}
