/* SPDX-License-Identifier: MIT */
/*
 * The control block of a guest under SVM: offsets, bits and exit codes of APM vol. 2, appendix B and C. Data only.
 */
#ifndef FULL_SVM_VMCB_H
#define FULL_SVM_VMCB_H

#include <stddef.h>
#include <stdint.h>

#include "full/full.h"

struct vmcb {
    /* control area */
    uint16_t intercept_cr_read, intercept_cr_write, intercept_dr_read, intercept_dr_write;
    uint32_t intercept_exceptions;
    uint32_t intercept3, intercept4, intercept5;
    uint8_t reserved1[0x3c - 0x18];
    uint16_t pause_threshold, pause_count;
    uint64_t iopm, msrpm, tsc_offset;
    uint32_t asid;
    uint8_t tlb_control, reserved2[3];
    uint64_t vintr;  /* VINTR_* */
    uint64_t shadow; /* bit 0: interrupts are held off for one instruction */
    uint64_t exit_code, exit_info1, exit_info2;
    uint64_t exit_event; /* EVENT_*: what was being delivered when the exit came */
    uint64_t nested;     /* bit 0: nested paging */
    uint8_t reserved3[0xa8 - 0x98];
    uint64_t event; /* EVENT_*: delivered at the next run */
    uint64_t nested_cr3;
    uint64_t lbr;
    uint32_t clean, reserved4;
    uint64_t next_rip;
    uint8_t reserved5[0x400 - 0xd0];
    /* state */
    struct full_seg seg[SEG_NRS];
    uint8_t reserved6[0x4cb - 0x4a0];
    uint8_t cpl;
    uint32_t reserved7;
    uint64_t efer;
    uint8_t reserved8[0x548 - 0x4d8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t reserved9[0x5d8 - 0x580];
    uint64_t rsp;
    uint8_t reserved10[0x5f8 - 0x5e0];
    uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp,
        sysenter_eip, cr2;
    uint8_t reserved11[0x668 - 0x648];
    uint64_t pat, debugctl;
    uint8_t reserved12[0x1000 - 0x678];
};
_Static_assert(offsetof(struct vmcb, pause_threshold) == 0x3c &&
                   offsetof(struct vmcb, iopm) == 0x40 && offsetof(struct vmcb, asid) == 0x58 &&
                   offsetof(struct vmcb, vintr) == 0x60 &&
                   offsetof(struct vmcb, exit_code) == 0x70 &&
                   offsetof(struct vmcb, exit_event) == 0x88 &&
                   offsetof(struct vmcb, event) == 0xa8 && offsetof(struct vmcb, next_rip) == 0xc8,
               "control area, table B-1");
_Static_assert(offsetof(struct vmcb, seg) == 0x400 && offsetof(struct vmcb, cpl) == 0x4cb &&
                   offsetof(struct vmcb, efer) == 0x4d0 && offsetof(struct vmcb, cr4) == 0x548 &&
                   offsetof(struct vmcb, rip) == 0x578 && offsetof(struct vmcb, rsp) == 0x5d8 &&
                   offsetof(struct vmcb, rax) == 0x5f8 && offsetof(struct vmcb, cr2) == 0x640 &&
                   offsetof(struct vmcb, pat) == 0x668 && sizeof(struct vmcb) == 0x1000,
               "state, table B-2");

/* intercept3 */
#define INTERCEPT_INTR     (1u << 0)
#define INTERCEPT_NMI      (1u << 1)
#define INTERCEPT_SMI      (1u << 2)
#define INTERCEPT_INIT     (1u << 3)
#define INTERCEPT_VINTR    (1u << 4)
#define INTERCEPT_RDPMC    (1u << 15)
#define INTERCEPT_CPUID    (1u << 18)
#define INTERCEPT_RSM      (1u << 19)
#define INTERCEPT_INVD     (1u << 22)
#define INTERCEPT_HLT      (1u << 24)
#define INTERCEPT_INVLPGA  (1u << 26)
#define INTERCEPT_IO       (1u << 27)
#define INTERCEPT_MSR      (1u << 28)
#define INTERCEPT_FREEZE   (1u << 30)
#define INTERCEPT_SHUTDOWN (1u << 31)
/* intercept4: VMRUN VMMCALL VMLOAD VMSAVE STGI CLGI SKINIT; WBINVD MONITOR MWAIT XSETBV */
#define INTERCEPT_SVM     0x7fu
#define INTERCEPT_WBINVD  (1u << 9)
#define INTERCEPT_MONITOR (1u << 10)
#define INTERCEPT_MWAIT   (3u << 11)
#define INTERCEPT_XSETBV  (1u << 13)

#define VINTR_TPR_MASK    0xfu
#define VINTR_IRQ         (1ul << 8)
#define VINTR_PRIORITY    (0xful << 16)
#define VINTR_IGNORE_TPR  (1ul << 20)
#define VINTR_MASKING     (1ul << 24)

#define EVENT_VALID       (1ul << 31)
#define EVENT_HAS_CODE    (1ul << 11)
#define EVENT_TYPE(e)     ((e) >> 8 & 7)
#define EVENT_EXTERNAL    (0ul << 8)
#define EVENT_EXCEPTION   (3ul << 8)
#define EVENT_TYPE_SOFT   4u /* INTn: executed again instead of delivered again */

#define TLB_FLUSH_ALL     1

enum {
    EXIT_READ_DR0 = 0x20,
    EXIT_WRITE_DR7 = 0x3f,
    EXIT_EXCEPTION = 0x40,
    EXIT_INTR = 0x60,
    EXIT_NMI = 0x61,
    EXIT_SMI = 0x62,
    EXIT_INIT = 0x63,
    EXIT_VINTR = 0x64,
    EXIT_RDPMC = 0x6f,
    EXIT_CPUID = 0x72,
    EXIT_RSM = 0x73,
    EXIT_INVD = 0x76,
    EXIT_HLT = 0x78,
    EXIT_INVLPGA = 0x7a,
    EXIT_IO = 0x7b,
    EXIT_MSR = 0x7c,
    EXIT_FREEZE = 0x7e,
    EXIT_SHUTDOWN = 0x7f,
    EXIT_VMRUN = 0x80,
    EXIT_SKINIT = 0x86,
    EXIT_WBINVD = 0x89,
    EXIT_MONITOR = 0x8a,
    EXIT_MWAIT = 0x8b,
    EXIT_MWAIT_ARMED = 0x8c,
    EXIT_XSETBV = 0x8d,
    EXIT_NPF = 0x400,
};

#endif
