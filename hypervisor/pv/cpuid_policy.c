/* SPDX-License-Identifier: MIT */
/*
 * CPUID policy of PV guests, see cpuid_policy.h. Each mask lists the bits that a guest may see; the rest is hidden because
 * it needs ring 0, state that is not switched, or page-table features that a PV guest does not get. Pure.
 */
#include "cpuid_policy.h"

#define BIT(n) (UINT32_C(1) << (n))

/* The highest leaves that are ever answered. */
#define MAX_BASIC_LEAF 0xdu
#define MAX_EXT_LEAF   0x80000021u

/* XCR0 components, SDM vol. 1, 13.1. */
#define XCR0_AVX    UINT64_C(0x4)
#define XCR0_AVX512 UINT64_C(0xe0)

#define L1C_XSAVE      BIT(26)
#define L1C_OSXSAVE    BIT(27)
#define L1C_HYPERVISOR BIT(31)

/* Leaf 1 ecx: SSE3 PCLMULQDQ SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES RDRAND; FMA, AVX and F16C need AVX state. */
#define L1C_PLAIN                                                                                  \
    (BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | BIT(30))
#define L1C_AVX (BIT(12) | BIT(28) | BIT(29))

/*
 * Leaf 1 edx: FPU DE TSC MSR PAE MCE CX8 APIC MCA CMOV PAT CLFSH MMX FXSR SSE SSE2. Hidden: VME, PSE, PGE, PSE36 (no such
 * page tables), SEP (no SYSENTER entry), HTT (no topology), DS, ACPI, TM, SS. MTRR only for the hardware domain.
 */
#define L1D_PLAIN                                                                                  \
    (BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(14) | BIT(15) | BIT(16) | BIT(19) |       \
     BIT(23) | BIT(24) | BIT(25) | BIT(26))
#define L1D_MTRR BIT(12)

/*
 * Leaf 7.0 ebx: FSGSBASE BMI1 FDP_EXCPTN BMI2 ERMS NO_FPU_SEL RDSEED ADX CLFLUSHOPT CLWB SHA. Hidden: TSC_ADJUST, SMEP, SMAP,
 * INVPCID, HLE, RTM, PQM, MPX, PQE, PT.
 */
#define L7B_PLAIN                                                                                  \
    (BIT(0) | BIT(3) | BIT(6) | BIT(8) | BIT(9) | BIT(13) | BIT(18) | BIT(19) | BIT(23) | BIT(24) | BIT(29))
#define L7B_AVX    BIT(5)
#define L7B_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))

/* Leaf 7.0 ecx: GFNI RDPID CLDEMOTE MOVDIRI MOVDIR64B. Hidden: UMIP, PKU, LA57, CET. */
#define L7C_PLAIN  (BIT(8) | BIT(22) | BIT(25) | BIT(27) | BIT(28))
#define L7C_AVX    (BIT(9) | BIT(10))
#define L7C_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))

/* Leaf 7.0 edx: FSRM MD_CLEAR SERIALIZE. Speculation controls are MSRs that are not switched for guests. */
#define L7D_PLAIN  (BIT(4) | BIT(10) | BIT(14))
#define L7D_AVX512 (BIT(2) | BIT(3) | BIT(8))

/* Leaf 7.1 eax: FZRM FSRS FSRCS. */
#define L7_1A_PLAIN  (BIT(10) | BIT(11) | BIT(12))
#define L7_1A_AVX    BIT(4)
#define L7_1A_AVX512 BIT(5)

/* Leaf 0xd.1 eax: XSAVEOPT XSAVEC XGETBV1; no XSAVES, which is privileged. */
#define LD_1A_PLAIN (BIT(0) | BIT(1) | BIT(2))

/* Leaf 0x80000001 ecx: LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH TBM. Hidden: SVM, CR8, TOPOEXT, performance counters. */
#define E1C_PLAIN (BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(21))
#define E1C_AVX   (BIT(11) | BIT(16)) /* XOP FMA4 */

/* Leaf 0x80000001 edx: SYSCALL NX MMXEXT FFXSR RDTSCP LM 3DNOWEXT 3DNOW, and AMD's copies of leaf 1 edx. */
#define E1D_PLAIN (BIT(11) | BIT(20) | BIT(22) | BIT(25) | BIT(27) | BIT(29) | BIT(30) | BIT(31))
#define E1D_COPIES (L1D_PLAIN & 0x0183f3ffu)

