/* SPDX-License-Identifier: MIT */
/*
 * Bounces: build the frame (frame.c), switch to guest kernel mode where user mode was interrupted, write the frame to the
 * kernel's stack, continue at the registered entry.
 * Invariant: the mode is switched before the stack is touched, for the stack is mapped in the kernel's tables only.
 */
#include "pv/bounce.h"

#include "common/compiler.h"
#include "domain/domain.h"
#include "event/event.h"
#include "pv/callbacks.h"
#include "pv/frame.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/percpu.h"
#include "x86/uaccess.h"
#include "x86/upcalls.h"

/* Exceptions that push an error code (SDM vol. 3, table 6-1). */
#define VECTORS_WITH_ERROR                                                                         \
    (1u << VEC_DF | 1u << VEC_TS | 1u << VEC_NP | 1u << VEC_SS | 1u << VEC_GP | 1u << VEC_PF | 1u << VEC_AC)

/* One copy for each kind of frame, so that its length is a constant in each. */
#define __hot_inline inline __attribute__((always_inline))

static __hot_inline struct frame_source interrupted(const struct vcpu *v)
{
    const struct cpu_user_regs *r = &v->regs;

    return (struct frame_source){
        .rip = r->rip,
        .rflags = r->rflags,
        .rsp = r->rsp,
        .rcx = r->rcx,
        .r11 = r->r11,
        .cs = r->cs,
        .ss = r->ss,
        .kernel = v->guest_kernel,
        .upcall_mask = READ_ONCE(v->info->evtchn_upcall_mask) != 0,
        .iopl = unlikely(v->slow_paths & PV_SLOW_IOPL) ? v->pv.iopl : 0,
        .kernel_sp = v->pv.kernel_sp,
    };
}

void __cold_fn bounce_no_stack(struct vcpu *v, uint64_t rsp)
{
    domain_crash(v->domain, "vcpu %u: no room for a frame on the kernel stack at %#lx (rip %#lx)", v->id, rsp, v->regs.rip);
}

static void __cold_fn no_handler(struct vcpu *v, uint32_t vector, uint32_t error_code)
{
    domain_crash(v->domain, "vcpu %u: exception %u (error %#x, cr2 %#lx) at %#lx without a handler", v->id, vector, error_code,
                 vector == VEC_PF ? v->info->arch.cr2 : 0, v->regs.rip);
}

/* On the hot paths f->nr is a constant, and most of this folds into a few stores. */
static __hot_inline void enter(struct vcpu *v, uint64_t addr, bool mask_events, const struct frame *f)
{
    struct cpu_user_regs *r = &v->regs;

    if (!v->guest_kernel) {
        pv_toggle_mode(v);
    }
    if (unlikely(!frame_place_ok(f->rsp)) ||
        unlikely(uaccess_write((void *)f->rsp, f->word, f->nr * sizeof(f->word[0])))) {
        bounce_no_stack(v, f->rsp);
        return;
    }
    r->rip = addr;
    r->cs = SEL_GUEST_CS64;
    r->ss = SEL_GUEST_DS;
    r->rsp = f->rsp;
    r->rflags = frame_entry_rflags(r->rflags);
    if (mask_events) {
        WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
    }
    /* rcx and r11 are on the stack, and the selectors are those of SYSRET: no IRET needed. */
    v->exit_iret = 0;
}

static __hot_inline void enter_trap(struct vcpu *v, uint32_t vector, bool has_error, uint32_t error_code)
{
    const struct guest_trap *trap = trap_entry(v, vector);
    const struct frame_source src = interrupted(v);
    struct frame f;

    if (unlikely(!trap) || unlikely(!trap->addr)) {
        no_handler(v, vector, error_code);
        return;
    }
    COUNT(v, event, COUNT_EXCEPTION_BOUNCE);
    frame_build(&src, has_error, error_code, &f);
    enter(v, trap->addr, trap->mask_events, &f);
}

void bounce_vector(struct vcpu *v, uint32_t vector)
{
    enter_trap(v, vector, false, 0);
}

static void bounce_vector_error(struct vcpu *v, uint32_t vector, uint32_t error_code)
{
    enter_trap(v, vector, true, error_code);
}

void pv_inject_exception(struct vcpu *v, uint32_t vector, uint32_t error_code, uint64_t cr2)
{
    if (vector == VEC_PF) {
        /* The U bit tells the guest's two modes apart, which both are ring 3 to the CPU. */
        error_code = v->guest_kernel ? error_code & ~PFEC_U : error_code | PFEC_U;
        WRITE_ONCE(v->info->arch.cr2, cr2);
    }
    if ((VECTORS_WITH_ERROR >> vector) & 1) {
        bounce_vector_error(v, vector, error_code);
    } else {
        bounce_vector(v, vector);
    }
}

/* To a callback; without an error code. */
static __hot_inline void enter_callback(struct vcpu *v, uint64_t addr, bool mask_events)
{
    const struct frame_source src = interrupted(v);
    struct frame f;

    frame_build(&src, false, 0, &f);
    enter(v, addr, mask_events, &f);
}

void bounce_syscall(struct vcpu *v, const struct guest_callback *to)
{
    COUNT(v, event, COUNT_SYSCALL);
    enter_callback(v, to->addr, to->mask_events);
    v->regs.rflags &= ~(uint64_t)FLAG_DF;
    COUNT_TIME(v, event, COUNT_SYSCALL, 0); /* not measured, but a trace shows where it ends */
}

void bounce_event(struct vcpu *v)
{
    COUNT(v, event, COUNT_EVENT_UPCALL);
    /* An upcall masks events whatever the registration says: the guest unmasks by its return. */
    enter_callback(v, v->pv.event.addr, true);
}

void bounce_nmi(struct vcpu *v)
{
    v->pv.nmi_pending = false;
    v->pv.nmi_masked = true;
    pv_slow_paths_update(v);
    bounce_vector(v, VEC_NMI);
}

void bounce_failsafe(struct vcpu *v, uint16_t ds, uint16_t es, uint16_t fs, uint16_t gs)
{
    const struct frame_source src = interrupted(v);
    struct frame f;

    COUNT(v, event, COUNT_FAILSAFE);
    if (!v->pv.failsafe.addr) {
        domain_crash(v->domain, "vcpu %u: bad data selectors %#x %#x %#x %#x and no failsafe callback", v->id, ds, es, fs, gs);
        return;
    }
    frame_build_failsafe(&src, ds, es, fs, gs, &f);
    enter(v, v->pv.failsafe.addr, v->pv.failsafe.mask_events, &f);
}

void upcall_guest_syscall(struct vcpu *v)
{
    if (unlikely(!v->pv.syscall.addr)) {
        /* As on a CPU without the instruction: the fault is at the instruction itself. */
        v->regs.rip -= 2;
        pv_inject_ud(v);
        return;
    }
    bounce_syscall(v, &v->pv.syscall);
}

void upcall_exit_fault(struct vcpu *v, uint32_t vector, uint32_t error_code)
{
    /* The guest's own doing (a selector, an address): it faulted where it wanted to go. */
    pv_inject_exception(v, vector, error_code, 0);
}

void upcall_exit_to_guest(struct vcpu *v)
{
    const struct guest_trap *nmi = trap_entry(v, VEC_NMI);

    v->exit_call = 0;
    if (unlikely(v->pv.nmi_pending) && !v->pv.nmi_masked && nmi && nmi->addr) {
        bounce_nmi(v);
    }
    if (vcpu_event_deliverable(v) && v->pv.event.addr) {
        bounce_event(v);
    }
}
