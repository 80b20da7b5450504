/* SPDX-License-Identifier: MIT */
/*
 * The frames that pass between hypervisor and guest kernel: what a bounce pushes on the guest's stack and what the iret
 * hypercall finds there. Pure: words in, words out. Layouts: SYSTEM V rcx/r11 convention of the 64-bit PV ABI.
 * Invariant: what frame_check_iret() and frame_hw_rflags() let through can be loaded by iretq to ring 3 and never gives
 * the guest interrupts off, I/O privilege, VM86 or a selector of the hypervisor.
 */
#ifndef PV_FRAME_H
#define PV_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include "common/compiler.h"
#include "pv/segments.h"
#include "x86/rflags.h"

/* In the word that holds CS: byte 4 is the event mask at the time of the interruption. */
#define FRAME_CS_MASK_SHIFT 32

#define FRAME_MAX_WORDS 11

/* The interrupted context, as the guest shall find it. */
struct frame_source {
    uint64_t rip, rflags, rsp, rcx, r11;
    uint16_t cs, ss;
    bool kernel;         /* guest kernel mode was interrupted */
    bool upcall_mask;    /* events were masked */
    uint8_t iopl;        /* that the guest shall see: 0 but with vm_assist architectural_iopl */
    uint64_t kernel_sp;  /* stack for entries from user mode */
};

struct frame {
    uint64_t word[FRAME_MAX_WORDS]; /* low address first */
    unsigned int nr;
    uint64_t rsp;                   /* where word[0] goes, and the guest's new stack pointer */
};

/* The failsafe callback: the four data selectors precede the hardware part. */
void frame_build_failsafe(const struct frame_source *src, uint16_t ds, uint16_t es, uint16_t fs, uint16_t gs,
                          struct frame *out);

/* 48-bit canonical form. */
static inline bool frame_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/* An address that may be an entry point of the guest: canonical and not in the hypervisor's range. */
static inline bool frame_entry_point_ok(uint64_t va)
{
    return va < UINT64_C(0x0000800000000000) || va >= HYPERVISOR_VIRT_END;
}

/* May a frame of at most FRAME_MAX_WORDS words lie here? The whole of it is the guest's then. */
static inline bool frame_place_ok(uint64_t rsp)
{
    return frame_entry_point_ok(rsp) && frame_entry_point_ok(rsp + 8 * FRAME_MAX_WORDS - 1);
}

/* What a guest may have in RFLAGS while it runs in ring 3, besides IF, which the hardware always has set there. */
#define FRAME_GUEST_RFLAGS                                                                         \
    (FLAGS_ARITHMETIC | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID)

/* Guest-chosen RFLAGS as they may be loaded with ring 3: interrupts on, no IOPL, no VM; reserved bits as they must be. */
static inline uint64_t frame_hw_rflags(uint64_t rflags)
{
    return (rflags & FRAME_GUEST_RFLAGS) | FLAG_FIXED | FLAG_IF;
}

/* RFLAGS at the guest's entry point after a bounce: what the interrupted code had, without TF, NT, RF, VM, AC. */
static inline uint64_t frame_entry_rflags(uint64_t rflags)
{
    return frame_hw_rflags(rflags) & ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_AC);
}

/* rip, cs, rflags, rsp, ss, the guest's view of the hardware frame, behind what is in the frame already. */
static inline void frame_push_hardware(const struct frame_source *src, struct frame *out)
{
    uint64_t cs = src->cs;
    uint64_t rflags = src->rflags & ~(FLAG_IF | FLAG_IOPL);

    /* A guest kernel tells its own code from user code by the RPL, though both run in ring 3. */
    if (src->kernel) {
        cs &= ~UINT64_C(3);
    }
    cs |= (uint64_t)src->upcall_mask << FRAME_CS_MASK_SHIFT;
    rflags |= src->upcall_mask ? 0 : FLAG_IF;
    rflags |= (uint64_t)(src->iopl & 3) << 12;
    out->word[out->nr++] = src->rip;
    out->word[out->nr++] = cs;
    out->word[out->nr++] = rflags;
    out->word[out->nr++] = src->rsp;
    out->word[out->nr++] = src->ss;
    out->rsp = ((src->kernel ? src->rsp : src->kernel_sp) & ~UINT64_C(15)) - 8 * (uint64_t)out->nr;
}

/* An exception, with its error code where it has one; an event upcall or a system call (no error code). */
static inline void frame_build(const struct frame_source *src, bool has_error, uint32_t error_code, struct frame *out)
{
    out->nr = 0;
    out->word[out->nr++] = src->rcx;
    out->word[out->nr++] = src->r11;
    if (has_error) {
        out->word[out->nr++] = error_code;
    }
    frame_push_hardware(src, out);
}

enum frame_fault {
    FRAME_OK,
    FRAME_BAD_RIP,      /* not canonical: #GP(0) when loaded */
    FRAME_BAD_CS,       /* null, or a selector of the hypervisor */
    FRAME_BAD_SS,
};

struct iret_target {
    uint64_t rip, rflags, rsp, rax, rcx, r11;
    uint16_t cs, ss;     /* RPL 3 */
    bool to_user;        /* cs came with RPL 3 */
    bool restore_rcx_r11; /* not VGCF_in_syscall */
    bool upcall_mask;    /* what the guest's event mask becomes */
    uint8_t iopl;        /* for vm_assist architectural_iopl */
};

/*
 * What an iret frame asks for. *out is complete even when a fault is returned: the fault is the guest's, at the place
 * where it wanted to go.
 */
static inline enum frame_fault frame_check_iret(const struct iret_context *ctx, struct iret_target *out)
{
    uint16_t cs = (uint16_t)ctx->cs;
    uint16_t ss = (uint16_t)ctx->ss;

    *out = (struct iret_target){
        .rip = ctx->rip,
        .rflags = frame_hw_rflags(ctx->rflags),
        .rsp = ctx->rsp,
        .rax = ctx->rax,
        .rcx = ctx->rcx,
        .r11 = ctx->r11,
        .cs = segment_fix_selector(cs),
        .ss = segment_fix_selector(ss),
        .to_user = (cs & 3) == 3,
        .restore_rcx_r11 = !(ctx->flags & VGCF_in_syscall),
        .upcall_mask = !(ctx->rflags & FLAG_IF),
        .iopl = (uint8_t)((ctx->rflags & FLAG_IOPL) >> 12),
    };
    if (unlikely(segment_selector_null(cs) || !segment_selector_allowed(cs))) {
        return FRAME_BAD_CS;
    }
    if (unlikely(segment_selector_null(ss) || !segment_selector_allowed(ss))) {
        return FRAME_BAD_SS;
    }
    return likely(frame_canonical(ctx->rip)) ? FRAME_OK : FRAME_BAD_RIP;
}

/* Which field of a context makes it unacceptable, NULL if none does. Selectors and flags are fixed when it is loaded. */
const char *frame_context_fault(const struct vcpu_guest_context *ctx);

#endif
