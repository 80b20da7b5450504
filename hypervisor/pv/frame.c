/* SPDX-License-Identifier: MIT */
/*
 * Guest frames: built for bounces, checked on their way back. Pure; see frame.h.
 */
#include "frame.h"

#include "segments.h"

/* What a guest may have in RFLAGS while it runs in ring 3, besides IF, which the hardware always has set there. */
#define GUEST_RFLAGS                                                                               \
    (FRAME_FLAGS_ARITHMETIC | FRAME_FLAG_TF | FRAME_FLAG_DF | FRAME_FLAG_NT | FRAME_FLAG_RF | FRAME_FLAG_AC | FRAME_FLAG_ID)

static void push_common_head(const struct frame_source *src, struct frame *out)
{
    out->nr = 0;
    out->word[out->nr++] = src->rcx;
    out->word[out->nr++] = src->r11;
}

/* rip, cs, rflags, rsp, ss: the guest's view of the hardware frame. */
static void push_common_tail(const struct frame_source *src, struct frame *out)
{
    uint64_t cs = src->cs;
    uint64_t rflags = src->rflags & ~(uint64_t)(FRAME_FLAG_IF | FRAME_FLAG_IOPL);

    /* A guest kernel tells its own code from user code by the RPL, though both run in ring 3. */
    if (src->kernel) {
        cs &= ~UINT64_C(3);
    }
    cs |= (uint64_t)src->upcall_mask << FRAME_CS_MASK_SHIFT;
    if (!src->upcall_mask) {
        rflags |= FRAME_FLAG_IF;
    }
    if (src->show_iopl) {
        rflags |= (uint64_t)(src->iopl & 3) << 12;
    }
    out->word[out->nr++] = src->rip;
    out->word[out->nr++] = cs;
    out->word[out->nr++] = rflags;
    out->word[out->nr++] = src->rsp;
    out->word[out->nr++] = src->ss;
    out->rsp = ((src->kernel ? src->rsp : src->kernel_sp) & ~UINT64_C(15)) - 8 * (uint64_t)out->nr;
}

void frame_build(const struct frame_source *src, bool has_error, uint32_t error_code, struct frame *out)
{
    push_common_head(src, out);
    if (has_error) {
        out->word[out->nr++] = error_code;
    }
    push_common_tail(src, out);
}

void frame_build_failsafe(const struct frame_source *src, uint16_t ds, uint16_t es, uint16_t fs, uint16_t gs,
                          struct frame *out)
{
    push_common_head(src, out);
    out->word[out->nr++] = ds;
    out->word[out->nr++] = es;
    out->word[out->nr++] = fs;
    out->word[out->nr++] = gs;
    push_common_tail(src, out);
}

uint64_t frame_hw_rflags(uint64_t rflags)
{
    return (rflags & GUEST_RFLAGS) | FRAME_FLAG_FIXED | FRAME_FLAG_IF;
}

uint64_t frame_entry_rflags(uint64_t rflags)
{
    return frame_hw_rflags(rflags) & ~(uint64_t)(FRAME_FLAG_TF | FRAME_FLAG_NT | FRAME_FLAG_RF | FRAME_FLAG_AC);
}

bool frame_entry_point_ok(uint64_t va)
{
    return frame_canonical(va) && (va < HYPERVISOR_VIRT_START || va >= HYPERVISOR_VIRT_END);
}

enum frame_fault frame_check_iret(const struct iret_context *ctx, struct iret_target *out)
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
        .upcall_mask = !(ctx->rflags & FRAME_FLAG_IF),
        .iopl = (uint8_t)((ctx->rflags & FRAME_FLAG_IOPL) >> 12),
    };
    if (segment_selector_null(cs) || !segment_selector_allowed(cs)) {
        return FRAME_BAD_CS;
    }
    if (segment_selector_null(ss) || !segment_selector_allowed(ss)) {
        return FRAME_BAD_SS;
    }
    return frame_canonical(ctx->rip) ? FRAME_OK : FRAME_BAD_RIP;
}

const char *frame_context_fault(const struct vcpu_guest_context *ctx)
{
    unsigned int i;

    if (!frame_canonical(ctx->user_regs.rip) || !frame_canonical(ctx->user_regs.rsp)) {
        return "rip or rsp";
    }
    if (!frame_canonical(ctx->kernel_sp) || !segment_selector_allowed((uint16_t)ctx->kernel_ss)) {
        return "kernel stack";
    }
    if (!frame_canonical(ctx->fs_base) || !frame_canonical(ctx->gs_base_kernel) ||
        !frame_canonical(ctx->gs_base_user)) {
        return "fs or gs base";
    }
    if (!segment_selector_allowed(ctx->user_regs.cs) || !segment_selector_allowed(ctx->user_regs.ss)) {
        return "cs or ss";
    }
    if (ctx->gdt_ents > FIRST_RESERVED_GDT_ENTRY) {
        return "gdt_ents";
    }
    if (ctx->ldt_ents > 8192 || (ctx->ldt_ents && !frame_entry_point_ok(ctx->ldt_base))) {
        return "ldt";
    }
    if (!frame_entry_point_ok(ctx->event_callback_eip) || !frame_entry_point_ok(ctx->failsafe_callback_eip) ||
        !frame_entry_point_ok(ctx->syscall_callback_eip)) {
        return "callback";
    }
    for (i = 0; i < ARRAY_SIZE(ctx->trap_ctxt); i++) {
        if (!frame_entry_point_ok(ctx->trap_ctxt[i].address) || !segment_selector_allowed(ctx->trap_ctxt[i].cs)) {
            return "trap_ctxt";
        }
    }
    return NULL;
}