/* Leaf 0x80000008 ebx: CLZERO RSTR_FP_ERR_PTRS WBNOINVD. */
#define E8B_PLAIN (BIT(0) | BIT(2) | BIT(9))

/* Leaf 0x80000021 eax: LFENCE serializes; null selectors clear the base. */
#define E21A_PLAIN (BIT(2) | BIT(6))

static bool has_avx(const struct cpuid_policy *policy)
{
    return policy->xcr0_max & XCR0_AVX;
}

static bool has_avx512(const struct cpuid_policy *policy)
{
    return has_avx(policy) && (policy->xcr0_max & XCR0_AVX512) == XCR0_AVX512;
}

/* The mask for a register whose bits need nothing, AVX state, or AVX-512 state. */
static uint32_t mask_by_state(const struct cpuid_policy *policy, uint32_t plain, uint32_t avx, uint32_t avx512)
{
    return plain | (has_avx(policy) ? avx : 0) | (has_avx512(policy) ? avx512 : 0);
}

static void clear(struct cpuid_leaf *leaf)
{
    *leaf = (struct cpuid_leaf){0};
}

static void features_1(const struct cpuid_policy *policy, struct cpuid_leaf *leaf)
{
    uint32_t xsave = policy->xcr0_max ? leaf->ecx & L1C_XSAVE : 0;

    /* One thread a package: our own APIC id, one logical processor; brand index and CLFLUSH size stay. */
    leaf->ebx = (leaf->ebx & 0xffff) | BIT(16) | (uint32_t)(policy->vcpu_id & 0xff) << 24;
    leaf->ecx &= mask_by_state(policy, L1C_PLAIN, xsave ? L1C_AVX : 0, 0);
    leaf->ecx |= xsave | L1C_HYPERVISOR;
    if (xsave && policy->osxsave) {
        leaf->ecx |= L1C_OSXSAVE;
    }
    leaf->edx &= L1D_PLAIN | (policy->hardware ? L1D_MTRR : 0);
}

static void features_7(const struct cpuid_policy *policy, uint32_t sub, struct cpuid_leaf *leaf)
{
    if (sub == 0) {
        leaf->eax = MIN(leaf->eax, UINT32_C(1));
        leaf->ebx &= mask_by_state(policy, L7B_PLAIN, L7B_AVX, L7B_AVX512);
        leaf->ecx &= mask_by_state(policy, L7C_PLAIN, L7C_AVX, L7C_AVX512);
        leaf->edx &= mask_by_state(policy, L7D_PLAIN, 0, L7D_AVX512);
    } else if (sub == 1) {
        leaf->eax &= mask_by_state(policy, L7_1A_PLAIN, L7_1A_AVX, L7_1A_AVX512);
        leaf->ebx = leaf->ecx = leaf->edx = 0;
    } else {
        clear(leaf);
    }
}

static void xsave_d(const struct cpuid_policy *policy, uint32_t sub, struct cpuid_leaf *leaf)
{
    if (!policy->xcr0_max) {
        clear(leaf);
    } else if (sub == 0) {
        /* ebx is the size for the XCR0 that is loaded, which is the guest's. */
        leaf->eax = (uint32_t)policy->xcr0_max;
        leaf->ebx = MIN(leaf->ebx, policy->xsave_bytes_max);
        leaf->ecx = policy->xsave_bytes_max;
        leaf->edx = (uint32_t)(policy->xcr0_max >> 32);
    } else if (sub == 1) {
        leaf->eax &= LD_1A_PLAIN;
        leaf->ebx = leaf->eax & BIT(1) ? leaf->ebx : 0;
        leaf->ecx = leaf->edx = 0;
    } else if (sub < 63 && (policy->xcr0_max >> sub) & 1) {
        leaf->ecx &= BIT(1); /* alignment in the compact format; a user component, never a supervisor one */
        leaf->edx = 0;
    } else {
        clear(leaf);
    }
}

