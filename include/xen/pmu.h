/* SPDX-License-Identifier: MIT */
/*
 * xenpmu_op(cmd, struct xen_pmu_params): performance counters of the CPU for guests. A guest
 * registers one page a vCPU; on overflow it is told by VIRQ_XENPMU and finds the sample in the
 * page.
 */
#ifndef XEN_PUBLIC_PMU_H
#define XEN_PUBLIC_PMU_H

#include "xen.h"

#include "arch-x86/pmu.h"

#define XENPMU_VER_MAJ 0
#define XENPMU_VER_MIN 1

/* cmd; the first four: control domain */
#define XENPMU_mode_get          0
#define XENPMU_mode_set          1
#define XENPMU_feature_get       2
#define XENPMU_feature_set       3
#define XENPMU_init              4 /* val: frame of the page, for vcpu */
#define XENPMU_finish            5 /* end of it, for vcpu */
#define XENPMU_lvtpc_set         6 /* no argument; value in the page */
#define XENPMU_flush             7 /* no argument; registers in the page go into the CPU */

#define XENPMU_MODE_OFF          0
#define XENPMU_MODE_SELF         (1 << 0) /* guests profile themselves */
#define XENPMU_MODE_HV           (1 << 1) /* the first domain also profiles the hypervisor */
#define XENPMU_MODE_ALL          (1 << 2) /* the first domain profiles everything */

#define XENPMU_FEATURE_INTEL_BTS (1 << 0)
#define XENPMU_FEATURE_IPC_ONLY  (1 << 1)
#define XENPMU_FEATURE_ARCH_ONLY (1 << 2)

struct xen_pmu_params {
    struct {
        uint32_t maj;
        uint32_t min;
    } version;     /* IN: XENPMU_VER_*; OUT: the hypervisor's */
    uint64_t val;  /* IN or OUT: by cmd */
    uint32_t vcpu; /* IN: by cmd */
    uint32_t pad;
};
typedef struct xen_pmu_params xen_pmu_params_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_params_t);

/* The page. */
struct xen_pmu_data {
    uint32_t vcpu_id; /* OUT: who ran when the sample was taken, where */
    uint32_t pcpu_id;
    domid_t domain_id;
    uint8_t pad[6];
    xen_pmu_arch_t pmu;
};

#endif /* XEN_PUBLIC_PMU_H */
