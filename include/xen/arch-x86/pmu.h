/* SPDX-License-Identifier: MIT */
/*
 * x86 part of the performance-counter interface: the page through which samples and counter state
 * pass. The counters' register values (regs in older descriptions) follow the context structures.
 * 64-bit guests only, as everywhere in these headers.
 */
#ifndef XEN_PUBLIC_ARCH_X86_PMU_H
#define XEN_PUBLIC_ARCH_X86_PMU_H

#include "../xen.h"

/* xen_pmu_arch.pmu_flags */
#define PMU_CACHED         (1 << 0) /* by the guest: registers are cached in the page */
#define PMU_SAMPLE_USER    (1 << 1) /* sample is from user mode */
#define PMU_SAMPLE_REAL    (1 << 2) /* sample is from real mode */
#define PMU_SAMPLE_PV      (1 << 3) /* sample is from a PV guest */

#define XENPMU_REGS_PAD_SZ 64
#define XENPMU_CTXT_PAD_SZ 128

/* Offsets are in bytes from the start of the structure to arrays of registers behind it. */
struct xen_pmu_amd_ctxt {
    uint32_t counters; /* offset of the counters */
    uint32_t ctrls;    /* offset of their controls */
};
typedef struct xen_pmu_amd_ctxt xen_pmu_amd_ctxt_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_amd_ctxt_t);

struct xen_pmu_cntr_pair {
    uint64_t counter;
    uint64_t control;
};
typedef struct xen_pmu_cntr_pair xen_pmu_cntr_pair_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_cntr_pair_t);

struct xen_pmu_intel_ctxt {
    uint32_t fixed_counters; /* offset of the fixed counters, uint64_t each */
    uint32_t arch_counters;  /* offset of the others, xen_pmu_cntr_pair each */
    uint64_t global_ctrl;    /* the registers of these names */
    uint64_t global_ovf_ctrl;
    uint64_t global_status;
    uint64_t fixed_ctrl;
    uint64_t ds_area;
    uint64_t pebs_enable;
    uint64_t debugctl;
};
typedef struct xen_pmu_intel_ctxt xen_pmu_intel_ctxt_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_intel_ctxt_t);

/* Where a sample was taken. */
struct xen_pmu_regs {
    uint64_t ip;
    uint64_t sp;
    uint64_t flags;
    uint16_t cs;
    uint16_t ss;
    uint8_t cpl; /* privilege level */
    uint8_t pad[3];
};
typedef struct xen_pmu_regs xen_pmu_regs_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_regs_t);

struct xen_pmu_arch {
    union {
        xen_pmu_regs_t regs; /* OUT */
        uint8_t pad[XENPMU_REGS_PAD_SZ];
    } r;
    uint64_t pmu_flags; /* PMU_* */
    union {
        uint32_t lapic_lvtpc; /* IN: for XENPMU_lvtpc_set */
        uint64_t pad;
    } l;
    union {
        xen_pmu_amd_ctxt_t amd; /* IN and OUT: by vendor */
        xen_pmu_intel_ctxt_t intel;
        uint8_t pad[XENPMU_CTXT_PAD_SZ];
    } c;
};
typedef struct xen_pmu_arch xen_pmu_arch_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_arch_t);

#endif /* XEN_PUBLIC_ARCH_X86_PMU_H */
