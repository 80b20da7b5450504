/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pins, page-table base pointers, flushes, LDT, clearing and copying frames. Each operation is copied once; a
 * preemption point lies between two, and inside those that work on whole trees.
 */
#include <xen/xen.h>

#include "common/errno.h"
#include "common/string.h"
#include "hypercall/hc_mmu.h"
#include "hypercall/hypercall.h"
#include "hypercall/vcpu_mask.h"
#include "mm/frame_ref.h"
#include "mm/guest_copy.h"
#include "mm/map.h"
#include "mm/pt_pin.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

int vcpu_mask_read(const struct domain *d, gva_t at, uint64_t *cpus)
{
    uint64_t mask[(DOMAIN_MAX_VCPUS + 63) / 64] = {0};
    uint32_t bytes = ((uint32_t)d->max_vcpus + 7) / 8;
    unsigned int id;
    int rc = guest_read(mask, at, bytes);

    *cpus = 0;
    for (id = 0; rc == 0 && id < d->max_vcpus; id++) {
        if (((mask[id / 64] >> (id % 64)) & 1) && d->vcpu[id]) {
            *cpus |= 1ull << READ_ONCE(d->vcpu[id]->processor);
        }
    }
    /* one that does not run now loads its root before it does, and has nothing to forget */
    *cpus &= READ_ONCE(d->mm.running_cpus);
    return rc;
}

/* Addresses that a guest may name to INVLPG. */
static bool linear_ok(uint64_t va)
{
    return guest_range_ok(gva_make(va), 1);
}

static int flush_op(const struct vcpu *v, const struct mmuext_op *op)
{
    uint64_t va = op->arg1.linear_addr;
    uint64_t cpus = READ_ONCE(v->domain->mm.running_cpus);
    bool one = op->cmd == MMUEXT_INVLPG_LOCAL || op->cmd == MMUEXT_INVLPG_MULTI ||
               op->cmd == MMUEXT_INVLPG_ALL;
    int rc = 0;

    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_INVLPG_MULTI) {
        rc = vcpu_mask_read(v->domain, gva_make((uint64_t)op->arg2.vcpumask.p), &cpus);
    }
    if (rc || (one && !linear_ok(va))) {
        return rc;
    }
    if (op->cmd == MMUEXT_TLB_FLUSH_LOCAL) {
        tlb_flush_local();
    } else if (op->cmd == MMUEXT_INVLPG_LOCAL) {
        tlb_flush_local_va(va);
    } else if (one) {
        tlb_flush_cpus_va(cpus, va);
    } else {
        tlb_flush_cpus(cpus);
    }
    return 0;
}

/* A frame to be written here and now: why not is not told (as on Xen), so -EINVAL. */
static int writable_get(struct mm_owner *o, mfn_t mfn)
{
    return frame_get_writable(o, mfn) ? -EINVAL : 0;
}

static int clear_page(struct mm_owner *o, mfn_t mfn)
{
    int rc = writable_get(o, mfn);

    if (rc == 0) {
        void *frame = map_frame(mfn);

        memset(frame, 0, PAGE_SIZE);
        unmap_frame(frame);
        frame_put_writable(mfn);
    }
    return rc;
}

static int copy_page(struct mm_owner *o, mfn_t to, mfn_t from)
{
    int rc = frame_get(o, from);

    if (rc) {
        return rc;
    }
    rc = writable_get(o, to);
    if (rc == 0) {
        void *dst = map_frame(to);
        const void *src = map_frame(from);

        memmove(dst, src, PAGE_SIZE);
        unmap_frame(src);
        unmap_frame(dst);
        frame_put_writable(to);
    }
    frame_put(from);
    return rc;
}

/* RAM is write-back everywhere (docs/adr/0010), so this matters to those who drive devices alone. */
static int flush_cache(const struct vcpu *v)
{
    if (!v->domain->mm.io_access) {
        return -EACCES;
    }
    wbinvd();
    return 0;
}

/* What changes the running vCPU: only for its own domain. */
static int own_op(struct vcpu *v, const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_NEW_BASEPTR:
        return pv_set_kernel_root(v, mfn_make(op->arg1.mfn));
    case MMUEXT_NEW_USER_BASEPTR:
        return pv_set_user_root(v, op->arg1.mfn ? mfn_make(op->arg1.mfn) : MFN_INVALID);
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
        return flush_op(v, op);
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return flush_cache(v);
    case MMUEXT_SET_LDT:
        return pv_set_ldt(v, gva_make(op->arg1.linear_addr), op->arg2.nr_ents);
    default:
        return -ENOSYS;
    }
}

static int one_op(struct vcpu *v, struct mm_owner *o, const struct mmuext_op *op)
{
    mfn_t mfn = mfn_make(op->arg1.mfn);

    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        return pt_pin(o, mfn, op->cmd - MMUEXT_PIN_L1_TABLE + 1);
    case MMUEXT_UNPIN_TABLE:
        return pt_unpin(o, mfn);
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE:
        if (pt_walk_settle(o)) {
            return -ERESTART;
        }
        return op->cmd == MMUEXT_CLEAR_PAGE ? clear_page(o, mfn)
                                            : copy_page(o, mfn, mfn_make(op->arg2.src_mfn));
    default:
        return o == &v->domain->mm ? own_op(v, op) : -EPERM;
    }
}

int64_t hc_mmuext_op(uint64_t ops, uint64_t count, uint64_t done_ptr, uint64_t foreign)
{
    uint32_t n = (uint32_t)count & ~COUNT_CONTINUED;
    uint32_t before = (count & COUNT_CONTINUED) ? hc_done_before(done_ptr) : 0;
    struct vcpu *v = current_vcpu();
    struct mmuext_op op;
    struct owner_ref ref;
    uint32_t i = 0;
    int rc = owner_get((domid_t)foreign, &ref);

    if (rc) {
        return rc;
    }
    while (rc == 0 && i < n) {
        rc = i > 0 && preempt_pending() ? -ERESTART
                                        : guest_read_elem(&op, gva_make(ops), i, sizeof(op));
        if (rc == 0) {
            rc = one_op(v, ref.o, &op);
        }
        i += rc == 0;
    }
    owner_put(&ref);
    hc_done_report(done_ptr, before + i);
    if (rc == -ERESTART) {
        return hc_continue_mmuext_op(ops + i * sizeof(op), (n - i) | COUNT_CONTINUED, done_ptr,
                                     foreign);
    }
    return rc;
}
