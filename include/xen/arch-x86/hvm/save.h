/* SPDX-License-Identifier: MIT */
/*
 * Records of saved vCPU state. Only the one that a control operation refers to is described here:
 * the virtual machine-check registers (XEN_DOMCTL_*_ext_vcpucontext).
 * 64-bit guests only, as everywhere in these headers.
 */
#ifndef XEN_PUBLIC_ARCH_X86_HVM_SAVE_H
#define XEN_PUBLIC_ARCH_X86_HVM_SAVE_H

#include "../../xen-compat.h"

#ifndef __ASSEMBLY__

struct hvm_vmce_vcpu {
    uint64_t caps;           /* MCG_CAP as the guest sees it */
    uint64_t mci_ctl2_bank0; /* MC0_CTL2 */
    uint64_t mci_ctl2_bank1; /* MC1_CTL2 */
    uint64_t mcg_ext_ctl;    /* MCG_EXT_CTL */
};

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_ARCH_X86_HVM_SAVE_H */
