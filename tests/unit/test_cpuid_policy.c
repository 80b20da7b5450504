/* SPDX-License-Identifier: MIT */
/*
 * The CPUID policy: from a host that has everything to what a stock kernel was seen to get, by bit names; then properties
 * over random hosts: nothing is invented, nothing survives without what it needs, nothing lies beyond the last leaf.
 */
/* SOURCES: hypervisor/pv/cpuid_policy.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pv/cpuid_policy.h"

static uint64_t seed = 0xda942042e4dd58b5;

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static struct cpuid_policy usual(void)
{
    return (struct cpuid_policy){.max_leaf = 0x1f,
                                 .max_ext_leaf = 0x80000028,
                                 .phys_bits = 40,
                                 .xcr0_max = 7,
                                 .xsave_bytes_max = 832,
                                 .tsc_khz = 2000000,
                                 .tsc_to_system_mul = 0x80000000,
                                 .tsc_shift = -1};
}

static struct cpuid_leaf ask(const struct cpuid_policy *policy, uint32_t nr, uint32_t sub, uint32_t host)
{
    struct cpuid_leaf leaf = {host, host, host, host};

    cpuid_policy_apply(policy, nr, sub, &leaf);
    return leaf;
}

enum reg { A, B, C, D };

static uint32_t pick(struct cpuid_leaf leaf, enum reg reg)
{
    return reg == A ? leaf.eax : reg == B ? leaf.ebx : reg == C ? leaf.ecx : leaf.edx;
}

/* Bits that decide whether a stock kernel boots and behaves, on a host that has all of them. */
static const struct {
    const char *name;
    uint32_t nr, sub;
    enum reg reg;
    unsigned int bit;
    bool seen;
} bits[] = {
    {"fpu", 1, 0, D, 0, true},        {"vme", 1, 0, D, 1, false},      {"pse", 1, 0, D, 3, false},
    {"tsc", 1, 0, D, 4, true},        {"msr", 1, 0, D, 5, true},       {"pae", 1, 0, D, 6, true},
    {"apic", 1, 0, D, 9, true},       {"sep", 1, 0, D, 11, false},     {"mtrr", 1, 0, D, 12, false},
    {"pge", 1, 0, D, 13, false},      {"pat", 1, 0, D, 16, true},      {"pse36", 1, 0, D, 17, false},
    {"sse2", 1, 0, D, 26, true},      {"htt", 1, 0, D, 28, false},     {"monitor", 1, 0, C, 3, false},
    {"vmx", 1, 0, C, 5, false},       {"fma", 1, 0, C, 12, true},      {"cx16", 1, 0, C, 13, true},
    {"pcid", 1, 0, C, 17, false},     {"x2apic", 1, 0, C, 21, false},  {"tsc deadline", 1, 0, C, 24, false},
    {"xsave", 1, 0, C, 26, true},     {"osxsave", 1, 0, C, 27, false}, {"avx", 1, 0, C, 28, true},
    {"hypervisor", 1, 0, C, 31, true}, {"fsgsbase", 7, 0, B, 0, true}, {"tsc adjust", 7, 0, B, 1, false},
    {"hle", 7, 0, B, 4, false},       {"avx2", 7, 0, B, 5, true},      {"smep", 7, 0, B, 7, false},
    {"erms", 7, 0, B, 9, true},       {"invpcid", 7, 0, B, 10, false}, {"rtm", 7, 0, B, 11, false},
    {"avx512f", 7, 0, B, 16, false},  {"smap", 7, 0, B, 20, false},    {"umip", 7, 0, C, 2, false},
    {"pku", 7, 0, C, 3, false},       {"la57", 7, 0, C, 16, false},    {"rdpid", 7, 0, C, 22, true},
    {"fsrm", 7, 0, D, 4, true},       {"spec ctrl", 7, 0, D, 26, false}, {"ssbd", 7, 0, D, 31, false},
    {"xsaveopt", 0xd, 1, A, 0, true}, {"xgetbv1", 0xd, 1, A, 2, true}, {"xsaves", 0xd, 1, A, 3, false},
    {"lahf", 0x80000001, 0, C, 0, true},     {"svm", 0x80000001, 0, C, 2, false},
    {"topoext", 0x80000001, 0, C, 22, false}, {"syscall", 0x80000001, 0, D, 11, true},
    {"nx", 0x80000001, 0, D, 20, true},      {"page1gb", 0x80000001, 0, D, 26, false},
    {"rdtscp", 0x80000001, 0, D, 27, true},  {"lm", 0x80000001, 0, D, 29, true},
    {"ext pse", 0x80000001, 0, D, 3, false}, {"ext pge", 0x80000001, 0, D, 13, false},
    {"ext fpu", 0x80000001, 0, D, 0, true},
};

