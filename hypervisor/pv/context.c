/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's context as the ABI carries it (struct vcpu_guest_context): checked whole, then taken over; and the way back.
 * Invariant: a context that is refused changes nothing, and one that was accepted holds a reference on every frame that
 * it names. The vCPU does not run meanwhile.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "debug/console.h"
#include "mm/hv_alloc.h"
#include "mm/pt_pin.h"
#include "pv/callbacks.h"
#include "pv/frame.h"
#include "pv/gdt.h"
#include "pv/msr_policy.h"
#include "pv/pv.h"
#include "pv/segments.h"
#include "x86/cpu.h"
#include "x86/fpu.h"

#define FXSAVE_BYTES 512u

/* The references that a context needs, taken before anything is changed. */
struct context_refs {
    mfn_t kernel_root, user_root;
    struct descriptor_table gdt, ldt;
};

static int roots_get(struct domain *d, const struct vcpu_guest_context *ctx, struct context_refs *refs)
{
    int rc;

    refs->kernel_root = mfn_make(xen_cr3_to_pfn(ctx->ctrlreg[3]));
    refs->user_root = ctx->ctrlreg[1] ? mfn_make(xen_cr3_to_pfn(ctx->ctrlreg[1])) : MFN_INVALID;
    if (!(ctx->flags & VGCF_in_kernel) && mfn_eq(refs->user_root, MFN_INVALID)) {
        return -EINVAL;
    }
    rc = pt_root_get(&d->mm, refs->kernel_root);
    if (rc) {
        return rc;
    }
    if (!mfn_eq(refs->user_root, MFN_INVALID)) {
        rc = pt_root_get(&d->mm, refs->user_root);
        if (rc) {
            pt_root_put(&d->mm, refs->kernel_root);
        }
    }
    return rc;
}

static void roots_put(struct domain *d, mfn_t kernel_root, mfn_t user_root)
{
    if (!mfn_eq(kernel_root, MFN_INVALID)) {
        pt_root_put(&d->mm, kernel_root);
    }
    if (!mfn_eq(user_root, MFN_INVALID)) {
        pt_root_put(&d->mm, user_root);
    }
}

