/* SPDX-License-Identifier: MIT */
/*
 * CPUID and model-specific registers of fully virtualized vCPUs. Invariant: a feature is shown only if the host has it and its
 * state is switched or needs no switching; registers that nobody describes here raise a fault, as on a CPU without them.
 * Leaves and bits: APM vol. 3, appendix E; SDM vol. 2, CPUID. Register numbers: APM vol. 2, appendix A.
 */
#include "common/compiler.h"
#include "full/full.h"
#include "x86/cpu.h"

#define BIT(n)       (UINT32_C(1) << (n))
#define MAX_BASIC    7u
#define MAX_EXTENDED 0x80000008u

/* Leaf 1 ecx: SSE3 PCLMULQDQ SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES RDRAND; a hypervisor is there. No XSAVE, no x2APIC. */
#define L1C                                                                                        \
    (BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | BIT(30))
#define L1C_HV BIT(31)
/* Leaf 1 edx: FPU VME DE PSE TSC MSR PAE CX8 APIC SEP PGE CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2. No machine checks, MTRR. */
#define L1D                                                                                        \
    (BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(11) |    \
     BIT(13) | BIT(15) | BIT(16) | BIT(17) | BIT(19) | BIT(23) | BIT(24) | BIT(25) | BIT(26))
/* Leaf 7 ebx: FSGSBASE BMI1 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA. */
#define L7B                                                                                        \
    (BIT(0) | BIT(3) | BIT(7) | BIT(8) | BIT(9) | BIT(18) | BIT(19) | BIT(20) | BIT(23) |          \
     BIT(24) | BIT(29))
#define L7C (BIT(2) | BIT(22)) /* UMIP RDPID */
/* What full_engine.cpuid_plain takes away: SEP; SMEP SMAP; UMIP. */
#define PLAIN_L1D BIT(11)
#define PLAIN_L7B (BIT(7) | BIT(20))
#define PLAIN_L7C BIT(2)
#define E1C                                                                                        \
    (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(7) |                                                  \
     BIT(8)) /* LAHF CR8 ABM SSE4A MISALIGNSSE 3DNOWPREFETCH */
/* SYSCALL NX MMXEXT 1GPAGES RDTSCP LM, and the copies of leaf 1. */
#define E1D           (BIT(11) | BIT(20) | BIT(22) | BIT(26) | BIT(27) | BIT(29) | (L1D & 0x0183f3ffu))

#define MSR_TSC       0x10u
#define MSR_MTRR_CAP  0xfeu
#define MSR_MCG_CAP   0x179u
#define MSR_MISC      0x1a0u
#define MSR_MTRR_DEF  0x2ffu
#define MSR_BIOS_SIGN 0x8bu
#define APIC_BASE_BSP 0x100u
#define APIC_BASE_ON  0x800u

static struct cpuid_regs basic(const struct vcpu *v, uint32_t leaf, uint32_t sub,
                               struct cpuid_regs r)
{
    bool plain = v->domain->full->engine->cpuid_plain;

    switch (leaf) {
    case 0:
        r.eax = MIN(r.eax, MAX_BASIC);
        break;
    case 1:
        r.ebx = (r.ebx & 0xffff) | BIT(16) | (uint32_t)v->id << 24;
        r.ecx = (r.ecx & L1C) | L1C_HV;
        r.edx &= v->full->lapic.enabled ? L1D : L1D & ~BIT(9);
        r.edx &= plain ? ~PLAIN_L1D : ~0u;
        break;
    case 2:
        break;
    case 4: /* caches, without who shares them */
        r.eax &= 0x3fff;
        break;
    case 7:
        r = sub ? (struct cpuid_regs){0}
                : (struct cpuid_regs){.ebx = r.ebx & L7B & (plain ? ~PLAIN_L7B : ~0u),
                                      .ecx = r.ecx & L7C & (plain ? ~PLAIN_L7C : ~0u)};
        break;
    default:
        r = (struct cpuid_regs){0};
        break;
    }
    return r;
}

