/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/full/trap/scan.c common/string.c */
/*
 * The scan of a page of code before it runs: what is silent is replaced where a way leads to it and in the gaps between, data that
 * breaks off is left alone, and whatever a guest puts into a page, few passes over it settle it (the scan holds a lock).
 */
#include <check.h>
#include <string.h>

/* The decoder as shipped, and how often it is asked. */
#define full_insn_decode counted_decode
#include "hypervisor/full/insn.c"
#undef full_insn_decode

#include "hypervisor/full/trap/trap.h"

#define PAGE    4096u
#define RET     0xc3
#define POPF    0x9d
#define HLT     0xf4
#define INVALID 0x06 /* push %es: none in 64-bit mode */

bool full_insn_decode(const uint8_t *bytes, unsigned int nr, unsigned int mode, struct full_insn *insn);

static unsigned int nr_decoded;
static uint8_t page[PAGE], to[PAGE];

bool full_insn_decode(const uint8_t *bytes, unsigned int nr, unsigned int mode, struct full_insn *insn)
{
    nr_decoded++;
    return counted_decode(bytes, nr, mode, insn);
}

static int64_t last_out; /* where the last way out of the page led */

static void way_out(void *context, int64_t distance)
{
    *(int64_t *)context = distance;
}

static bool scan(unsigned int entry)
{
    struct trap_ways ways = {.out = way_out, .context = &last_out};

    nr_decoded = 0;
    last_out = 0;
    ways.in[entry / 64] |= 1ul << entry % 64;
    memcpy(to, page, PAGE);
    return trap_scan(page, NULL, NULL, 64, &ways, to);
}

START_TEST(ways_out_are_told)
{
    memset(page, INVALID, PAGE);
    page[0] = 0xe8; /* call 0x1105 */
    page[1] = 0x00;
    page[2] = 0x11;
    page[3] = page[4] = 0;
    page[5] = RET;
    ck_assert(!scan(0));
    ck_assert_int_eq(last_out, 0x1105);
}
END_TEST

START_TEST(a_way_is_followed)
{
    memset(page, INVALID, PAGE);
    page[0] = 0xeb; /* jmp 100 */
    page[1] = 98;
    page[100] = POPF;
    page[101] = RET;
    ck_assert(scan(0));
    ck_assert_uint_eq(to[100], HLT);
    page[100] = 0x90;
    ck_assert(!scan(0));
    ck_assert_int_eq(memcmp(to, page, PAGE), 0);
}
END_TEST

START_TEST(a_gap_is_code_if_it_decodes)
{
    memset(page, 0x90, PAGE);
    page[0] = RET;
    page[50] = RET; /* the way that begins in the gap ends here, the gap does not */
    page[51] = POPF;
    page[4000] = POPF;
    ck_assert(scan(0));
    ck_assert_uint_eq(to[51], HLT);
    ck_assert_uint_eq(to[4000], HLT);
    page[2000] = INVALID; /* now it breaks off */
    ck_assert(!scan(0));
}
END_TEST

START_TEST(no_page_takes_long)
{
    static const uint8_t fill[][2] = {{RET, RET}, {0x90, RET}, {0x74, 0x02}, {0xeb, 0x80}, {0, 0}, {0x0f, 0x0b}, {INVALID, RET}, {0xe9, 0}};

    for (unsigned int f = 0; f < sizeof(fill) / sizeof(fill[0]); f++) {
        for (unsigned int i = 0; i < PAGE; i++) {
            page[i] = fill[f][i % 2];
        }
        (void)scan(f);
        ck_assert_msg(nr_decoded <= 4 * PAGE, "pattern %u: %u instructions were decoded", f, nr_decoded);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("full_scan");
    TCase *tc = tcase_create("full_scan");
    SRunner *r;
    int failed;

    tcase_add_test(tc, ways_out_are_told);
    tcase_add_test(tc, a_way_is_followed);
    tcase_add_test(tc, a_gap_is_code_if_it_decodes);
    tcase_add_test(tc, no_page_takes_long);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
