/* SPDX-License-Identifier: MIT */
/*
 * Feature numbers: the bit positions that XENVER_get_features reports, and the names that a guest's
 * ELF note XEN_ELFNOTE_FEATURES may demand. A guest asks before it relies on any of them.
 */
#ifndef XEN_PUBLIC_FEATURES_H
#define XEN_PUBLIC_FEATURES_H

#define XENFEAT_writable_page_tables       0  /* page tables may be mapped writable */
#define XENFEAT_writable_descriptor_tables 1  /* GDT and LDT frames may be mapped writable */
#define XENFEAT_auto_translated_physmap    2  /* the guest sees pseudo-physical frames only */
#define XENFEAT_supervisor_mode_kernel     3  /* the guest kernel runs in ring 0 */
#define XENFEAT_pae_pgdir_above_4gb        4  /* L3 tables of PAE guests may lie anywhere */
#define XENFEAT_mmu_pt_update_preserve_ad  5  /* MMU_PT_UPDATE_PRESERVE_AD works */
#define XENFEAT_highmem_assist             6  /* MMUEXT_CLEAR_PAGE and MMUEXT_COPY_PAGE work */
#define XENFEAT_gnttab_map_avail_bits      7  /* GNTMAP_guest_avail_mask is honoured */
#define XENFEAT_hvm_callback_vector        8  /* event callback by interrupt vector */
#define XENFEAT_hvm_safe_pvclock           9  /* vcpu_time_info usable under full virtualization */
#define XENFEAT_hvm_pirqs                  10 /* physical IRQs as events, full virtualization */
#define XENFEAT_dom0                       11 /* this is (or: the kernel can be) the first domain */
#define XENFEAT_memory_op_vnode_supported  13 /* XENMEMF_vnode works */
#define XENFEAT_ARM_SMCCC_supported        14 /* other architecture */
#define XENFEAT_linux_rsdp_unrestricted    15 /* the kernel takes the RSDP's address as given */
#define XENFEAT_not_direct_mapped          16 /* guest frame numbers differ from machine ones */
#define XENFEAT_direct_mapped              17 /* guest frame numbers equal machine ones */

#define XENFEAT_NR_SUBMAPS                 1 /* words of 32 features each */

#endif /* XEN_PUBLIC_FEATURES_H */
