/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions as functions, control-register and MSR numbers, CPU features: with the rest of x86/, the
 * only place of inline assembly. Numbers: SDM vol. 3 (2.5 control registers), vol. 4 (MSRs); APM vol. 2.
 */
#ifndef X86_CPU_H
#define X86_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "x86/rflags.h"

#define CR0_PE (1ul << 0)
#define CR0_MP (1ul << 1)
#define CR0_EM (1ul << 2)
#define CR0_TS (1ul << 3)
#define CR0_ET (1ul << 4)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)
#define CR0_AM (1ul << 18)
#define CR0_PG (1ul << 31)

#define CR4_VME        (1ul << 0)
#define CR4_PVI        (1ul << 1)
#define CR4_TSD        (1ul << 2)
#define CR4_DE         (1ul << 3)
#define CR4_PSE        (1ul << 4)
#define CR4_PAE        (1ul << 5)
#define CR4_MCE        (1ul << 6)
#define CR4_PGE        (1ul << 7)
#define CR4_PCE        (1ul << 8)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP       (1ul << 11)
#define CR4_FSGSBASE   (1ul << 16)
#define CR4_OSXSAVE    (1ul << 18)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)

#define MSR_APIC_BASE      0x1b
#define MSR_PAT            0x277
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_SYSENTER_CS    0x174
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103

#define EFER_SCE (1ul << 0)
#define EFER_LME (1ul << 8)
#define EFER_LMA (1ul << 10)
#define EFER_NXE (1ul << 11)

/* The fixed meaning of the PAT index bits in every PTE here: WB WT UC- UC WC WP UC UC. */
#define PAT_VALUE 0x0000050100070406ul

#define VEC_DE 0
#define VEC_DB 1
#define VEC_NMI 2
#define VEC_BP 3
#define VEC_OF 4
#define VEC_UD 6
#define VEC_NM 7
#define VEC_DF 8
#define VEC_TS 10
#define VEC_NP 11
#define VEC_SS 12
#define VEC_GP 13
#define VEC_PF 14
#define VEC_AC 17
#define VEC_MC 18

#define PFEC_P (1u << 0) /* page-fault error code bits */
#define PFEC_W (1u << 1)
#define PFEC_U (1u << 2)
#define PFEC_R (1u << 3)
#define PFEC_I (1u << 4)

/* What this machine has; const after cpu_init() on the boot CPU. */
struct cpu_features {
    bool nx, smep, smap, umip, fsgsbase, xsave, xsaveopt, tsc_deadline, x2apic, rdtscp, invariant_tsc, pge, pcid, svm, syscall;
    bool gib_pages, hypervisor;
    bool amd; /* vendor family AMD/Hygon: loading a null selector keeps the base */
    uint32_t max_leaf, max_ext_leaf;
    uint8_t phys_bits, virt_bits;
    uint32_t signature; /* leaf 1 eax */
    char vendor[13];
};
extern struct cpu_features cpu_features;

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r;

    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(sub));
    return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return ((uint64_t)hi << 32) | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return ((uint64_t)hi << 32) | lo;
}

#define DEFINE_CR(n)                                                                               \
    static inline uint64_t read_cr##n(void)                                                        \
    {                                                                                              \
        uint64_t v;                                                                                \
                                                                                                   \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) : : "memory");                             \
        return v;                                                                                  \
    }                                                                                              \
    static inline void write_cr##n(uint64_t v)                                                     \
    {                                                                                              \
        __asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory");                                 \
    }
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
#undef DEFINE_CR

/*
 * idx where idx < bound, else 0, without a branch: what speculation past a bounds check may use as an index is in bounds
 * too (SDM vol. 3, "bounds check bypass"). The compiler cannot see through it and leave it out.
 */
static inline uint64_t index_nospec(uint64_t idx, uint64_t bound)
{
    uint64_t mask;

    __asm__ volatile("cmp %2, %1\n\tsbb %0, %0" : "=r"(mask) : "r"(idx), "ir"(bound) : "cc");
    return idx & mask;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void cpu_halt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

/* An empty interrupt table and an exception: the CPU resets. */
static inline void __attribute__((noreturn)) cpu_triple_fault(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) none = {0, 0};

    __asm__ volatile("lidt %0; ud2" : : "m"(none));
    __builtin_unreachable();
}

static inline uint64_t read_rsp(void)
{
    uint64_t sp;

    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
    return sp;
}

static inline void wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Debug status: which breakpoint or step raised #DB (SDM vol. 3, 17.2.3). */
static inline uint64_t read_dr6(void)
{
    uint64_t v;

    __asm__ volatile("mov %%dr6, %0" : "=r"(v));
    return v;
}

static inline void write_dr6(uint64_t v)
{
    __asm__ volatile("mov %0, %%dr6" : : "r"(v));
}

/* CR4 of every CPU while no guest has added bits of its own; const after cpu_init(). */
extern uint64_t cr4_base;

/* rdmsr/wrmsr that may fault: 0 or -EFAULT. */
int rdmsr_safe(uint32_t msr, uint64_t *value);
int wrmsr_safe(uint32_t msr, uint64_t value);

/*
 * Boot CPU: features, code patches, CR0/CR4/EFER/PAT, descriptor tables, syscall MSRs. The command line may switch off
 * SMEP, SMAP and UMIP (nosmep, nosmap, noumip). Before the final tables are loaded, for they make code read-only.
 */
struct cpu_options {
    bool no_smep, no_smap, no_umip;
};
void cpu_init(const struct cpu_options *options);
void cpu_init_ap(void); /* the same for another CPU */
/* This CPU's entries from guests are a PV guest's again, after a room has set its own in struct percpu. */
void cpu_entries_reset(void);

#endif
