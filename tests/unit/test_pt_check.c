/* SPDX-License-Identifier: MIT */
/*
 * The entry checker and the change classifier against a model written from the rules: every combination of flags at every
 * level, and every pair of them.
 * SOURCES: hypervisor/mm/pt_check.c
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mm/pt_check.h"

#define PHYS_BITS 36u
#define FRAME_A   0x12345000ull
#define FRAME_B   0x12346000ull

static struct pt_rules rules_of(bool io)
{
    return (struct pt_rules){.bad_addr = 0x000ffffffffff000ull & ~((1ull << PHYS_BITS) - 1),
                             .cache_bits = io};
}

/* ---- the model: bit by bit, from SDM 4.5.4 and the ADR on memory ---- */

enum {
    B_P = 0,
    B_RW = 1,
    B_US = 2,
    B_PWT = 3,
    B_PCD = 4,
    B_A = 5,
    B_D = 6,
    B_PS = 7,
    B_G = 8,
    B_NX = 63
};

static bool bit(uint64_t v, unsigned int n)
{
    return (v >> n) & 1;
}

static bool model_legal(unsigned int level, uint64_t e, bool io)
{
    unsigned int n;

    if (!bit(e, B_P)) {
        return true;
    }
    for (n = PHYS_BITS; n < 52; n++) {
        if (bit(e, n)) {
            return false;
        }
    }
    if (level >= 2) {
        return !bit(e, B_PS) && !bit(e, B_G) && !bit(e, B_PWT) && !bit(e, B_PCD);
    }
    return io || (!bit(e, B_PWT) && !bit(e, B_PCD) && !bit(e, B_PS));
}

static uint64_t model_canon(unsigned int level, uint64_t e)
{
    if (bit(e, B_P)) {
        e |= 1ull << B_US;
        if (level == 1) {
            e &= ~(1ull << B_G);
        }
    }
    return e;
}

/*
 * What an entry refers to, as a number: two entries with the same number may replace each other
 * without counting.
 */
static uint64_t model_refers(unsigned int level, uint64_t e)
{
    uint64_t frame = (e >> 12) & 0xffffffffffull;

    if (!bit(e, B_P)) {
        return 0;
    }
    /*
     * an L1 entry also by being writable, and by the attributes that decide whether it may map its
     * frame
     */
    return 1 | frame << 8 |
           (level == 1 ? (e & (1ull << B_RW)) | (e & (1ull << B_PWT | 1ull << B_PCD | 1ull << B_PS))
                       : 0);
}

/* All 2^9 low flags x NX x two software bits, at two frames. */
#define NR_VARIANTS (1u << 13)

static uint64_t variant(unsigned int v)
{
    uint64_t e = v & 0x1ff;

    e |= (uint64_t)(v >> 9 & 1) << 63;
    e |= (uint64_t)(v >> 10 & 1) << 10;
    e |= (uint64_t)(v >> 11 & 1) << 55;
    return e | ((v >> 12 & 1) ? FRAME_B : FRAME_A);
}

START_TEST(every_flag_at_every_level)
{
    unsigned int level, v, io;

    for (level = 1; level <= 4; level++) {
        for (io = 0; io < 2; io++) {
            struct pt_rules rules = rules_of(io);

            for (v = 0; v < NR_VARIANTS; v++) {
                uint64_t e = variant(v), canon = 0;
                enum pt_reason reason = pt_check_flags(level, e, &rules, &canon);

                ck_assert_msg((reason == PT_OK) == model_legal(level, e, io),
                              "level %u entry %llx: %s", level, (unsigned long long)e,
                              pt_reason_text(reason));
                if (reason == PT_OK) {
                    ck_assert_uint_eq(canon, model_canon(level, e));
                }
            }
        }
    }
}
END_TEST

START_TEST(every_single_bit)
{
    unsigned int level, n, io;

    for (level = 1; level <= 4; level++) {
        for (n = 0; n < 64; n++) {
            for (io = 0; io < 2; io++) {
                struct pt_rules rules = rules_of(io);
                uint64_t canon, present = (1ull << n) | 1, absent = (1ull << n) & ~1ull;

                ck_assert_int_eq(pt_check_flags(level, present, &rules, &canon) == PT_OK,
                                 model_legal(level, present, io));
                ck_assert_int_eq(pt_check_flags(level, absent, &rules, &canon), PT_OK);
                ck_assert_uint_eq(canon, absent);
            }
        }
    }
}
END_TEST

