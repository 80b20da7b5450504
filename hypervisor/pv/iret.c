/* SPDX-License-Identifier: MIT */
/*
 * The iret hypercall: read the frame once, let frame.c say what it may have, switch mode, load. Pending events are
 * delivered by the common exit afterwards, because the event mask has just been set from the frame's IF.
 */
#include "pv/iret.h"

#include "domain/domain.h"
#include "pv/frame.h"
#include "pv/pv.h"
#include "x86/uaccess.h"

/* The error code that a refused selector gives: its index and table, without the RPL (SDM vol. 3, 6.13). */
#define SELECTOR_ERROR(sel) ((uint32_t)(sel) & ~3u)

static void __cold_fn crash(struct vcpu *v, const char *why)
{
    domain_crash(v->domain, "vcpu %u: iret: %s (rip %#lx, rsp %#lx)", v->id, why, v->regs.rip, v->regs.rsp);
}

static void __cold_fn inject_fault(struct vcpu *v, enum frame_fault fault)
{
    if (fault == FRAME_BAD_RIP) {
        pv_inject_gp(v, 0);
    } else {
        pv_inject_gp(v, SELECTOR_ERROR(fault == FRAME_BAD_CS ? v->regs.cs : v->regs.ss));
    }
}

void pv_iret(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    struct iret_context ctx;
    struct iret_target to;
    enum frame_fault fault;

    if (unlikely(!frame_place_ok(r->rsp)) || unlikely(uaccess_read(&ctx, (const void *)r->rsp, sizeof(ctx)))) {
        crash(v, "its frame cannot be read");
        return;
    }
    fault = frame_check_iret(&ctx, &to);
    if (to.to_user) {
        if (mfn_eq(v->pv.user_root, MFN_INVALID)) {
            crash(v, "to user mode without user page tables");
            return;
        }
        pv_toggle_mode(v);
    }
    if (unlikely(v->slow_paths & PV_SLOW_IOPL)) {
        v->pv.iopl = to.iopl;
    }
    r->rip = to.rip;
    r->cs = to.cs;
    r->rflags = to.rflags;
    r->rsp = to.rsp;
    r->ss = to.ss;
    r->rax = to.rax;
    if (to.restore_rcx_r11) {
        r->rcx = to.rcx;
        r->r11 = to.r11;
    }
    v->exit_iret = 1;
    if (unlikely(v->slow_paths & PV_SLOW_NMI)) {
        v->pv.nmi_masked = false;
        v->exit_call = v->pv.nmi_pending;
        pv_slow_paths_update(v);
    }
    WRITE_ONCE(v->info->evtchn_upcall_mask, to.upcall_mask);

    if (unlikely(fault != FRAME_OK)) {
        inject_fault(v, fault);
    }
}
