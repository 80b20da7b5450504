/* SPDX-License-Identifier: MIT */
/*
 * mmu_update, update_va_mapping and its relative for foreign frames. Decoding and continuation are here, every rule is in
 * mm/. Requests are copied in chunks, each chunk once; a preemption point lies between two chunks.
 */
#include "hypercall/hc_mmu.h"

#include <xen/xen.h>

#include "common/errno.h"
#include "domain/privilege.h"
#include "full/full.h"
#include "hypercall/hypercall.h"
#include "hypercall/vcpu_mask.h"
#include "mm/frame_ref.h"
#include "mm/guest_copy.h"
#include "mm/m2p.h"
#include "mm/page_info.h"
#include "mm/pt_update.h"
#include "x86/entry.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

#define CHUNK 32u /* requests copied at once: half a KiB of stack */

int owner_get(domid_t id, struct owner_ref *out)
{
    struct domain *curr = current_domain();

    out->d = NULL;
    out->o = &curr->mm;
    if (likely(id == DOMID_SELF || id == curr->id)) {
        return 0;
    }
    if (id == DOMID_IO) {
        out->o = &mm_owner_io;
        return 0;
    }
    if (id == DOMID_XEN) {
        out->o = &mm_owner_xen;
        return curr->mm.privileged ? 0 : -EPERM;
    }
    out->d = domain_get_by_id(id);
    if (!out->d) {
        return -ESRCH;
    }
    out->o = &out->d->mm;
    if (!curr->mm.privileged || !may_control(curr, out->d)) {
        owner_put(out);
        return -EPERM;
    }
    return 0;
}

int foreign_get(domid_t id, struct owner_ref *out)
{
    return unlikely(id == current_domain()->id) ? -ESRCH : owner_get(id, out);
}

void owner_put(struct owner_ref *r)
{
    if (r->d) {
        domain_put(r->d);
    }
    r->d = NULL;
}

static int set_m2p(struct mm_owner *frames, mfn_t mfn, uint64_t pfn)
{
    int rc = frame_get(frames, mfn);

    if (rc == 0) {
        m2p_set(mfn, pfn);
        frame_put(mfn);
    }
    return rc;
}

static int update_one(struct pt_update *u, const struct mmu_update *req)
{
    maddr_t where = maddr_make(req->ptr & ~7ull);

    /* bit 2 is no address bit either: entries are eight bytes */
    switch (req->ptr & 7) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_NO_TRANSLATE: /* nothing is ever translated for a PV domain */
        return pt_update_store(u, where, req->val, PT_STORE_NORMAL);
    case MMU_PT_UPDATE_PRESERVE_AD:
        return pt_update_store(u, where, req->val, PT_STORE_KEEP_AD);
    case MMU_MACHPHYS_UPDATE:
        return set_m2p(u->frames, mfn_of_maddr(where), req->val);
    default:
        return -ENOSYS;
    }
}

/* Carry out requests from *i on: 0 all done, -ERESTART, or the error of request *i. */
static int update_all(struct pt_update *u, gva_t reqs, uint32_t count, uint32_t *i)
{
    struct mmu_update chunk[CHUNK];
    int rc = 0;

    while (rc == 0 && *i < count) {
        uint32_t n = MIN(count - *i, CHUNK);
        uint32_t k;

        if (*i > 0 && preempt_pending()) {
            return -ERESTART;
        }
        rc = guest_read(chunk, gva_add(reqs, *i * sizeof(chunk[0])), n * sizeof(chunk[0]));
        if (unlikely(rc != 0) && n > 1) {
            /* part of it may be readable, and counts */
            n = 1;
            rc = guest_read(chunk, gva_add(reqs, *i * sizeof(chunk[0])), sizeof(chunk[0]));
        }
        for (k = 0; rc == 0 && k < n; k++) {
            rc = update_one(u, &chunk[k]);
            *i += rc == 0;
        }
    }
    return rc;
}

void hc_done_report(uint64_t done_ptr, uint32_t done)
{
    if (done_ptr) {
        (void)!guest_write(gva_make(done_ptr), &done, sizeof(done));
    }
}

uint32_t hc_done_before(uint64_t done_ptr)
{
    uint32_t done;

    return done_ptr && guest_read(&done, gva_make(done_ptr), sizeof(done)) == 0 ? done : 0;
}

/* update_all() for frames of a fully virtualized domain, one request at a time. */
static int update_all_full(struct pt_update *u, const struct full_domain *fd, gva_t reqs, uint32_t count, uint32_t *i)
{
    int rc = 0;

    while (rc == 0 && *i < count) {
        struct mmu_update req;

        if (*i > 0 && *i % CHUNK == 0 && preempt_pending()) {
            return -ERESTART;
        }
        rc = guest_read(&req, gva_add(reqs, *i * sizeof(req)), sizeof(req));
        if (rc == 0 && (req.ptr & 7) == MMU_MACHPHYS_UPDATE) {
            rc = -EINVAL; /* it has no place in that table */
        }
        if (rc == 0 && (req.ptr & 7) != MMU_PT_UPDATE_NO_TRANSLATE) {
            rc = physmap_entry(fd, &req.val);
        }
        rc = rc ? rc : update_one(u, &req);
        *i += rc == 0;
    }
    return rc;
}

