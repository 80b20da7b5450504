/* SPDX-License-Identifier: MIT */
/*
 * What rdmsr and wrmsr of a PV guest kernel do, and which bits of its control registers it owns. Pure tables.
 * Invariant: no guest write reaches a real MSR or control register except through an action that is named here; every
 * MSR that is not listed is #GP(0), which a careful guest survives. Numbers: SDM vol. 4, APM vol. 2 appendix A.
 */
#ifndef PV_MSR_POLICY_H
#define PV_MSR_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"

enum msr_action {
    MSR_FAULT,            /* #GP(0) */
    MSR_VALUE,            /* read: `value` */
    MSR_IGNORE,           /* write: no effect */
    MSR_SAME,             /* write: no effect if it is `value`, otherwise #GP(0) */
    MSR_TSC,              /* read: the time-stamp counter */
    MSR_APICBASE,         /* read: enabled, BSP on vCPU 0 */
    MSR_HOST,             /* read: the host's value and `value`, or 0 where reading it faults */
    MSR_MISC_ENABLE,      /* read: the host's value or `value`, without MONITOR; #GP(0) where reading it faults */
    MSR_FSBASE,           /* the live FS base */
    MSR_GSBASE,           /* the live GS base: that of kernel mode, as only the kernel is served */
    MSR_GSBASE_USER,      /* GS base of user mode */
    MSR_TSCAUX,           /* what rdtscp and rdpid answer */
};

struct msr_rule {
    uint32_t first, last; /* inclusive */
    enum msr_action read, write;
    uint64_t value;
    bool amd_only;        /* other vendors: #GP(0) */
};

/* The rule for an MSR on a machine of that vendor; never NULL. */
const struct msr_rule *msr_policy(uint32_t msr, bool amd);

/* CR4: what a guest may own. Everything else that it writes is dropped, and it always reads CR4_GUEST_FIXED. */
#define CR4_POLICY_TSD        0x4u
#define CR4_POLICY_DE         0x8u
#define CR4_POLICY_FIXED      0x660u /* PAE MCE OSFXSR OSXMMEXCPT */
#define CR4_POLICY_FSGSBASE   0x10000u
#define CR4_POLICY_OSXSAVE    0x40000u

/* The bits of a guest's mov to cr4 that take effect. */
static inline uint64_t cr4_policy_own(uint64_t written, bool fsgsbase, bool xsave)
{
    uint64_t own = CR4_POLICY_TSD | CR4_POLICY_DE;

    own |= fsgsbase ? CR4_POLICY_FSGSBASE : 0;
    own |= xsave ? CR4_POLICY_OSXSAVE : 0;
    return written & own;
}

/* What it reads back. */
static inline uint64_t cr4_policy_read(uint64_t own)
{
    return own | CR4_POLICY_FIXED;
}

/* CR0: PE MP ET NE WP AM PG are fixed; only TS is the guest's. */
#define CR0_POLICY_FIXED 0x80050033u
#define CR0_POLICY_TS    0x8u

/* May the guest write this to CR0? */
static inline bool cr0_policy_write_ok(uint64_t written)
{
    return (written & ~(uint64_t)CR0_POLICY_TS) == CR0_POLICY_FIXED;
}

/* XCR0: x87 always, AVX only with SSE, nothing outside `max`; SDM vol. 1, 13.3. AVX-512 comes whole and with AVX. */
static inline bool xcr0_policy_ok(uint64_t xcr0, uint64_t max)
{
    if (!(xcr0 & 1) || (xcr0 & ~max)) {
        return false;
    }
    if ((xcr0 & 4) && !(xcr0 & 2)) {
        return false;
    }
    return (xcr0 & 0xe0) == 0 || ((xcr0 & 0xe0) == 0xe0 && (xcr0 & 4));
}

/*
 * Debug registers: bits of DR7 that may be set (no general detect, no reserved bits), DR6's fixed bits, and breakpoints
 * that stay out of the hypervisor's range.
 */
#define DR6_POLICY_FIXED 0xffff0ff0u
#define DR7_POLICY_FIXED 0x400u
bool dr7_policy_ok(uint64_t dr7);

#endif
