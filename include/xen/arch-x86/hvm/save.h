/* SPDX-License-Identifier: MIT */
/*
 * Records of saved vCPU state: the header, a CPU, and the virtual machine-check registers that a
 * control operation refers to (XEN_DOMCTL_*_ext_vcpucontext). Records of devices are not described.
 * 64-bit guests only, as everywhere in these headers.
 */
#ifndef XEN_PUBLIC_ARCH_X86_HVM_SAVE_H
#define XEN_PUBLIC_ARCH_X86_HVM_SAVE_H

#include "../../xen.h"

#ifndef __ASSEMBLY__

/* The first record. */
struct hvm_save_header {
    uint32_t magic;   /* HVM_FILE_MAGIC */
    uint32_t version; /* HVM_FILE_VERSION */
    uint64_t changeset;
    uint32_t cpuid; /* leaf 1 eax of the machine that it comes from */
    uint32_t gtsc_khz;
};
#define HVM_FILE_MAGIC   0x54381286
#define HVM_FILE_VERSION 0x00000001

/* hvm_hw_cpu.flags */
#define _XEN_X86_FPU_INITIALISED 0
#define XEN_X86_FPU_INITIALISED  (1U << _XEN_X86_FPU_INITIALISED) /* fpu_regs counts */

/* *_arbytes: type, S, DPL, P in bits 0-7; AVL, L, D/B, G in bits 8-11. */
struct hvm_hw_cpu {
    uint8_t fpu_regs[512]; /* as FXSAVE stores them */
    uint64_t rax, rbx, rcx, rdx, rbp, rsi, rdi, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rip;
    uint64_t rflags;
    uint64_t cr0, cr2, cr3, cr4, dr0, dr1, dr2, dr3, dr6, dr7;
    uint32_t cs_sel, ds_sel, es_sel, fs_sel, gs_sel, ss_sel, tr_sel, ldtr_sel;
    uint32_t cs_limit, ds_limit, es_limit, fs_limit, gs_limit, ss_limit, tr_limit, ldtr_limit;
    uint32_t idtr_limit, gdtr_limit;
    uint64_t cs_base, ds_base, es_base, fs_base, gs_base, ss_base, tr_base, ldtr_base;
    uint64_t idtr_base, gdtr_base;
    uint32_t cs_arbytes, ds_arbytes, es_arbytes, fs_arbytes, gs_arbytes, ss_arbytes, tr_arbytes;
    uint32_t ldtr_arbytes;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t shadow_gs; /* the base that SWAPGS exchanges */
    uint64_t msr_flags; /* ignored */
    uint64_t msr_lstar, msr_star, msr_cstar, msr_syscall_mask, msr_efer, msr_tsc_aux;
    uint64_t tsc;
    uint32_t pending_event; /* an event that is to be delivered; 0: none */
    uint32_t error_code;
    uint32_t flags;
    uint32_t pad0;
};

struct hvm_vmce_vcpu {
    uint64_t caps;           /* MCG_CAP as the guest sees it */
    uint64_t mci_ctl2_bank0; /* MC0_CTL2 */
    uint64_t mci_ctl2_bank1; /* MC1_CTL2 */
    uint64_t mcg_ext_ctl;    /* MCG_EXT_CTL */
};

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_ARCH_X86_HVM_SAVE_H */
