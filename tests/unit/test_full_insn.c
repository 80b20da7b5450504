/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/full/insn.c */
/* LIBS: Zydis */
/*
 * The decoder of full/: lengths and operands of moves, in three modes; an independent disassembler agrees on the length and kind of
 * whatever it knows; random bytes stay within bounds.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/full_insn_oracle.h"

struct sample {
    unsigned int mode;
    const char *bytes; /* hexadecimal */
    unsigned int length;
    enum full_insn_kind kind;
    unsigned int size, reg_size, reg;
    bool high, sign, immediate;
    uint64_t imm;
};

/* Lengths and operands as GNU as and objdump have them. */
static const struct sample samples[] = {
    {64, "0fa2", 2, INSN_OTHER, 0, 0, 0, 0, 0, 0, 0},
    {64, "f3480fa2", 4, INSN_OTHER, 0, 0, 0, 0, 0, 0, 0},
    {32, "f4", 1, INSN_OTHER, 0, 0, 0, 0, 0, 0, 0},
    {64, "0f01d9", 3, INSN_OTHER, 0, 0, 0, 0, 0, 0, 0},
    {64, "8907", 2, INSN_STORE, 4, 4, 0, 0, 0, 0, 0},                    /* mov %eax,(%rdi) */
    {64, "44898780030000", 7, INSN_STORE, 4, 4, 8, 0, 0, 0, 0},          /* mov %r8d,0x380(%rdi) */
    {64, "488b0c25b000e0fe", 8, INSN_LOAD, 8, 8, 1, 0, 0, 0, 0},         /* mov abs32,%rcx */
    {64, "8b0578563412", 6, INSN_LOAD, 4, 4, 0, 0, 0, 0, 0},             /* mov rip-relative,%eax */
    {64, "c780b000000000000000", 10, INSN_STORE, 4, 4, 0, 0, 0, 1, 0},   /* movl $0,0xb0(%rax) */
    {64, "48c700ffffffff", 7, INSN_STORE, 8, 8, 0, 0, 0, 1, UINT64_MAX}, /* movq $-1,(%rax) */
    {64, "66c7443408cdab", 7, INSN_STORE, 2, 2, 0, 0, 0, 1, 0xabcd}, /* movw $0xabcd,8(%rsp,%rsi) */
    {64, "8827", 2, INSN_STORE, 1, 1, 0, 1, 0, 0, 0},                /* mov %ah,(%rdi) */
    {64, "408827", 3, INSN_STORE, 1, 1, 4, 0, 0, 0, 0},              /* mov %spl,(%rdi) */
    {64, "0fb64701", 4, INSN_LOAD, 1, 4, 0, 0, 0, 0, 0},             /* movzbl 1(%rdi),%eax */
    {64, "480fbf10", 4, INSN_LOAD, 2, 8, 2, 0, 1, 0, 0},             /* movswq (%rax),%rdx */
    {64, "a1f0debc9a78563412", 9, INSN_LOAD, 4, 4, 0, 0, 0, 0, 0},   /* movabs abs64,%eax */
    {32, "a3b000e0fe", 5, INSN_STORE, 4, 4, 0, 0, 0, 0, 0},          /* mov %eax,abs32 */
    {32, "66678907", 4, INSN_STORE, 2, 2, 0, 0, 0, 0, 0},            /* mov %ax,(%bx) */
    {16, "890e3412", 4, INSN_STORE, 2, 2, 1, 0, 0, 0, 0},            /* mov %cx,0x1234 */
    {16, "66894610", 4, INSN_STORE, 4, 4, 0, 0, 0, 0, 0},            /* mov %eax,0x10(%bp) */
    {16, "678b0485785634ff", 8, INSN_LOAD, 2, 2, 0, 0, 0, 0, 0},     /* mov disp32(,%eax,4),%ax */
};