START_TEST(named_bits)
{
    struct cpuid_policy policy = usual();

    ck_assert_msg(((pick(ask(&policy, bits[_i].nr, bits[_i].sub, ~0u), bits[_i].reg) >> bits[_i].bit) & 1) == bits[_i].seen,
                  "%s", bits[_i].name);
}
END_TEST

START_TEST(hardware_domain_sees_mtrr)
{
    struct cpuid_policy policy = usual();

    policy.hardware = true;
    ck_assert(ask(&policy, 1, 0, ~0u).edx & (1u << 12));
}
END_TEST

START_TEST(osxsave_follows_the_guest)
{
    struct cpuid_policy policy = usual();

    policy.osxsave = true;
    ck_assert(ask(&policy, 1, 0, ~0u).ecx & (1u << 27));
    policy.xcr0_max = 0;
    ck_assert_uint_eq(ask(&policy, 1, 0, ~0u).ecx & (7u << 26), 0);
    ck_assert_uint_eq(ask(&policy, 0xd, 0, ~0u).eax, 0);
    ck_assert_uint_eq(ask(&policy, 0xd, 1, ~0u).eax, 0);
}
END_TEST

/* FMA, AVX, F16C, AVX2, VAES, VPCLMULQDQ, AVX-VNNI, XOP, FMA4 and all of AVX-512 go with their state. */
START_TEST(vector_features_need_their_state)
{
    static const struct {
        uint32_t nr, sub;
        enum reg reg;
        uint32_t avx, avx512;
    } wide[] = {
        {1, 0, C, 0x30001000, 0},    {7, 0, B, 0x20, 0xd0230000},          {7, 0, C, 0x600, 0x5842},
        {7, 0, D, 0, 0x10c},         {7, 1, A, 0x10, 0x20},                {0x80000001, 0, C, 0x10800, 0},
    };
    struct cpuid_policy policy = usual();
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(wide); i++) {
        policy.xcr0_max = 3;
        ck_assert_uint_eq(pick(ask(&policy, wide[i].nr, wide[i].sub, ~0u), wide[i].reg) & (wide[i].avx | wide[i].avx512), 0);
        policy.xcr0_max = 7;
        ck_assert_uint_eq(pick(ask(&policy, wide[i].nr, wide[i].sub, ~0u), wide[i].reg) & (wide[i].avx | wide[i].avx512),
                          wide[i].avx);
        policy.xcr0_max = 0xe7;
        ck_assert_uint_eq(pick(ask(&policy, wide[i].nr, wide[i].sub, ~0u), wide[i].reg) & (wide[i].avx | wide[i].avx512),
                          wide[i].avx | wide[i].avx512);
        policy.xcr0_max = 0xe3; /* AVX-512 without AVX is no state that could be loaded */
        ck_assert_uint_eq(pick(ask(&policy, wide[i].nr, wide[i].sub, ~0u), wide[i].reg) & (wide[i].avx | wide[i].avx512), 0);
    }
}
END_TEST

START_TEST(nothing_is_invented)
{
    static const uint32_t leaves[][2] = {{1, 0}, {7, 0}, {7, 1}, {0xd, 1}, {0x80000001, 0}, {0x80000007, 0}, {0x80000021, 0}};
    unsigned int i, l;

    for (i = 0; i < 2000; i++) {
        struct cpuid_policy policy = usual();

        policy.hardware = next_random() & 1;
        policy.osxsave = next_random() & 1;
        policy.invariant_tsc = next_random() & 1;
        for (l = 0; l < ARRAY_SIZE(leaves); l++) {
            struct cpuid_leaf host = {next_random(), next_random(), next_random(), next_random()};
            struct cpuid_leaf guest = host;

            cpuid_policy_apply(&policy, leaves[l][0], leaves[l][1], &guest);
            if (leaves[l][0] == 1) {
                ck_assert_uint_eq(guest.ecx & ~host.ecx & ~(1u << 31 | 1u << 27), 0);
                ck_assert((guest.ecx & (1u << 26)) || !(guest.ecx & (7u << 27 & ~(1u << 30))));
                ck_assert(!(guest.ecx & (1u << 27)) || (host.ecx & (1u << 26)));
            } else {
                ck_assert_uint_eq(guest.ecx & ~host.ecx, 0);
                ck_assert_uint_eq(guest.ebx & ~host.ebx, 0);
            }
            ck_assert_uint_eq(guest.edx & ~host.edx, 0);
            ck_assert_uint_eq(guest.eax & ~host.eax & (leaves[l][0] == 7 && leaves[l][1] == 0 ? 0 : ~0u), 0);
        }
    }
}
END_TEST

