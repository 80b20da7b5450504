/* SPDX-License-Identifier: MIT */
/*
 * The parts of guest frames that are not on the hot paths: the failsafe frame and whole contexts. Pure; see frame.h.
 */
#include "frame.h"

void frame_build_failsafe(const struct frame_source *src, uint16_t ds, uint16_t es, uint16_t fs, uint16_t gs,
                          struct frame *out)
{
    out->nr = 0;
    out->word[out->nr++] = src->rcx;
    out->word[out->nr++] = src->r11;
    out->word[out->nr++] = ds;
    out->word[out->nr++] = es;
    out->word[out->nr++] = fs;
    out->word[out->nr++] = gs;
    frame_push_hardware(src, out);
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
