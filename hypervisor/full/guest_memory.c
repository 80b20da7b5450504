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

#define MARK_TRIES  16u
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

static bool is_large(const struct full_walk *w, uint64_t entry, unsigned int level)
{
    if (!(entry & PTE_PS) || level == 1 || level > 3) {
        return false;
    }
    return w->entry_bytes == 8 || w->paging.cr4 & CR4_PSE;
}

/* Down one level: true when the frame is found, false to go on; a negative *rc ends it. */
static bool walk_step(struct vcpu *v, struct full_walk *w, int *rc)
{
    unsigned int level = w->level, index_bits = w->entry_bytes == 8 ? 9 : 10,
                 shift = PAGE_SHIFT + (level - 1) * index_bits;
    uint64_t index = w->linear >> shift & ((1ul << index_bits) - 1), entry = 0, addr;

    w->at[level] += index * w->entry_bytes;
    *rc = full_phys_read(v, w->at[level], &entry, w->entry_bytes);
    w->entry[level] = entry;
    if (*rc || !(entry & PTE_P)) {
        *rc = -EFAULT;
        return false;
    }
    if (!(level == 3 && w->entry_bytes == 8 &&
          !(w->paging.efer & EFER_LMA))) { /* PAE's top entries carry no rights */
        w->rights &= entry | ~(PTE_US | PTE_RW);
        w->rights |= w->paging.efer & EFER_NXE ? entry & PTE_NX : 0;
    }
    addr = w->entry_bytes == 8 ? entry & PTE_ADDR : entry & PTE32_ADDR;
    if (level == 1 || is_large(w, entry, level)) {
        uint64_t span = 1ul << shift;

        w->gpa = (addr & ~(span - 1)) | (w->linear & (span - 1));
        return true;
    }
    w->level--;
    w->at[w->level] = addr;
    return false;
}

static void walk_begin(struct full_walk *w)
{
    const struct full_paging *p = &w->paging;

    w->entry_bytes = 8;
    w->rights = PTE_US | PTE_RW;
    if (p->efer & EFER_LMA) {
        w->top = p->cr4 & CR4_LA57 ? 5 : 4;
        w->at[w->top] = p->cr3 & PTE_ADDR;
    } else if (p->cr4 & CR4_PAE) {
        w->top = 3;
        w->at[w->top] = p->cr3 & PDPTES_ADDR;
    } else {
        w->top = 2;
        w->at[w->top] = p->cr3 & PTE32_ADDR;
        w->entry_bytes = 4;
    }
    w->level = w->top;
}

int full_walk(struct vcpu *v, uint64_t linear, uint32_t access, struct full_walk *w)
{
    bool write = access & PFEC_W, user = access & PFEC_U, fetch = access & PFEC_I;
    struct full_paging *p = &w->paging;
    int rc;

    *w = (struct full_walk){.linear = linear};
    v->domain->full->engine->paging_get(v, p);
    w->code = (access & (PFEC_W | PFEC_U)) | (fetch && p->efer & EFER_NXE ? PFEC_I : 0);
    if (!(p->efer & EFER_LMA)) {
        w->linear = linear = (uint32_t)linear;
    }
    if (!(p->cr0 & CR0_PG)) {
        w->gpa = linear;
        w->rights = PTE_US | PTE_RW;
        return 0;
    }
    walk_begin(w);
    while (!walk_step(v, w, &rc)) {
        if (rc) {
            return rc;
        }
    }
    w->code |= PFEC_P;
    if ((user && !(w->rights & PTE_US)) ||
        (write && !(w->rights & PTE_RW) && (user || p->cr0 & CR0_WP)) ||
        (fetch && w->rights & PTE_NX)) {
        return -EFAULT;
    }
    return 0;
}

/* An entry gets bits if it is still what was read. Its frame may be gone by now: then it is nobody's entry. */
static bool entry_mark(struct vcpu *v, const struct full_walk *w, unsigned int level, uint64_t bits)
{
    struct domain *d = v->domain;
    mfn_t mfn = physmap_lookup(d->full, w->at[level] >> PAGE_SHIFT);
    uint64_t old = w->entry[level];
    uint32_t old32 = (uint32_t)old;
    uint8_t *page;
    bool same;

    if (!(bits & ~old)) {
        return true;
    }
    if (mfn_eq(mfn, MFN_INVALID) || frame_get(&d->mm, mfn)) {
        return false;
    }
    page = map_frame(mfn);
    page += w->at[level] % PAGE_SIZE;
    if (w->entry_bytes == 8) {
        same = __atomic_compare_exchange_n((uint64_t *)(void *)page, &old, old | bits, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    } else {
        same = __atomic_compare_exchange_n((uint32_t *)(void *)page, &old32, old32 | (uint32_t)bits,
                                           false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    unmap_frame(page);
    frame_put(mfn);
    return same;
}

bool full_walk_mark(struct vcpu *v, struct full_walk *w, bool write)
{
    for (unsigned int level = w->top; level && level >= w->level; level--) {
        uint64_t bits = PTE_A | (write && level == w->level ? PTE_D : 0);

        if (w->top == 3 && level == 3) {
            continue; /* PAE's top entries have no such bits */
        }
        if (!entry_mark(v, w, level, bits)) {
            return false;
        }
        w->entry[level] |= bits;
    }
    return true;
}

int full_virt_access(struct vcpu *v, uint64_t linear, void *buf, uint32_t bytes, uint32_t access,
                     struct full_walk *w)
{
    uint8_t *at = buf;
    unsigned int lost = 0;

    while (bytes) {
        uint32_t n = MIN(bytes, PAGE_SIZE - (uint32_t)(linear % PAGE_SIZE));
        int rc = full_walk(v, linear, access, w);

        if (rc) {
            return rc;
        }
        if (!full_walk_mark(v, w, access & PFEC_W) && ++lost < MARK_TRIES) {
            continue; /* the tables are being changed: look again */
        }
        if (phys_access(v, w->gpa, at, n, access & PFEC_W)) {
            return -ENXIO;
        }
        at += n;
        linear += n;
        bytes -= n;
    }
    return 0;
}

uint32_t full_code_read(struct vcpu *v, uint64_t linear, uint8_t bytes[INSN_MAX_BYTES], bool user,
                        struct full_walk *w)
{
    uint32_t access = PFEC_I | (user ? PFEC_U : 0),
             first = MIN(INSN_MAX_BYTES, PAGE_SIZE - (uint32_t)(linear % PAGE_SIZE));

    if (full_virt_access(v, linear, bytes, first, access, w)) {
        return 0;
    }
    if (first < INSN_MAX_BYTES &&
        full_virt_access(v, linear + first, bytes + first, INSN_MAX_BYTES - first, access, w)) {
        return first;
    }
    return INSN_MAX_BYTES;
}

int full_insn_at_rip(struct vcpu *v, struct full_insn *insn)
{
    uint8_t bytes[INSN_MAX_BYTES];
    struct full_paging p;
    struct full_walk w;
    uint64_t at;
    uint32_t got;

    v->domain->full->engine->paging_get(v, &p);
    at = v->regs.rip + (p.code_bits == 64 ? 0 : p.cs_base);
    got = full_code_read(v, at, bytes, p.user, &w);
    if (got == 0) {
        return -EFAULT;
    }
    return full_insn_decode(bytes, got, p.code_bits, insn) ? 0 : -EINVAL;
}
