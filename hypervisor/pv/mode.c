/* SPDX-License-Identifier: MIT */
/*
 * The two modes of a PV guest and the page-table roots that go with them.
 * Invariant: MSR_GS_BASE holds the GS base of the mode that is active, MSR_KERNEL_GS_BASE that of the other, and CR3 the
 * active mode's root, whenever the vCPU is loaded on a CPU; a root that is named in the vCPU holds a reference.
 */
#include "common/errno.h"
#include "debug/panic.h"
#include "mm/pt_pin.h"
#include "pv/pv.h"
#include "x86/guest_state.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

void pv_toggle_mode(struct vcpu *v)
{
    mfn_t root = v->guest_kernel ? v->pv.user_root : v->pv.kernel_root;

    ASSERT(!mfn_eq(root, MFN_INVALID));
    v->guest_kernel ^= 1;
    swapgs();
    tlb_load_cr3(maddr_raw(maddr_of_mfn(root)));
}

int pv_set_kernel_root(struct vcpu *v, mfn_t mfn)
{
    mfn_t old = v->pv.kernel_root;
    int rc = pt_root_get(&v->domain->mm, mfn);

    if (rc) {
        return rc;
    }
    v->pv.kernel_root = mfn;
    if (v == current_vcpu() && v->guest_kernel) {
        tlb_load_cr3(maddr_raw(maddr_of_mfn(mfn)));
    }
    pt_root_put(&v->domain->mm, old);
    return 0;
}

int pv_set_user_root(struct vcpu *v, mfn_t mfn)
{
    mfn_t old = v->pv.user_root;
    int rc;

    ASSERT(v->guest_kernel);
    if (!mfn_eq(mfn, MFN_INVALID)) {
        rc = pt_root_get(&v->domain->mm, mfn);
        if (rc) {
            return rc;
        }
    }
    v->pv.user_root = mfn;
    if (!mfn_eq(old, MFN_INVALID)) {
        pt_root_put(&v->domain->mm, old);
    }
    return 0;
}