static void basic_leaf(const struct cpuid_policy *policy, uint32_t nr, uint32_t sub, struct cpuid_leaf *leaf)
{
    switch (nr) {
    case 0x0:
        leaf->eax = MIN(policy->max_leaf, MAX_BASIC_LEAF);
        break;
    case 0x1:
        features_1(policy, leaf);
        break;
    case 0x2: /* cache descriptors */
        break;
    case 0x4: /* cache geometry, without the sharing of caches and packages */
        leaf->eax &= 0x3fff;
        break;
    case 0x7:
        features_7(policy, sub, leaf);
        break;
    case 0xd:
        xsave_d(policy, sub, leaf);
        break;
    default: /* MONITOR, power, performance counters, topology: not for guests */
        clear(leaf);
        break;
    }
}

static void extended_leaf(const struct cpuid_policy *policy, uint32_t nr, struct cpuid_leaf *leaf)
{
    switch (nr) {
    case 0x80000000:
        leaf->eax = MIN(policy->max_ext_leaf, MAX_EXT_LEAF);
        break;
    case 0x80000001:
        leaf->ecx &= mask_by_state(policy, E1C_PLAIN, E1C_AVX, 0);
        leaf->edx &= E1D_PLAIN | E1D_COPIES | (policy->hardware ? L1D_MTRR : 0);
        break;
    case 0x80000002 ... 0x80000006: /* brand string, caches and TLBs */
        break;
    case 0x80000007:
        *leaf = (struct cpuid_leaf){.edx = policy->invariant_tsc ? leaf->edx & BIT(8) : 0};
        break;
    case 0x80000008:
        leaf->eax &= 0xffff;
        leaf->ebx &= E8B_PLAIN;
        leaf->ecx = leaf->edx = 0;
        break;
    case 0x80000019: /* TLBs for large pages */
    case 0x8000001a: /* performance hints */
        break;
    case 0x80000021:
        *leaf = (struct cpuid_leaf){.eax = leaf->eax & E21A_PLAIN};
        break;
    default:
        clear(leaf);
        break;
    }
}

static void tsc_leaf(const struct cpuid_policy *policy, uint32_t sub, struct cpuid_leaf *leaf)
{
    switch (sub) {
    case 0:
        /* Never emulated (mode 2), host TSC reliable if invariant. */
        leaf->eax = policy->invariant_tsc ? BIT(1) : 0;
        leaf->ebx = 2;
        leaf->ecx = policy->tsc_khz;
        break;
    case 1:
        leaf->ecx = policy->tsc_to_system_mul;
        leaf->edx = (uint32_t)policy->tsc_shift;
        break;
    case 2:
        leaf->eax = policy->tsc_khz;
        break;
    default:
        break;
    }
}

static void xen_leaf(const struct cpuid_policy *policy, uint32_t nr, uint32_t sub, struct cpuid_leaf *leaf)
{
    clear(leaf);
    switch (nr - CPUID_XEN_BASE) {
    case 0: /* "XenVMMXenVMM" */
        leaf->eax = CPUID_XEN_LAST;
        leaf->ebx = 0x566e6558;
        leaf->ecx = 0x65584d4d;
        leaf->edx = 0x4d4d566e;
        break;
    case 1: /* version 4.17 */
        leaf->eax = 4u << 16 | 17;
        break;
    case 2: /* one hypercall page, its MSR; page-table updates can preserve accessed and dirty bits */
        leaf->eax = 1;
        leaf->ebx = 0x40000000;
        leaf->ecx = BIT(0);
        break;
    case 3:
        tsc_leaf(policy, sub, leaf);
        break;
    case 5:
        leaf->ebx = sub == 0 ? policy->phys_bits : 0;
        break;
    default: /* leaf 4 is for fully virtualized domains */
        break;
    }
}

void cpuid_policy_apply(const struct cpuid_policy *policy, uint32_t nr, uint32_t sub, struct cpuid_leaf *leaf)
{
    if (nr >= CPUID_XEN_BASE && nr <= CPUID_XEN_LAST) {
        xen_leaf(policy, nr, sub, leaf);
    } else if (nr <= MIN(policy->max_leaf, MAX_BASIC_LEAF)) {
        basic_leaf(policy, nr, sub, leaf);
    } else if (nr >= 0x80000000 && nr <= MIN(policy->max_ext_leaf, MAX_EXT_LEAF)) {
        extended_leaf(policy, nr, leaf);
    } else {
        clear(leaf);
    }
}