static unsigned int unhex(const char *s, uint8_t *out)
{
    unsigned int n = 0;

    for (; s[0]; s += 2) {
        char two[3] = {s[0], s[1], 0};

        out[n++] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

START_TEST(known_instructions)
{
    for (unsigned int i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const struct sample *s = &samples[i];
        struct full_insn insn;
        uint8_t bytes[32];
        unsigned int n = unhex(s->bytes, bytes);

        memset(bytes + n, 0xcc, sizeof(bytes) - n);
        ck_assert_msg(full_insn_decode(bytes, 15, s->mode, &insn), "%s", s->bytes);
        ck_assert_msg(insn.length == s->length && insn.length == n && insn.kind == s->kind,
                      "%s: length %u", s->bytes, insn.length);
        if (s->kind != INSN_OTHER) {
            ck_assert_msg(insn.bytes == s->size && insn.reg_bytes == s->reg_size &&
                              insn.sign == s->sign && insn.immediate == s->immediate &&
                              insn.imm == s->imm,
                          "%s", s->bytes);
            ck_assert_msg(s->immediate || (insn.reg == s->reg && insn.reg_high == s->high),
                          "%s: reg %u", s->bytes, insn.reg);
        }
        for (unsigned int cut = 0; cut < n; cut++) {
            ck_assert_msg(!full_insn_decode(bytes, cut, s->mode, &insn), "%s cut at %u", s->bytes,
                          cut);
        }
    }
}
END_TEST

START_TEST(what_is_cut_short_is_refused)
{
    static const char *const bad[] = {"66", "0f",   "48", "c704",     "0f38",
                                      "c5", "62f1", "8f", "e8000000", "06"};

    for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct full_insn insn;
        uint8_t bytes[16] = {0};

        ck_assert_msg(!full_insn_decode(bytes, unhex(bad[i], bytes), 64, &insn), "%s", bad[i]);
    }
}
END_TEST

/* All opcodes of one, two and three bytes with the prefixes that matter, and all values of ModRM; the rest random. */
START_TEST(every_opcode_as_zydis_has_it)
{
    static const char *const starts[] = {
        "",       "66",   "67",   "f2",     "f3",     "48",     "0f",       "660f",
        "f20f",   "f30f", "480f", "0f38",   "660f38", "f20f38", "660f3a",   "66480f3a",
        "66480f", "4f",   "c5f8", "c4e179", "c4e269", "c4e37d", "62f17c48", "62f2fd28"};
    unsigned long compared = 0;

    srand(7);
    for (unsigned int i = 0; i < sizeof(starts) / sizeof(starts[0]) * 65536; i++) {
        uint8_t bytes[16];
        unsigned int n = unhex(starts[i >> 16], bytes), mode;
        const char *why;

        bytes[n++] = (uint8_t)(i >> 8);
        bytes[n++] = (uint8_t)i;
        for (; n < sizeof(bytes); n++) {
            bytes[n] = (uint8_t)(rand() >> 7);
        }
        mode = 16u << rand() % 3;
        why = insn_oracle(bytes, INSN_MAX_BYTES, mode, &compared);
        ck_assert_msg(!why, "mode %u, %02x %02x %02x %02x %02x: %s", mode, bytes[0], bytes[1],
                      bytes[2], bytes[3], bytes[4], why);
    }
    ck_assert_uint_gt(compared, 700000);
}
END_TEST

START_TEST(random_bytes)
{
    static const unsigned int modes[] = {16, 32, 64};
    unsigned int known = 0, wrong = 0;

    srand(3);
    for (int step = 0; step < 2000000; step++) {
        unsigned int n = (unsigned int)rand() % 16;
        uint8_t *exact = malloc(n + 1); /* the sanitizer sees a read behind its end */
        struct full_insn insn;

        for (unsigned int i = 0; i < n; i++) {
            exact[i] = (uint8_t)rand();
        }
        if (full_insn_decode(exact, n, modes[rand() % 3], &insn)) {
            known++;
            wrong += insn.length == 0 || insn.length > n || insn.reg > 15 || insn.rm > 15;
            wrong += insn.kind != INSN_OTHER &&
                     (insn.bytes == 0 || insn.bytes > 8 || insn.reg_bytes > 8);
        }
        free(exact);
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(known, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("full_insn");
    TCase *tc = tcase_create("full_insn");
    SRunner *r;
    int failed;

    tcase_add_test(tc, known_instructions);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, what_is_cut_short_is_refused);
    tcase_add_test(tc, every_opcode_as_zydis_has_it);
    tcase_add_test(tc, random_bytes);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
