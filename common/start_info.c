/* SPDX-License-Identifier: MIT */
/*
 * start_info and the first context (ABI: xen.h "Start-of-day memory layout", arch-x86/xen.h vcpu_guest_context). Whatever
 * the plan did not place stays zero.
 */
#include "common/start_info.h"

#include "common/compiler.h"
#include "common/string.h"

#define FLAG_IF (1ul << 9)

void start_info_fill(struct start_info *si, const struct start_info_input *in)
{
    const struct pv_plan *p = in->plan;
    size_t n;

    memset(si, 0, PAGE_SIZE);
    /* The kernel's PAE note asks for the "p" form on dom0; the plain one is right for every 64-bit kernel. */
    memcpy(si->magic, "xen-3.0-x86_64", sizeof("xen-3.0-x86_64"));
    si->nr_pages = p->nr_pages;
    si->shared_info = maddr_raw(in->shared_info);
    si->flags = in->flags;
    if (p->store.nr) {
        si->store_mfn = mfn_raw(in->store_mfn);
        si->store_evtchn = in->store_port;
        si->console.domU.mfn = mfn_raw(in->console_mfn);
        si->console.domU.evtchn = in->console_port;
    }
    if (in->screen) {
        si->console.dom0.info_off = sizeof(*si);
        si->console.dom0.info_size = sizeof(*in->screen);
        memcpy(si + 1, in->screen, sizeof(*in->screen));
    }
    si->pt_base = p->page_tables.va;
    si->nr_pt_frames = p->page_tables.nr;
    si->mfn_list = p->p2m.va;
    if (in->module_bytes) {
        si->mod_start = p->module.va;
        si->mod_len = in->module_bytes;
        if (!p->module.va) {
            si->flags |= SIF_MOD_START_PFN;
            si->mod_start = p->module.pfn;
        }
    }
    if (in->image->has_init_p2m) {
        si->first_p2m_pfn = p->p2m.pfn;
        si->nr_p2m_frames = p->p2m.nr + p->p2m_table_frames;
    }
    n = strnlen(in->cmdline, sizeof(si->cmd_line) - 1);
    memcpy(si->cmd_line, in->cmdline, n);
}

void start_context_fill(struct vcpu_guest_context *ctx, const struct pv_plan *plan, const struct pv_image *image, mfn_t l4)
{
    memset(ctx, 0, sizeof(*ctx));
    ctx->flags = VGCF_in_kernel | VGCF_online;
    ctx->user_regs.rip = image->entry;
    ctx->user_regs.cs = FLAT_KERNEL_CS;
    ctx->user_regs.ss = FLAT_KERNEL_SS;
    ctx->user_regs.rsp = plan->stack.va + PAGE_SIZE;
    ctx->user_regs.rsi = plan->start_info.va;
    ctx->user_regs.rflags = FLAG_IF;
    ctx->kernel_ss = FLAT_KERNEL_SS;
    ctx->kernel_sp = plan->stack.va + PAGE_SIZE;
    ctx->debugreg[6] = 0xffff0ff0;
    ctx->debugreg[7] = 0x400;
    ctx->ctrlreg[3] = xen_pfn_to_cr3(mfn_raw(l4));
}

void start_shared_info_fill(struct shared_info *s)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(s->vcpu_info); i++) {
        s->vcpu_info[i].evtchn_upcall_mask = 1;
    }
}