/*
 * Legal old and new entries of a level: the classifier must say "no change of references" exactly
 * when there is none.
 */
START_TEST(every_pair_of_flags)
{
    static uint64_t legal[NR_VARIANTS];
    unsigned int level = (unsigned int)_i + 1, v, n = 0, i, j;
    struct pt_rules rules = rules_of(true);

    for (v = 0; v < NR_VARIANTS; v++) {
        uint64_t canon;

        if (pt_check_flags(level, variant(v), &rules, &canon) == PT_OK && (v & (1u << B_US))) {
            legal[n++] = canon;
        }
    }
    ck_assert_uint_gt(n, 100);
    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) {
            uint64_t a = model_refers(level, legal[i]), b = model_refers(level, legal[j]);
            enum pt_change want = a == b ? PT_CHANGE_FLAGS
                                  : !a   ? PT_CHANGE_MAP
                                  : !b   ? PT_CHANGE_UNMAP
                                         : PT_CHANGE_REPLACE;

            if (pt_change_kind(level, legal[i], legal[j]) != want) {
                ck_abort_msg("level %u: %llx -> %llx", level, (unsigned long long)legal[i],
                             (unsigned long long)legal[j]);
            }
        }
    }
}
END_TEST

START_TEST(io_frames)
{
    uint64_t e = 0xfee00067;

    ck_assert_int_eq(pt_check_io(IO_NONE, &e), PT_REFUSED_IO);
    ck_assert_int_eq(pt_check_io(IO_WRITE, &e), PT_OK);
    ck_assert_uint_eq(e, 0xfee00067);
    ck_assert_int_eq(pt_check_io(IO_READ, &e), PT_OK);
    ck_assert_uint_eq(e, 0xfee00065);
}
END_TEST

/* As Xen answers: only an L1 entry can mean a device, and all ones is no frame number. */
START_TEST(too_wide_addresses)
{
    const struct pt_rules rules = rules_of(true);
    const uint64_t beyond = 1ull << 51 | 1, all = 0x000ffffffffff000ull | 1;
    uint64_t canon;

    ck_assert_int_eq(pt_reason_errno(pt_check_flags(1, beyond, &rules, &canon)), EPERM);
    ck_assert_int_eq(pt_reason_errno(pt_check_flags(1, all, &rules, &canon)), EINVAL);
    ck_assert_int_eq(pt_reason_errno(pt_check_flags(2, beyond, &rules, &canon)), EINVAL);
}
END_TEST

START_TEST(hypervisor_slots)
{
    unsigned int level, i;

    for (level = 1; level <= 4; level++) {
        for (i = 0; i < 512; i++) {
            ck_assert_int_eq(pt_slot_is_guest(level, i), !(level == 4 && i >= 256 && i <= 271));
        }
    }
}
END_TEST

/* Each reason has words and an errno of its own; none of them says "restart". */
START_TEST(reasons_have_texts)
{
    int r, q;

    for (r = PT_OK; r < PT_REASONS; r++) {
        ck_assert_int_gt((int)strlen(pt_reason_text((enum pt_reason)r)), 5);
        ck_assert_int_eq(pt_reason_errno((enum pt_reason)r) == 0, r == PT_OK);
        ck_assert_int_ne(pt_reason_errno((enum pt_reason)r), ERESTART);
        for (q = 0; q < r; q++) {
            ck_assert_str_ne(pt_reason_text((enum pt_reason)r), pt_reason_text((enum pt_reason)q));
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pt_check");
    TCase *tc = tcase_create("rules");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, every_flag_at_every_level);
    tcase_add_test(tc, every_single_bit);
    tcase_add_loop_test(tc, every_pair_of_flags, 0, 4);
    tcase_add_test(tc, io_frames);
    tcase_add_test(tc, too_wide_addresses);
    tcase_add_test(tc, hypervisor_slots);
    tcase_add_test(tc, reasons_have_texts);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
