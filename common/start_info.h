/* SPDX-License-Identifier: MIT */
/*
 * The page that greets a new PV kernel, and its first vCPU's context, from a plan. Selectors and registers are the ABI's
 * for 64-bit PV: RIP entry, RSP end of the boot stack, RSI the start_info page, flat ring-3 selectors.
 */
#ifndef COMMON_START_INFO_H
#define COMMON_START_INFO_H

#include <stdint.h>

#include <xen/xen.h>

#include "common/pv_plan.h"

struct start_info_input {
    const struct pv_plan *plan;
    const struct pv_image *image;
    maddr_t shared_info;
    uint32_t flags;        /* SIF_*; SIF_MOD_START_PFN is added when the module is not mapped */
    uint64_t module_bytes;
    const char *cmdline;   /* cut at the ABI's 1024 bytes */
    mfn_t store_mfn, console_mfn; /* domU */
    uint32_t store_port, console_port;
    const struct dom0_vga_console_info *screen; /* dom0; NULL: none */
};

/* Fill a zeroed or dirty page. */
void start_info_fill(struct start_info *si, const struct start_info_input *in);

/* Fill the context of vCPU 0. */
void start_context_fill(struct vcpu_guest_context *ctx, const struct pv_plan *plan, const struct pv_image *image, mfn_t l4);

/* All upcalls masked on every vCPU slot, as a new domain finds it. */
void start_shared_info_fill(struct shared_info *s);

#endif
