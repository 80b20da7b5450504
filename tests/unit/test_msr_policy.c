/* SPDX-License-Identifier: MIT */
/*
 * The MSR table (what a stock kernel touches, and that all else faults) and the rules for CR0, CR4, XCR0 and DR7.
 */
/* SOURCES: hypervisor/pv/msr_policy.c */
#include <check.h>
#include <stdlib.h>

#include "pv/msr_policy.h"

static const struct {
    uint32_t msr;
    bool amd;
    enum msr_action read, write;
    uint64_t value;
} known[] = {
    {0x10, true, MSR_TSC, MSR_FAULT, 0},
    {0x1b, false, MSR_APICBASE, MSR_FAULT, 0},
    {0x8b, true, MSR_HOST, MSR_IGNORE, ~UINT64_C(0)},
    {0x179, false, MSR_VALUE, MSR_IGNORE, 2},
    {0x17a, false, MSR_VALUE, MSR_IGNORE, 0},
    {0x400, true, MSR_VALUE, MSR_IGNORE, ~UINT64_C(0)},
    {0x401, true, MSR_VALUE, MSR_IGNORE, 0},
    {0x404, false, MSR_VALUE, MSR_IGNORE, ~UINT64_C(0)},
    {0x408, true, MSR_VALUE, MSR_IGNORE, 0},
    {0x480, true, MSR_FAULT, MSR_FAULT, 0},
    {0x1a0, false, MSR_MISC_ENABLE, MSR_IGNORE, 0x801800},
    {0x277, false, MSR_VALUE, MSR_FAULT, 0x0000050100070406},
    {0xc0000080, false, MSR_VALUE, MSR_SAME, 0xd01},
    {0xc0000081, true, MSR_FAULT, MSR_FAULT, 0},
    {0xc0000082, true, MSR_FAULT, MSR_FAULT, 0},
    {0xc0000100, true, MSR_FSBASE, MSR_FSBASE, 0},
    {0xc0000101, true, MSR_GSBASE, MSR_GSBASE, 0},
    {0xc0000102, true, MSR_GSBASE_USER, MSR_GSBASE_USER, 0},
    {0xc0000103, true, MSR_TSCAUX, MSR_TSCAUX, 0},
    {0xc0010000, true, MSR_VALUE, MSR_IGNORE, 0},
    {0xc0010007, true, MSR_VALUE, MSR_IGNORE, 0},
    {0xc0010007, false, MSR_FAULT, MSR_FAULT, 0},
    {0xc0010010, true, MSR_VALUE, MSR_FAULT, 0},
    {0xc0010015, true, MSR_HOST, MSR_IGNORE, 0x01000000},
    {0xc0010015, false, MSR_FAULT, MSR_FAULT, 0},
    {0xc0010055, true, MSR_FAULT, MSR_FAULT, 0},
    {0xc0011029, true, MSR_VALUE, MSR_IGNORE, 2},
    {0x48, false, MSR_FAULT, MSR_FAULT, 0},       /* SPEC_CTRL */
    {0x174, false, MSR_FAULT, MSR_FAULT, 0},      /* SYSENTER_CS */
    {0x1d9, false, MSR_FAULT, MSR_FAULT, 0},      /* DEBUGCTL */
    {0x6e0, false, MSR_FAULT, MSR_FAULT, 0},      /* TSC_DEADLINE */
    {0x800, false, MSR_FAULT, MSR_FAULT, 0},      /* x2APIC */
    {0xc0010114, true, MSR_FAULT, MSR_FAULT, 0},  /* VM_CR */
    {0xc0010117, true, MSR_FAULT, MSR_FAULT, 0},  /* VM_HSAVE_PA */
    {0, false, MSR_FAULT, MSR_FAULT, 0},
    {0xffffffff, true, MSR_FAULT, MSR_FAULT, 0},
};

START_TEST(msrs)
{
    const struct msr_rule *rule = msr_policy(known[_i].msr, known[_i].amd);

    ck_assert_int_eq(rule->read, known[_i].read);
    ck_assert_int_eq(rule->write, known[_i].write);
    ck_assert_uint_eq(rule->value, known[_i].value);
}
END_TEST