START_TEST(leaves_end)
{
    struct cpuid_policy policy = usual();
    static const uint32_t nothing[] = {0x5,        0x6,        0xa,        0xb,        0xe,        0x14,       0x1f,
                                       0x20,       0x3fffffff, 0x40000006, 0x40000100, 0x4000ff00, 0x7fffffff, 0x8000000a,
                                       0x8000001f, 0x80000022, 0xc0000000, 0xffffffff, 0x40000004, 0x8000001e};
    unsigned int i;

    ck_assert_uint_eq(ask(&policy, 0, 0, ~0u).eax, 0xd);
    ck_assert_uint_eq(ask(&policy, 0x80000000, 0, ~0u).eax, 0x80000021);
    for (i = 0; i < ARRAY_SIZE(nothing); i++) {
        struct cpuid_leaf leaf = ask(&policy, nothing[i], 0, ~0u);

        ck_assert_msg(!(leaf.eax | leaf.ebx | leaf.ecx | leaf.edx), "leaf %x", nothing[i]);
    }
    policy.max_leaf = 5;
    policy.max_ext_leaf = 0x80000004;
    ck_assert_uint_eq(ask(&policy, 0, 0, ~0u).eax, 5);
    ck_assert_uint_eq(ask(&policy, 7, 0, ~0u).ebx, 0);
    ck_assert_uint_eq(ask(&policy, 0x80000007, 0, ~0u).edx, 0);
}
END_TEST

START_TEST(hypervisor_leaves)
{
    struct cpuid_policy policy = usual();
    struct cpuid_leaf leaf = ask(&policy, 0x40000000, 0, 0x12345678);
    char name[13] = "";

    memcpy(name, &leaf.ebx, 4);
    memcpy(name + 4, &leaf.ecx, 4);
    memcpy(name + 8, &leaf.edx, 4);
    ck_assert_str_eq(name, "XenVMMXenVMM");
    ck_assert_uint_eq(leaf.eax, 0x40000005);
    ck_assert_uint_eq(ask(&policy, 0x40000001, 0, ~0u).eax, 0x00040011);
    leaf = ask(&policy, 0x40000002, 0, ~0u);
    ck_assert_uint_eq(leaf.eax, 1);
    ck_assert_uint_eq(leaf.ebx, 0x40000000);
    ck_assert_uint_eq(leaf.ecx, 1);
    ck_assert_uint_eq(ask(&policy, 0x40000003, 0, ~0u).ecx, 2000000);
    ck_assert_uint_eq(ask(&policy, 0x40000003, 1, ~0u).edx, 0xffffffff);
    ck_assert_uint_eq(ask(&policy, 0x40000005, 0, ~0u).ebx, 40);
}
END_TEST

START_TEST(xsave_sizes)
{
    struct cpuid_policy policy = usual();
    struct cpuid_leaf leaf = ask(&policy, 0xd, 0, ~0u);

    ck_assert_uint_eq(leaf.eax, 7);
    ck_assert_uint_eq(leaf.ebx, 832);
    ck_assert_uint_eq(leaf.ecx, 832);
    ck_assert_uint_eq(leaf.edx, 0);
    ck_assert_uint_eq(ask(&policy, 0xd, 2, 256).eax, 256);
    ck_assert_uint_eq(ask(&policy, 0xd, 5, 256).eax, 0);
    ck_assert_uint_eq(ask(&policy, 0xd, 63, ~0u).eax, 0);
    ck_assert_uint_eq(ask(&policy, 0xd, 64, ~0u).eax, 0);
}
END_TEST

START_TEST(each_vcpu_is_a_package)
{
    struct cpuid_policy policy = usual();

    policy.vcpu_id = 3;
    ck_assert_uint_eq(ask(&policy, 1, 0, 0xff10ff10).ebx, 0x0301ff10);
    ck_assert_uint_eq(ask(&policy, 4, 0, ~0u).eax, 0x3fff);
    ck_assert_uint_eq(ask(&policy, 0x80000008, 0, ~0u).ecx, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpuid_policy");
    TCase *tcase = tcase_create("cpuid_policy");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, named_bits, 0, (int)ARRAY_SIZE(bits));
    tcase_add_test(tcase, hardware_domain_sees_mtrr);
    tcase_add_test(tcase, osxsave_follows_the_guest);
    tcase_add_test(tcase, vector_features_need_their_state);
    tcase_add_test(tcase, nothing_is_invented);
    tcase_add_test(tcase, leaves_end);
    tcase_add_test(tcase, hypervisor_leaves);
    tcase_add_test(tcase, xsave_sizes);
    tcase_add_test(tcase, each_vcpu_is_a_package);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
