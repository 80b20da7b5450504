/* SPDX-License-Identifier: MIT */
/*
 * The two modes of a PV guest and the page-table roots that go with them.
 * Invariant: MSR_GS_BASE holds the GS base of the mode that is active, MSR_KERNEL_GS_BASE that of the other, and CR3 the
 * active mode's root, whenever the vCPU is loaded on a CPU; a root that is named in the vCPU holds a reference.
 */
#include "common/compiler.h"
#include "debug/panic.h"
#include "mm/map.h"
#include "mm/pt_pin.h"
#include "pv/pv.h"
#include "x86/guest_state.h"
#include "x86/layout.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"

void pv_toggle_mode(struct vcpu *v)
{
    mfn_t root = v->guest_kernel ? v->pv.user_root : v->pv.kernel_root;

    ASSERT(!mfn_eq(root, MFN_INVALID));
    v->guest_kernel ^= 1;
    swapgs();
    tlb_load_cr3(maddr_raw(maddr_of_mfn(root)));
}

void pv_slow_paths_update(struct vcpu *v)
{
    uint8_t why = 0;

    if (v->domain->vm_assist & (1ul << VMASST_TYPE_architectural_iopl)) {
        why |= PV_SLOW_IOPL;
    }
    if (v->pv.nmi_masked || v->pv.nmi_pending) {
        why |= PV_SLOW_NMI;
    }
    if (v->counters->traced & (XENOLITH_TRACE_CROSSINGS | XENOLITH_TRACE_ARMED)) {
        why |= PV_SLOW_TRACE; /* fast.S counts, but writes no trace */
    }
    WRITE_ONCE(v->slow_paths, why);
}

/* The machine-to-physical table is for kernels: a root of user mode has no slot for it. */
static void show_m2p(mfn_t root, bool visible)
{
    uint64_t *slots = map_frame(root);

    WRITE_ONCE(slots[HV_L4_FIRST], visible ? hv_root()[HV_L4_FIRST] : 0);
    unmap_frame(slots);
}

void pv_roots_show_m2p(mfn_t kernel_root, mfn_t user_root)
{
    if (!mfn_eq(user_root, MFN_INVALID)) {
        show_m2p(user_root, false);
    }
    show_m2p(kernel_root, true); /* also if they are the same */
}

int pv_set_kernel_root(struct vcpu *v, mfn_t mfn)
{
    mfn_t old = v->pv.kernel_root;
    int rc = pt_root_get(&v->domain->mm, mfn);

    if (rc) {
        return rc;
    }
    v->pv.kernel_root = mfn;
    show_m2p(mfn, true);
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
    pv_roots_show_m2p(v->pv.kernel_root, mfn);
    if (!mfn_eq(old, MFN_INVALID)) {
        pt_root_put(&v->domain->mm, old);
    }
    return 0;
}
