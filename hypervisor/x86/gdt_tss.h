/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables. A CPU's GDT register never changes: it covers 14 window pages, in which the running vCPU's descriptor
 * frames appear, and one page of the hypervisor's own entries behind them; the LDT has a window of 16 pages likewise.
 * Invariant: a window page without a guest frame shows zeroes (null descriptors), so that loading from it is a #GP.
 */
#ifndef X86_GDT_TSS_H
#define X86_GDT_TSS_H

#include <stdint.h>

#include "common/typed_int.h"

/*
 * Show these frames in the running CPU's GDT window (page 0 first), nothing in the rest of its 14 pages. The frames must
 * hold checked descriptors and stay so (a segment-descriptor type reference) while they are shown.
 */
void gdt_window_set(const mfn_t *frames, unsigned int nr_frames);

/* The same for the LDT window and its 16 pages; nr_ents descriptors are valid, 0 loads a null LDT. */
void ldt_window_set(const mfn_t *frames, unsigned int nr_ents);

/* Make all window pages of a new area (by its L1 entries) show nothing. */
void windows_clear(uint64_t *area_ptes);

/* The CPU's own tables and task register; interrupt table as well. */
void gdt_init(void);
void idt_init(void); /* boot CPU: fill the one table that all CPUs share */
void idt_load(void);

#endif
