/* SPDX-License-Identifier: MIT */
/*
 * The PV room's face towards the rooms above it and boot/: entering a guest kernel, loading and reading a vCPU context,
 * and what a switch of vCPUs has to load. The upcalls of x86/upcalls.h that concern guests are defined in this room.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/domain.h"
#include "domain/vcpu.h"

struct vcpu_guest_context;

/* Deliver exception `vector` to the guest kernel as the CPU would have; cr2 is stored first for #PF. */
void pv_inject_exception(struct vcpu *v, uint32_t vector, uint32_t error_code, uint64_t cr2);
#define pv_inject_gp(v, ec) pv_inject_exception(v, 13, ec, 0)
#define pv_inject_ud(v)     pv_inject_exception(v, 6, 0, 0)

/* Guest kernel mode <-> user mode: page-table root and GS. The caller changes registers. */
void pv_toggle_mode(struct vcpu *v);

/*
 * MMUEXT_NEW_BASEPTR and NEW_USER_BASEPTR of the running vCPU (in kernel mode): reference, load, give up the old root.
 * For user mode MFN_INVALID means none. 0, -ERESTART, or the errno of the broken rule with nothing changed.
 */
int pv_set_kernel_root(struct vcpu *v, mfn_t mfn) __must_check;
int pv_set_user_root(struct vcpu *v, mfn_t mfn) __must_check;

/* Make the machine-to-physical table visible under the one root and not under the other (MFN_INVALID: none). */
void pv_roots_show_m2p(mfn_t kernel_root, mfn_t user_root);

/* Descriptor tables of the running vCPU: frames of checked descriptors, or a mapped LDT. -EINVAL, -E2BIG …. */
int pv_set_gdt(struct vcpu *v, const mfn_t *frames, unsigned int nr_ents) __must_check;
int pv_set_ldt(struct vcpu *v, gva_t base, unsigned int nr_ents) __must_check;

/* Store one descriptor into a frame of the domain, where it is one of its table frames or plain memory. -EINVAL. */
int pv_update_descriptor(struct vcpu *v, maddr_t where, uint64_t desc) __must_check;

/* The guest's CR0.TS and its debug registers; -EINVAL for a number or value that it may not have. */
void pv_set_ts(struct vcpu *v, bool ts);
int pv_debugreg_set(struct vcpu *v, unsigned int reg, uint64_t value) __must_check;
int pv_debugreg_get(const struct vcpu *v, unsigned int reg, uint64_t *value) __must_check;

/* set_segment_base of the running vCPU, in kernel mode. -EINVAL. */
int pv_set_segment_base(struct vcpu *v, unsigned int which, uint64_t base) __must_check;

/* struct vcpu_guest_context is 5168 bytes: private copies of it take two frames, not stack. */
#define PV_CONTEXT_PAGES 2u

/* Check every field of a context and take it over, with its references; nothing is changed on failure. */
int pv_context_set(struct vcpu *v, const struct vcpu_guest_context *ctx);
void pv_context_get(const struct vcpu *v, struct vcpu_guest_context *ctx);

/* VMASST_* bits that a 64-bit guest may set. */
#define PV_VM_ASSIST_VALID                                                                         \
    (1ul << VMASST_TYPE_4gb_segments | 1ul << VMASST_TYPE_4gb_segments_notify |                    \
     1ul << VMASST_TYPE_writable_pagetables | 1ul << VMASST_TYPE_pae_extended_cr3 |                \
     1ul << VMASST_TYPE_architectural_iopl | 1ul << VMASST_TYPE_runstate_update_flag |             \
     1ul << VMASST_TYPE_m2p_strict)

/* Why pv/fast.S leaves v's entries to C: the guest sees its IOPL in frames; an NMI is masked or pending. */
#define PV_SLOW_IOPL 1u
#define PV_SLOW_NMI  2u
#define PV_SLOW_TRACE 4u
/* To be called when one of the reasons has changed. */
void pv_slow_paths_update(struct vcpu *v);

/* CR4 as the guest's own bits want it. */
void pv_load_cr4(const struct vcpu *v);

/* Context switch halves, called by sched/ through the switch hooks (sched/switch_hooks.h) on the CPU concerned. */
void pv_switch_out(struct vcpu *v);
void pv_switch_in(struct vcpu *v);

struct switch_hooks;
extern const struct switch_hooks pv_switch_hooks;

#endif