/* No write but to the four that are switched with the vCPU has any effect at all. */
START_TEST(writes_reach_only_what_is_switched)
{
    uint32_t base;

    for (base = 0; base < 0x4000; base++) {
        static const uint32_t starts[] = {0, 0x40000000, 0xc0000000, 0xc0010000};
        unsigned int i;

        for (i = 0; i < ARRAY_SIZE(starts); i++) {
            uint32_t msr = starts[i] + base;
            enum msr_action write = msr_policy(msr, base & 1)->write;
            bool effect = write != MSR_FAULT && write != MSR_IGNORE && write != MSR_SAME;

            if (effect != (msr >= 0xc0000100 && msr <= 0xc0000103)) {
                ck_abort_msg("MSR %x", msr);
            }
        }
    }
}
END_TEST

START_TEST(cr4)
{
    ck_assert_uint_eq(cr4_policy_own(~UINT64_C(0), true, true), 0x5000c);
    ck_assert_uint_eq(cr4_policy_own(~UINT64_C(0), false, false), 0xc);
    ck_assert_uint_eq(cr4_policy_own(0x10660, true, true), 0x10000);
    ck_assert_uint_eq(cr4_policy_read(0), 0x660);
    ck_assert_uint_eq(cr4_policy_read(cr4_policy_own(0x50660, true, true)), 0x50660);
    ck_assert_uint_eq(cr4_policy_read(cr4_policy_own(0x3006b0, true, true)), 0x660);
}
END_TEST

START_TEST(cr0)
{
    ck_assert(cr0_policy_write_ok(0x80050033));
    ck_assert(cr0_policy_write_ok(0x8005003b));
    ck_assert(!cr0_policy_write_ok(0x80040033)); /* WP */
    ck_assert(!cr0_policy_write_ok(0x00050033)); /* PG */
    ck_assert(!cr0_policy_write_ok(0x180050033));
}
END_TEST

START_TEST(xcr0)
{
    uint64_t x;

    for (x = 0; x < 0x400; x++) {
        bool sse = x & 2, avx = x & 4, all512 = (x & 0xe0) == 0xe0, none512 = (x & 0xe0) == 0;
        bool want = (x & 1) && (x & ~UINT64_C(0xe7)) == 0 && (!avx || sse) && (none512 || (all512 && avx));

        ck_assert_uint_eq(xcr0_policy_ok(x, 0xe7), want);
        ck_assert_uint_eq(xcr0_policy_ok(x, 7), want && x <= 7);
    }
    ck_assert(!xcr0_policy_ok(UINT64_C(1) << 63 | 7, 7));
}
END_TEST

START_TEST(dr7)
{
    unsigned int bit, i;

    ck_assert(dr7_policy_ok(0));
    ck_assert(dr7_policy_ok(0x400));
    ck_assert(dr7_policy_ok(0xdd0707ff)); /* all four on, execute, write, read-write, global and local exact */
    for (bit = 0; bit < 64; bit++) {
        bool reserved = bit >= 32 || bit == 11 || bit == 12 || bit == 13 || bit == 14 || bit == 15;

        ck_assert_uint_eq(dr7_policy_ok(UINT64_C(1) << bit), !reserved);
    }
    for (i = 0; i < 4; i++) {
        uint64_t io = UINT64_C(2) << (16 + 4 * i);

        ck_assert(dr7_policy_ok(io)); /* not enabled: no matter */
        ck_assert(!dr7_policy_ok(io | UINT64_C(1) << (2 * i)));
        ck_assert(!dr7_policy_ok(io | UINT64_C(2) << (2 * i)));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("msr_policy");
    TCase *tcase = tcase_create("msr_policy");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, msrs, 0, (int)ARRAY_SIZE(known));
    tcase_add_test(tcase, writes_reach_only_what_is_switched);
    tcase_add_test(tcase, cr4);
    tcase_add_test(tcase, cr0);
    tcase_add_test(tcase, xcr0);
    tcase_add_test(tcase, dr7);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