static struct cpuid_regs extended(uint32_t leaf, struct cpuid_regs r)
{
    switch (leaf) {
    case 0x80000000:
        r.eax = MIN(r.eax, MAX_EXTENDED);
        break;
    case 0x80000001:
        r.ecx &= E1C;
        r.edx &= E1D;
        break;
    case 0x80000002 ... 0x80000006:
        break;
    case 0x80000007:
        r = (struct cpuid_regs){.edx = r.edx & BIT(8)}; /* the TSC's rate is constant */
        break;
    case 0x80000008:
        r = (struct cpuid_regs){.eax = (r.eax & 0xff00) | MIN(r.eax & 0xff, PHYSMAP_GFN_BITS + 12)};
        break;
    default:
        r = (struct cpuid_regs){0};
        break;
    }
    return r;
}

void full_cpuid(struct vcpu *v)
{
    uint32_t leaf = (uint32_t)v->regs.rax, sub = (uint32_t)v->regs.rcx;
    struct cpuid_regs r = {0};

    if (leaf <= MIN(cpu_features.max_leaf, MAX_BASIC)) {
        r = basic(v, leaf, sub, cpuid(leaf, sub));
    } else if (leaf >= 0x80000000 && leaf <= MIN(cpu_features.max_ext_leaf, MAX_EXTENDED)) {
        r = extended(leaf, cpuid(leaf, 0));
    }
    v->regs.rax = r.eax;
    v->regs.rbx = r.ebx;
    v->regs.rcx = r.ecx;
    v->regs.rdx = r.edx;
}

bool full_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
    struct full_vcpu *fv = v->full;

    switch (msr) {
    case MSR_TSC:
        *value = rdtsc();
        return true;
    case MSR_APIC_BASE:
        *value =
            LAPIC_BASE | (fv->lapic.enabled ? APIC_BASE_ON : 0) | (v->id == 0 ? APIC_BASE_BSP : 0);
        return true;
    case MSR_PAT:
        *value = fv->pat;
        return true;
    case MSR_TSC_AUX:
        *value = fv->tsc_aux;
        return cpu_features.rdtscp;
    case MSR_MTRR_CAP: /* features that are not there, which systems ask for all the same */
    case MSR_MTRR_DEF:
    case MSR_MCG_CAP:
    case MSR_MISC:
    case MSR_BIOS_SIGN:
        *value = 0;
        return true;
    default:
        return false;
    }
}

/* Memory types 2 and 3 are reserved, and what is above 7 (APM vol. 2, 7.8.1). */
static bool pat_ok(uint64_t pat)
{
    for (unsigned int i = 0; i < 64; i += 8) {
        uint8_t type = (uint8_t)(pat >> i);

        if (type > 7 || type == 2 || type == 3) {
            return false;
        }
    }
    return true;
}

bool full_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    struct full_vcpu *fv = v->full;

    switch (msr) {
    case MSR_TSC: /* it stays what it is: all vCPUs share the machine's */
    case MSR_BIOS_SIGN:
    case MSR_MISC:
        return true;
    case MSR_APIC_BASE:
        if ((value & ~(uint64_t)(APIC_BASE_ON | APIC_BASE_BSP)) != LAPIC_BASE) {
            return false;
        }
        spin_lock(&v->domain->full->lock);
        fv->lapic.enabled = value & APIC_BASE_ON;
        spin_unlock(&v->domain->full->lock);
        return true;
    case MSR_PAT:
        if (!pat_ok(value)) {
            return false;
        }
        fv->pat = value;
        return true;
    case MSR_TSC_AUX:
        if (!cpu_features.rdtscp || value >> 32) {
            return false;
        }
        fv->tsc_aux = value;
        wrmsr(MSR_TSC_AUX, value);
        return true;
    default:
        return false;
    }
}
