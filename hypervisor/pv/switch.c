/* SPDX-License-Identifier: MIT */
/*
 * What of a vCPU lives in a CPU's registers beside what entry and exit save: roots, descriptor windows, data selectors,
 * segment bases, debug registers, CR0.TS, CR4, TSC_AUX. Loaded when the vCPU gets a CPU, saved when it leaves it.
 * Invariant: CR0.TS is clear and no breakpoint is armed while no guest is loaded.
 */
#include "common/errno.h"
#include "debug/panic.h"
#include "pv/bounce.h"
#include "pv/frame.h"
#include "pv/gdt.h"
#include "pv/msr_policy.h"
#include "pv/pv.h"
#include "pv/segments.h"
#include "sched/switch_hooks.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/guest_state.h"
#include "x86/percpu.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

/* Any breakpoint enabled, SDM vol. 3, 17.2.4. */
#define DR7_ENABLED 0xffu

static void debugregs_load(const struct vcpu *v)
{
    if (v->pv.debugreg[7] & DR7_ENABLED) {
        write_dr0(v->pv.debugreg[0]);
        write_dr1(v->pv.debugreg[1]);
        write_dr2(v->pv.debugreg[2]);
        write_dr3(v->pv.debugreg[3]);
        write_dr7(v->pv.debugreg[7]);
    }
}

static void debugregs_unload(const struct vcpu *v)
{
    if (v->pv.debugreg[7] & DR7_ENABLED) {
        write_dr7(DR7_POLICY_FIXED);
    }
}

int pv_debugreg_set(struct vcpu *v, unsigned int reg, uint64_t value)
{
    bool here = v == current_vcpu();

    if ((reg == 4 || reg == 5) && !(v->pv.guest_cr4 & CR4_POLICY_DE)) {
        reg += 2; /* the old names of DR6 and DR7 */
    }
    switch (reg) {
    case 0 ... 3:
        if (!frame_entry_point_ok(value)) {
            return -EPERM;
        }
        break;
    case 6:
        if (value >> 32) {
            return -EINVAL;
        }
        value = (value & ~UINT64_C(0x1000)) | DR6_POLICY_FIXED;
        break;
    case 7:
        if (value >> 32) {
            return -EINVAL;
        }
        value = (value & ~UINT64_C(0xd800)) | DR7_POLICY_FIXED;
        if (!dr7_policy_ok(value)) {
            return -EPERM;
        }
        break;
    default:
        return -ENODEV;
    }
    if (here) {
        debugregs_unload(v);
    }
    v->pv.debugreg[reg] = value;
    if (here) {
        debugregs_load(v);
    }
    return 0;
}

int pv_debugreg_get(const struct vcpu *v, unsigned int reg, uint64_t *value)
{
    if ((reg == 4 || reg == 5) && !(v->pv.guest_cr4 & CR4_POLICY_DE)) {
        reg += 2;
    }
    if (reg > 7 || reg == 4 || reg == 5) {
        return -ENODEV;
    }
    *value = v->pv.debugreg[reg];
    return 0;
}

void pv_set_ts(struct vcpu *v, bool ts)
{
    v->pv.cr0_ts = ts;
    if (ts) {
        write_cr0(read_cr0() | CR0_TS);
    } else {
        clts();
    }
}

void pv_load_cr4(const struct vcpu *v)
{
    uint64_t want = cr4_base | (v->pv.guest_cr4 & (CR4_TSD | CR4_FSGSBASE));

    if (read_cr4() != want) {
        write_cr4(want);
    }
}

int pv_set_segment_base(struct vcpu *v, unsigned int which, uint64_t base)
{
    uint16_t sel = (uint16_t)base;

    (void)v;
    if (which != SEGBASE_GS_USER_SEL && !frame_canonical(base)) {
        return -EINVAL;
    }
    switch (which) {
    case SEGBASE_FS:
        wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        wrmsr(MSR_KERNEL_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL:
        wrmsr(MSR_GS_BASE, base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        /* Always succeeds: a selector that cannot be loaded leaves a null one. */
        swapgs();
        if ((!segment_selector_allowed(sel) || segment_load_safe(SEG_GS, sel)) && segment_load_safe(SEG_GS, 0)) {
            panic("null selector refused");
        }
        swapgs();
        return 0;
    default:
        return -EINVAL;
    }
}

/* True: loaded. False: a null selector is there instead. */
static bool selector_load(enum seg_reg seg, uint16_t sel)
{
    if (segment_selector_allowed(sel) && segment_load_safe(seg, sel) == 0) {
        return true;
    }
    if (segment_load_safe(seg, 0)) {
        panic("null selector refused");
    }
    return false;
}

void pv_switch_in(struct vcpu *v)
{
    const struct cpu_user_regs *r = &v->regs;
    const uint16_t ds = r->ds, es = r->es, fs = r->fs, gs = r->gs;
    bool loaded;

    tlb_load_cr3(maddr_raw(maddr_of_mfn(v->guest_kernel ? v->pv.kernel_root : v->pv.user_root)));
    gdt_load(v);
    ldt_load(v);
    loaded = selector_load(SEG_DS, ds);
    loaded &= selector_load(SEG_ES, es);
    loaded &= selector_load(SEG_FS, fs);
    loaded &= selector_load(SEG_GS, gs);
    /* Loading a selector has set the base: the saved ones count. */
    wrmsr(MSR_FS_BASE, v->pv.fs_base);
    wrmsr(MSR_GS_BASE, v->guest_kernel ? v->pv.gs_base_kernel : v->pv.gs_base_user);
    wrmsr(MSR_KERNEL_GS_BASE, v->guest_kernel ? v->pv.gs_base_user : v->pv.gs_base_kernel);
    if (cpu_features.rdtscp) {
        wrmsr(MSR_TSC_AUX, v->pv.tsc_aux);
    }
    pv_load_cr4(v);
    debugregs_load(v);
    if (v->pv.cr0_ts) {
        pv_set_ts(v, true);
    }
    if (!loaded) {
        bounce_failsafe(v, ds, es, fs, gs);
    }
}

void pv_switch_out(struct vcpu *v)
{
    uint64_t active = rdmsr(MSR_GS_BASE);
    uint64_t other = rdmsr(MSR_KERNEL_GS_BASE);

    v->regs.ds = read_selector_ds();
    v->regs.es = read_selector_es();
    v->regs.fs = read_selector_fs();
    v->regs.gs = read_selector_gs();
    v->pv.fs_base = rdmsr(MSR_FS_BASE);
    v->pv.gs_base_kernel = v->guest_kernel ? active : other;
    v->pv.gs_base_user = v->guest_kernel ? other : active;
    debugregs_unload(v);
    if (v->pv.cr0_ts) {
        clts(); /* the FPU is saved next */
    }
}

const struct switch_hooks pv_switch_hooks = {.out = pv_switch_out, .in = pv_switch_in, .resume = exit_to_guest};
