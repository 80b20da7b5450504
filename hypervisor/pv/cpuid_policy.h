/* SPDX-License-Identifier: MIT */
/*
 * What a PV guest sees of the machine: the host's answer to a CPUID leaf, cut down to what works in ring 3 under this
 * hypervisor, and the hypervisor's own leaves. Pure. Invariant: a feature bit appears only if the host has it and nothing
 * that it needs is missing; unknown leaves and unknown bits are 0.
 * Leaves: SDM vol. 2 CPUID, APM vol. 3 appendix E; 0x4000000x as in the ABI (4.17).
 */
#ifndef PV_CPUID_POLICY_H
#define PV_CPUID_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"

#define CPUID_XEN_BASE 0x40000000u
#define CPUID_XEN_LAST 0x40000005u

struct cpuid_leaf {
    uint32_t eax, ebx, ecx, edx;
};

struct cpuid_policy {
    uint32_t max_leaf;     /* the host's */
    uint32_t max_ext_leaf; /* the host's */
    bool hardware;         /* hardware domain: sees MTRR */
    bool osxsave;          /* the guest's CR4.OSXSAVE */
    bool invariant_tsc;
    uint16_t vcpu_id;
    uint8_t phys_bits;     /* width of machine addresses */
    uint64_t xcr0_max;     /* what the guest may enable; 0: no XSAVE */
    uint32_t xsave_bytes_max; /* area for all of xcr0_max, standard format */
    uint32_t tsc_khz;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
};

/* On entry *leaf is what the host's CPUID answered to (nr, sub), on return what the guest gets. */
void cpuid_policy_apply(const struct cpuid_policy *policy, uint32_t nr, uint32_t sub, struct cpuid_leaf *leaf);

#endif
