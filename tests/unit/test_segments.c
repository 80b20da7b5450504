/* SPDX-License-Identifier: MIT */
/*
 * Descriptor rules against a model that says it another way: enumerate every combination of type, S, DPL, P and of the
 * long-mode bits. A second table holds the selectors.
 */
/* SOURCES: hypervisor/pv/segments.c */
#include <check.h>
#include <stdlib.h>

#include "pv/segments.h"

START_TEST(every_access_byte)
{
    unsigned int access, flags;

    for (access = 0; access < 256; access++) {
        for (flags = 0; flags < 16; flags += 5) {
            uint64_t rest = UINT64_C(0xab0f00005678ffff) & ~(UINT64_C(0xff) << 40) & ~(UINT64_C(0xf) << 52);
            uint64_t before = rest | (uint64_t)access << 40 | (uint64_t)flags << 52;
            uint64_t desc = before;
            bool present = access & 0x80, ordinary = access & 0x10;
            bool ok = segment_descriptor_fix(&desc);

            /* Refused is exactly a present task gate, TSS, LDT, interrupt or trap gate. */
            ck_assert_uint_eq(ok, !present || ordinary || (access & 0xf) == 0 || (access & 0xf) == 0xc);
            if (present && !ordinary && (access & 0xf) == 0xc) {
                ck_assert_uint_eq((desc >> 45) & 3, 0);
                ck_assert_uint_eq((desc >> 16) & 0xffff, 0x5678 | ((before >> 45) & 3));
                continue;
            }
            if (!ok || !present || !ordinary) {
                ck_assert_uint_eq(desc, before);
                continue;
            }
            ck_assert_uint_eq((desc >> 45) & 3, 3);
            ck_assert_uint_eq((desc >> 40) & 1, 1);
            ck_assert_uint_eq(desc & ~(UINT64_C(0x61) << 40), before & ~(UINT64_C(0x61) << 40));
        }
    }
}
END_TEST

START_TEST(call_gates)
{
    static const struct {
        uint64_t desc;
        bool ok;
    } gates[] = {
        {0x00008c0000100000, true},  {0x0000ec00e0330000, true},  {0x00008c00e0080000, false}, {0x00008c00e0400000, false},
        {0x00008c0100100000, false}, {0x00008c8000100000, false}, {0x1234ec00000c5678, true},
    };
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(gates); i++) {
        uint64_t desc = gates[i].desc;

        ck_assert_uint_eq(segment_descriptor_fix(&desc), gates[i].ok);
        ck_assert_uint_eq(gates[i].ok ? (desc >> 45) & 3 : 0, 0);
    }
}
END_TEST

START_TEST(fixing_twice_changes_nothing_more)
{
    uint64_t desc = 0x00af9a000000ffff, again;

    ck_assert(segment_descriptor_fix(&desc));
    again = desc;
    ck_assert(segment_descriptor_fix(&again));
    ck_assert_uint_eq(desc, again);
    ck_assert_uint_eq(desc, 0x00affb000000ffff);
}
END_TEST

START_TEST(selectors)
{
    unsigned int sel;

    for (sel = 0; sel < 0x10000; sel++) {
        bool ldt = sel & 4;
        bool own = sel < 0xe000;
        bool flat = (sel | 3) == 0xe023 || (sel | 3) == 0xe02b || (sel | 3) == 0xe033;

        ck_assert_uint_eq(segment_selector_allowed((uint16_t)sel), ldt || own || flat);
        ck_assert_uint_eq(segment_fix_selector((uint16_t)sel) & 3, 3);
        ck_assert_uint_eq(segment_fix_selector((uint16_t)sel) >> 2, sel >> 2);
        ck_assert_uint_eq(segment_selector_null((uint16_t)sel), sel / 4 == 0);
    }
}
END_TEST

START_TEST(base_and_limit)
{
    ck_assert_uint_eq(segment_base(0x00cffb000000ffff), 0);
    ck_assert_uint_eq(segment_limit(0x00cffb000000ffff), 0xffffffff);
    ck_assert_uint_eq(segment_base(0x12403b5678901234), 0x12567890);
    ck_assert_uint_eq(segment_limit(0x12403b5678901234), 0x01234);
    ck_assert_uint_eq(segment_limit(0x124f3b5678901234), 0xf1234);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segments");
    TCase *tcase = tcase_create("segments");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, every_access_byte);
    tcase_add_test(tcase, call_gates);
    tcase_add_test(tcase, fixing_twice_changes_nothing_more);
    tcase_add_test(tcase, selectors);
    tcase_add_test(tcase, base_and_limit);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