/* The batch between two domains; what is common to all calls is in hc_mmu_update(). */
static int update_foreign(gva_t reqs, uint32_t n, uint32_t foreign, uint32_t *i)
{
    uint32_t tables_id = foreign >> 16; /* 0: the caller's, else 1 + id */
    struct owner_ref tables, frames;
    struct pt_update u;
    int rc = owner_get(tables_id ? (domid_t)(tables_id - 1) : DOMID_SELF, &tables);

    if (rc) {
        return rc == -ESRCH ? -EINVAL : rc;
    }
    rc = foreign_get((domid_t)foreign, &frames);
    if (rc == 0) {
        rc = pt_update_begin(&u, tables.o, frames.o);
        if (rc == 0) {
            rc = frames.d && frames.d->full ? update_all_full(&u, frames.d->full, reqs, n, i) : update_all(&u, reqs, n, i);
            pt_update_end(&u);
        }
        owner_put(&frames);
    }
    owner_put(&tables);
    return rc;
}

/* A single request is a call of its own so often that it goes without a batch. */
static int update_single(struct mm_owner *o, gva_t reqs, uint32_t *i)
{
    struct mmu_update req;
    int rc = guest_read(&req, reqs, sizeof(req));

    if (unlikely(rc != 0)) {
        return rc;
    }
    if (unlikely(req.ptr & 4)) {
        return -ENOSYS; /* as in update_one() */
    }
    if (likely((req.ptr & 3) != MMU_MACHPHYS_UPDATE)) {
        rc = pt_update_single(o, maddr_make(req.ptr & ~7ull), req.val,
                              (req.ptr & 3) == MMU_PT_UPDATE_PRESERVE_AD ? PT_STORE_KEEP_AD
                                                                         : PT_STORE_NORMAL);
    } else {
        rc = set_m2p(o, mfn_of_maddr(maddr_make(req.ptr)), req.val);
    }
    *i = rc == 0;
    return rc;
}

static int update_own(gva_t reqs, uint32_t n, uint32_t *i)
{
    struct mm_owner *o = &current_vcpu()->domain->mm;
    struct pt_update u;
    int rc;

    if (n == 1) {
        return update_single(o, reqs, i);
    }
    rc = pt_update_begin(&u, o, o);
    if (likely(rc == 0)) {
        rc = update_all(&u, reqs, n, i);
        pt_update_end(&u);
    }
    return rc;
}

int64_t hc_mmu_update(uint64_t reqs, uint64_t count, uint64_t done_ptr, uint64_t foreign)
{
    uint32_t n = (uint32_t)count & ~COUNT_CONTINUED;
    uint32_t before = unlikely(count & COUNT_CONTINUED) ? hc_done_before(done_ptr) : 0;
    uint32_t i = 0;
    int rc = likely((uint32_t)foreign == DOMID_SELF)
                 ? update_own(gva_make(reqs), n, &i)
                 : update_foreign(gva_make(reqs), n, (uint32_t)foreign, &i);

    hc_done_report(done_ptr, before + i);
    if (unlikely(rc == -ERESTART)) {
        return hc_continue_mmu_update(reqs + i * sizeof(struct mmu_update),
                                      (n - i) | COUNT_CONTINUED, done_ptr, foreign);
    }
    return rc;
}

/* ---- one entry of the running address space ---- */

static int flush_after(const struct vcpu *v, uint64_t va, uint64_t flags)
{
    uint64_t target = flags & ~UVMF_FLUSHTYPE_MASK;
    uint64_t type = flags & UVMF_FLUSHTYPE_MASK;
    uint64_t cpus;
    int rc;

    if (type == UVMF_NONE) {
        return 0;
    }
    if (target == UVMF_LOCAL) {
        if (type == UVMF_INVLPG) {
            tlb_flush_local_va(va);
        } else {
            tlb_flush_local();
        }
        return 0;
    }
    if (target == UVMF_ALL) {
        cpus = READ_ONCE(v->domain->mm.running_cpus);
    } else {
        rc = vcpu_mask_read(v->domain, gva_make(target), &cpus);
        if (rc) {
            return rc;
        }
    }
    if (type == UVMF_INVLPG) {
        tlb_flush_cpus_va(cpus, va);
    } else {
        tlb_flush_cpus(cpus);
    }
    return 0;
}

int64_t hc_update_va_mapping(uint64_t va, uint64_t val, uint64_t flags)
{
    const struct vcpu *v = current_vcpu();
    int rc = va_canonical(va) ? pt_update_va(&v->domain->mm, v->pv.kernel_root, gva_make(va), val)
                              : -EINVAL;

    if (unlikely(rc == -ERESTART)) {
        return hc_continue_update_va_mapping(va, val, flags);
    }
    return rc ? rc : flush_after(v, va, flags);
}

static int store_foreign(const struct vcpu *v, struct mm_owner *frames, uint64_t va, uint64_t val)
{
    struct pt_update u;
    maddr_t where;
    int rc = pt_update_begin(&u, &v->domain->mm, frames);

    if (rc) {
        return rc;
    }
    rc = va_canonical(va) ? pt_update_find(&v->domain->mm, v->pv.kernel_root, gva_make(va), &where)
                          : -EINVAL;
    if (rc == 0) {
        rc = pt_update_store_l1(&u, where, val);
    }
    pt_update_end(&u);
    return rc;
}

int64_t hc_update_va_mapping_otherdomain(uint64_t va, uint64_t val, uint64_t flags, uint64_t domid)
{
    const struct vcpu *v = current_vcpu();
    struct owner_ref frames;
    int rc = foreign_get((domid_t)domid, &frames);

    if (rc) {
        return rc;
    }
    rc = frames.d && frames.d->full ? physmap_entry(frames.d->full, &val) : 0;
    rc = rc ? rc : store_foreign(v, frames.o, va, val);
    owner_put(&frames);
    if (rc == -ERESTART) {
        return hc_continue_update_va_mapping_otherdomain(va, val, flags, domid);
    }
    return rc ? rc : flush_after(v, va, flags);
}
