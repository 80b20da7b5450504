/* SPDX-License-Identifier: MIT */
/*
 * The MSR table of PV guests, and the rule for DR7; see msr_policy.h. Pure.
 */
#include "msr_policy.h"

/* Every MSR between the two numbers; the first match counts. */
static const struct msr_rule rules[] = {
    {0x00000010, 0x00000010, MSR_TSC, MSR_FAULT, 0, false},
    {0x0000001b, 0x0000001b, MSR_APICBASE, MSR_FAULT, 0, false},
    /* Microcode revision: Intel's protocol writes 0 before it reads. */
    {0x0000008b, 0x0000008b, MSR_HOST, MSR_IGNORE, ~UINT64_C(0), false},
    /* Machine checks: two banks with all their errors enabled, which never report one. */
    {0x00000179, 0x00000179, MSR_VALUE, MSR_IGNORE, 2, false},
    {0x0000017a, 0x0000017b, MSR_VALUE, MSR_IGNORE, 0, false},
    {0x00000400, 0x00000400, MSR_VALUE, MSR_IGNORE, ~UINT64_C(0), false},
    {0x00000404, 0x00000404, MSR_VALUE, MSR_IGNORE, ~UINT64_C(0), false},
    {0x00000401, 0x0000047f, MSR_VALUE, MSR_IGNORE, 0, false},
    /* IA32_MISC_ENABLE: branch trace and precise events unavailable, no task priority messages. */
    {0x000001a0, 0x000001a0, MSR_MISC_ENABLE, MSR_IGNORE, 0x801800, false},
    /* PAT: the fixed meaning of the index bits, WB WT UC- UC WC WP UC UC. */
    {0x00000277, 0x00000277, MSR_VALUE, MSR_FAULT, 0x0000050100070406, false},
    /* The hypercall page by MSR: PV guests get it by their ELF notes. */
    {0x40000000, 0x40000000, MSR_VALUE, MSR_FAULT, 0, false},
    /* EFER: SCE LME LMA NXE. */
    {0xc0000080, 0xc0000080, MSR_VALUE, MSR_SAME, 0xd01, false},
    {0xc0000100, 0xc0000100, MSR_FSBASE, MSR_FSBASE, 0, false},
    {0xc0000101, 0xc0000101, MSR_GSBASE, MSR_GSBASE, 0, false},
    {0xc0000102, 0xc0000102, MSR_GSBASE_USER, MSR_GSBASE_USER, 0, false},
    {0xc0000103, 0xc0000103, MSR_TSCAUX, MSR_TSCAUX, 0, false},
    /* K7 performance counters: a probe finds counters that do not count. */
    {0xc0010000, 0xc0010007, MSR_VALUE, MSR_IGNORE, 0, true},
    {0xc0010010, 0xc0010010, MSR_VALUE, MSR_FAULT, 0, true},
    /* HWCR: does the TSC run at the nominal frequency? */
    {0xc0010015, 0xc0010015, MSR_HOST, MSR_IGNORE, 0x01000000, true},
    /* DE_CFG: LFENCE is serializing. */
    {0xc0011029, 0xc0011029, MSR_VALUE, MSR_IGNORE, 2, true},
};

static const struct msr_rule fault = {0, 0xffffffff, MSR_FAULT, MSR_FAULT, 0, false};

const struct msr_rule *msr_policy(uint32_t msr, bool amd)
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(rules); i++) {
        if (msr >= rules[i].first && msr <= rules[i].last) {
            return rules[i].amd_only && !amd ? &fault : &rules[i];
        }
    }
    return &fault;
}

bool dr7_policy_ok(uint64_t dr7)
{
    unsigned int i;

    /* GD would trap the hypervisor's own accesses; bits 11, 12, 14, 15 and 32-63 are reserved, RTM debug is not offered. */
    if (dr7 & (UINT64_C(0xffffffff00000000) | 0xd800u | 0x2000u)) {
        return false;
    }
    /* Condition 2 is an I/O breakpoint with CR4.DE and undefined without it: neither is for guests. */
    for (i = 0; i < 4; i++) {
        if ((dr7 >> (2 * i)) & 3 && ((dr7 >> (16 + 4 * i)) & 3) == 2) {
            return false;
        }
    }
    return true;
}