/* Groups of the trap table for all entries that are not empty; what was allocated for nothing is used another time. */
static int traps_prepare(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(ctx->trap_ctxt); i++) {
        struct guest_trap **group = &v->pv.traps[i / TRAPS_PER_GROUP];

        if (ctx->trap_ctxt[i].address && !*group) {
            *group = hv_alloc(TRAPS_PER_GROUP * sizeof(**group));
            if (!*group) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

static void traps_set(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(ctx->trap_ctxt); i++) {
        struct trap_info info = ctx->trap_ctxt[i];

        info.vector = (uint8_t)i;
        (void)trap_set(v, &info); /* cannot fail: checked, and memory is there */
    }
}

static void registers_set(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    v->regs = ctx->user_regs;
    v->regs.cs = segment_fix_selector(ctx->user_regs.cs);
    v->regs.ss = segment_fix_selector(ctx->user_regs.ss);
    v->regs.rflags = frame_hw_rflags(ctx->user_regs.rflags);
    v->pv.iopl = (uint8_t)((ctx->user_regs.rflags >> 12) & 3);
    v->guest_kernel = (ctx->flags & VGCF_in_kernel) != 0;
    v->exit_iret = 1;
    v->exit_call = 0;
}

static void fpu_set(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    fpu_area_reset(v->fpu);
    if (ctx->flags & VGCF_i387_valid) {
        fpu_area_legacy_set(v->fpu, ctx->fpu_ctxt.x);
    }
}

static struct guest_callback callback(uint64_t addr, bool mask_events)
{
    return (struct guest_callback){addr, mask_events};
}

static void commit(struct vcpu *v, const struct vcpu_guest_context *ctx, const struct context_refs *refs)
{
    struct domain *d = v->domain;
    mfn_t old_kernel = v->pv.kernel_root;
    mfn_t old_user = v->pv.user_root;
    unsigned int i;

    v->pv.kernel_root = refs->kernel_root;
    v->pv.user_root = refs->user_root;
    pv_roots_show_m2p(refs->kernel_root, refs->user_root);
    roots_put(d, old_kernel, old_user);
    registers_set(v, ctx);
    fpu_set(v, ctx);
    traps_set(v, ctx);
    v->pv.kernel_sp = ctx->kernel_sp;
    v->pv.kernel_ss = segment_fix_selector((uint16_t)ctx->kernel_ss);
    v->pv.event = callback(ctx->event_callback_eip, true);
    v->pv.failsafe = callback(ctx->failsafe_callback_eip, ctx->flags & VGCF_failsafe_disables_events);
    v->pv.syscall = callback(ctx->syscall_callback_eip, ctx->flags & VGCF_syscall_disables_events);
    v->pv.fs_base = ctx->fs_base;
    v->pv.gs_base_kernel = ctx->gs_base_kernel;
    v->pv.gs_base_user = ctx->gs_base_user;
    v->pv.guest_cr4 = cr4_policy_own(ctx->ctrlreg[4], cpu_features.fsgsbase, cpu_features.xsave);
    v->pv.cr0_ts = false;
    for (i = 0; i < ARRAY_SIZE(ctx->debugreg); i++) {
        if (i != 4 && i != 5 && pv_debugreg_set(v, i, ctx->debugreg[i])) {
            v->pv.debugreg[i] = 0; /* one that it may not have stays off */
        }
    }
    if (v->id == 0) {
        d->vm_assist = ctx->vm_assist & PV_VM_ASSIST_VALID;
    }
    pv_slow_paths_update(v);
    v->initialised = true;
}

int pv_context_set(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    const char *fault = frame_context_fault(ctx);
    struct context_refs *refs;
    unsigned int i;
    int rc;

    if (fault) {
        hv_log_guest("d%u v%u: context refused: %s\n", v->domain->id, v->id, fault);
        return -EINVAL;
    }
    refs = hv_alloc(sizeof(*refs));
    if (!refs) {
        return -ENOMEM;
    }
    rc = traps_prepare(v, ctx);
    if (rc) {
        goto out_free;
    }
    rc = roots_get(v->domain, ctx, refs);
    if (rc) {
        goto out_free;
    }
    refs->gdt.nr_ents = (unsigned int)ctx->gdt_ents;
    for (i = 0; i < ARRAY_SIZE(refs->gdt.frames); i++) {
        refs->gdt.frames[i] = mfn_make(ctx->gdt_frames[i]);
    }
    rc = ldt_find(v->domain, refs->kernel_root, gva_make(ctx->ldt_base), (unsigned int)ctx->ldt_ents, &refs->ldt);
    if (rc == 0) {
        rc = descriptor_tables_replace(v, &refs->gdt, &refs->ldt);
    }
    if (rc) {
        roots_put(v->domain, refs->kernel_root, refs->user_root);
        goto out_free;
    }
    commit(v, ctx, refs);
out_free:
    hv_free(refs);
    return rc;
}

void pv_context_get(const struct vcpu *v, struct vcpu_guest_context *ctx)
{
    unsigned int i;

    memset(ctx, 0, sizeof(*ctx));
    ctx->flags = VGCF_i387_valid | (v->guest_kernel ? VGCF_in_kernel : 0);
    ctx->flags |= v->pv.failsafe.mask_events ? VGCF_failsafe_disables_events : 0;
    ctx->flags |= v->pv.syscall.mask_events ? VGCF_syscall_disables_events : 0;
    ctx->flags |= __atomic_load_n(&v->pause_flags, __ATOMIC_RELAXED) & VPF_DOWN ? 0 : VGCF_online;
    memcpy(ctx->fpu_ctxt.x, v->fpu, FXSAVE_BYTES);
    ctx->user_regs = v->regs;
    ctx->user_regs.error_code = 0;
    ctx->user_regs.entry_vector = 0;
    ctx->user_regs.rflags |= (uint64_t)v->pv.iopl << 12;
    for (i = 0; i < ARRAY_SIZE(ctx->trap_ctxt); i++) {
        const struct guest_trap *trap = trap_entry(v, i);

        if (trap && trap->addr) {
            ctx->trap_ctxt[i] = (struct trap_info){
                .vector = (uint8_t)i,
                .flags = (uint8_t)(trap->dpl | (trap->mask_events ? 4 : 0)),
                .cs = trap->cs,
                .address = trap->addr,
            };
        }
    }
    for (i = 0; i < ARRAY_SIZE(v->pv.gdt_frames); i++) {
        ctx->gdt_frames[i] = mfn_eq(v->pv.gdt_frames[i], MFN_INVALID) ? 0 : mfn_raw(v->pv.gdt_frames[i]);
    }
    ctx->gdt_ents = v->pv.gdt_ents;
    ctx->ldt_base = v->pv.ldt_base;
    ctx->ldt_ents = v->pv.ldt_ents;
    ctx->kernel_ss = v->pv.kernel_ss;
    ctx->kernel_sp = v->pv.kernel_sp;
    ctx->ctrlreg[0] = CR0_POLICY_FIXED | (v->pv.cr0_ts ? CR0_POLICY_TS : 0);
    ctx->ctrlreg[1] = mfn_eq(v->pv.user_root, MFN_INVALID) ? 0 : xen_pfn_to_cr3(mfn_raw(v->pv.user_root));
    ctx->ctrlreg[3] = mfn_eq(v->pv.kernel_root, MFN_INVALID) ? 0 : xen_pfn_to_cr3(mfn_raw(v->pv.kernel_root));
    ctx->ctrlreg[4] = cr4_policy_read(v->pv.guest_cr4);
    memcpy(ctx->debugreg, v->pv.debugreg, sizeof(ctx->debugreg));
    ctx->event_callback_eip = v->pv.event.addr;
    ctx->failsafe_callback_eip = v->pv.failsafe.addr;
    ctx->syscall_callback_eip = v->pv.syscall.addr;
    ctx->vm_assist = v->domain->vm_assist;
    ctx->fs_base = v->pv.fs_base;
    ctx->gs_base_kernel = v->pv.gs_base_kernel;
    ctx->gs_base_user = v->pv.gs_base_user;
}

/* ---- a vCPU's part in its domain's life ---- */

static int pv_vcpu_init(struct vcpu *v)
{
    v->hooks = v->domain->full ? v->hooks : &pv_switch_hooks;
    v->pv.kernel_root = MFN_INVALID;
    v->pv.user_root = MFN_INVALID;
    v->pv.debugreg[6] = DR6_POLICY_FIXED;
    v->pv.debugreg[7] = DR7_POLICY_FIXED;
    gdt_init_vcpu(v);
    return 0;
}

/* Its frames must be free of references before the domain's memory is given back. No vCPU is loaded anywhere now. */
static int pv_domain_kill(struct domain *d)
{
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu (d, v, i) {
        roots_put(d, v->pv.kernel_root, v->pv.user_root);
        v->pv.kernel_root = MFN_INVALID;
        v->pv.user_root = MFN_INVALID;
        gdt_release(v);
    }
    return 0;
}

static void pv_vcpu_kill(struct vcpu *v)
{
    trap_clear_all(v);
}

DOMAIN_UNIT(40, pv_unit, .name = "pv", .kill = pv_domain_kill, .vcpu_init = pv_vcpu_init, .vcpu_kill = pv_vcpu_kill);
