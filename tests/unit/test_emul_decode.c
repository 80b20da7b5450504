/* SPDX-License-Identifier: MIT */
/*
 * The PV instruction decoder: what each supported encoding means, that every cut of it asks for more bytes, and that a
 * sweep over prefixes, opcodes, ModRM and SIB agrees with an independent disassembler.
 */
/* SOURCES: hypervisor/pv/emul_decode.c */
/* LIBS: Zydis */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "emul_decode_oracle.h"

/* The disassembler reads only as far as it is told; ours gets a heap copy of the exact size, so that ASan sees a byte too far. */
static const char *compare_exact(const uint8_t *bytes, unsigned int nr, enum emul_mode mode)
{
    uint8_t *copy = malloc(nr ? nr : 1);
    const char *why;

    memcpy(copy, bytes, nr);
    why = oracle_compare(copy, nr, mode);
    free(copy);
    return why;
}

static void must_agree(const uint8_t *bytes, unsigned int nr, enum emul_mode mode)
{
    const char *why = oracle_compare(bytes, nr, mode);
    char text[64] = "";
    unsigned int i;

    if (!why) {
        return;
    }
    for (i = 0; i < nr; i++) {
        snprintf(text + 3 * i, sizeof(text) - 3 * i, "%02x ", bytes[i]);
    }
    ck_abort_msg("%s (%s bits): %s", text, mode == EMUL_MODE_64 ? "64" : "32", why);
}

#define X(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})

struct row {
    const char *name;
    uint8_t bytes[15];
    unsigned int nr;
    enum emul_mode mode;
    struct emul_insn want;
};

#define MEM(s, b, i, k, d) .has_mem = true, .mem = {EMUL_SEG_##s, b, i, k, d}
#define NOMEM              .mem = {0, EMUL_REG_NONE, EMUL_REG_NONE, 1, 0}
#define NONE               EMUL_REG_NONE

static const struct row rows[] = {
    {"cli", X(0xfa), EMUL_MODE_64, {.op = EMUL_OP_CLI, .length = 1, .op_bytes = 4, .addr_bytes = 8, NOMEM}},
    {"in al, 0x60", X(0xe4, 0x60), EMUL_MODE_64,
     {.op = EMUL_OP_IN, .src = EMUL_SRC_IMM, .length = 2, .op_bytes = 1, .addr_bytes = 8, .reg = 2, .imm = 0x60, NOMEM}},
    {"out dx, ax", X(0x66, 0xef), EMUL_MODE_64,
     {.op = EMUL_OP_OUT, .src = EMUL_SRC_REG, .length = 2, .op_bytes = 2, .addr_bytes = 8, .reg = 2, NOMEM}},
    {"rep insb, 32 bits", X(0xf3, 0x6c), EMUL_MODE_32,
     {.op = EMUL_OP_INS, .src = EMUL_SRC_REG, .rep = EMUL_REP_E, .length = 2, .op_bytes = 1, .addr_bytes = 4, .reg = 2,
      MEM(ES, 7, NONE, 1, 0)}},
    {"mov rax, cr2", X(0x0f, 0x20, 0xd0), EMUL_MODE_64,
     {.op = EMUL_OP_MOV_FROM_CR, .src = EMUL_SRC_REG, .length = 3, .op_bytes = 8, .addr_bytes = 8, .special = 2, NOMEM}},
    {"mov cr8, r9", X(0x45, 0x0f, 0x22, 0xc1), EMUL_MODE_64,
     {.op = EMUL_OP_MOV_TO_CR, .src = EMUL_SRC_REG, .length = 4, .op_bytes = 8, .addr_bytes = 8, .reg = 9, .special = 8, NOMEM}},
    {"int 0x80", X(0xcd, 0x80), EMUL_MODE_64,
     {.op = EMUL_OP_INT, .src = EMUL_SRC_IMM, .length = 2, .op_bytes = 4, .addr_bytes = 8, .imm = 0x80, NOMEM}},
    {"forced cpuid", X(0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2), EMUL_MODE_64,
     {.op = EMUL_OP_CPUID_FORCED, .length = 7, .op_bytes = 4, .addr_bytes = 8, NOMEM}},
    {"xchg [rdi], rax", X(0x48, 0x87, 0x07), EMUL_MODE_64,
     {.op = EMUL_OP_XCHG, .src = EMUL_SRC_REG, .length = 3, .op_bytes = 8, .addr_bytes = 8, MEM(DS, 7, NONE, 1, 0)}},
    {"lock and byte [r13 + 1], 0xfd", X(0xf0, 0x41, 0x80, 0x65, 0x01, 0xfd), EMUL_MODE_64,
     {.op = EMUL_OP_AND, .src = EMUL_SRC_IMM, .length = 6, .op_bytes = 1, .addr_bytes = 8, .lock = true,
      .imm = (uint64_t)-3, MEM(DS, 13, NONE, 1, 1)}},
    {"mov [rip + 0x1000], rcx", X(0x48, 0x89, 0x0d, 0, 0x10, 0, 0), EMUL_MODE_64,
     {.op = EMUL_OP_MOV, .src = EMUL_SRC_REG, .length = 7, .op_bytes = 8, .addr_bytes = 8, .reg = 1,
      MEM(DS, EMUL_REG_RIP, NONE, 1, 0x1000)}},
    {"mov [gs:rsp + r12*8 - 8], ah", X(0x65, 0x42, 0x88, 0x64, 0xe4, 0xf8), EMUL_MODE_64,
     {.op = EMUL_OP_MOV, .src = EMUL_SRC_REG, .length = 6, .op_bytes = 1, .addr_bytes = 8, .reg = 4,
      MEM(GS, 4, 12, 8, -8)}},
    {"mov [rax], ah", X(0x88, 0x20), EMUL_MODE_64,
     {.op = EMUL_OP_MOV, .src = EMUL_SRC_REG, .length = 2, .op_bytes = 1, .addr_bytes = 8, .reg = 0, .reg_high = true,
      MEM(DS, 0, NONE, 1, 0)}},
    {"rep stosq", X(0xf3, 0x48, 0xab), EMUL_MODE_64,
     {.op = EMUL_OP_STOS, .src = EMUL_SRC_REG, .rep = EMUL_REP_E, .length = 3, .op_bytes = 8, .addr_bytes = 8,
      MEM(ES, 7, NONE, 1, 0)}},
    {"lock btr [rbx], 1", X(0xf0, 0x48, 0x0f, 0xba, 0x33, 0x01), EMUL_MODE_64,
     {.op = EMUL_OP_BTR, .src = EMUL_SRC_IMM, .length = 6, .op_bytes = 8, .addr_bytes = 8, .lock = true, .imm = 1,
      MEM(DS, 3, NONE, 1, 0)}},
    {"or dword [eax], 9, 32 bits", X(0x83, 0x08, 0x09), EMUL_MODE_32,
     {.op = EMUL_OP_OR, .src = EMUL_SRC_IMM, .length = 3, .op_bytes = 4, .addr_bytes = 4, .imm = 9, MEM(DS, 0, NONE, 1, 0)}},
};

START_TEST(rows_decode_as_listed)
{
    const struct row *row = &rows[_i];
    struct emul_insn got;
    unsigned int nr;

    ck_assert_int_eq(emul_decode(row->bytes, row->nr, row->mode, &got), EMUL_DECODED);
    ck_assert_int_eq(got.op, row->want.op);
    ck_assert_int_eq(got.src, row->want.src);
    ck_assert_int_eq(got.rep, row->want.rep);
    ck_assert_uint_eq(got.length, row->nr);
    ck_assert_uint_eq(got.length, row->want.length);
    ck_assert_uint_eq(got.op_bytes, row->want.op_bytes);
    ck_assert_uint_eq(got.addr_bytes, row->want.addr_bytes);
    ck_assert_uint_eq(got.reg, row->want.reg);
    ck_assert_uint_eq(got.reg_high, row->want.reg_high);
    ck_assert_uint_eq(got.special, row->want.special);
    ck_assert_uint_eq(got.lock, row->want.lock);
    ck_assert_uint_eq(got.imm, row->want.imm);
    ck_assert_uint_eq(got.has_mem, row->want.has_mem);
    ck_assert_uint_eq(got.mem.base, row->want.mem.base);
    ck_assert_uint_eq(got.mem.index, row->want.mem.index);
    if (row->want.has_mem) {
        ck_assert_uint_eq(got.mem.seg, row->want.mem.seg);
        ck_assert_uint_eq(got.mem.scale, row->want.mem.scale);
        ck_assert_int_eq(got.mem.disp, row->want.mem.disp);
    }
    for (nr = 0; nr < row->nr; nr++) {
        ck_assert_int_eq(emul_decode(row->bytes, nr, row->mode, &got), EMUL_TRUNCATED);
        ck_assert_msg(compare_exact(row->bytes, nr, row->mode) == NULL, "%s cut to %u", row->name, nr);
    }
    ck_assert_msg(compare_exact(row->bytes, row->nr, row->mode) == NULL, "%s", row->name);
}
END_TEST

START_TEST(what_is_not_emulated_is_refused)
{
    static const struct {
        const char *name;
        uint8_t bytes[15];
        unsigned int nr;
    } refused[] = {
        {"iretq", X(0x48, 0xcf)},
        {"lret", X(0xcb)},
        {"ljmp [rax]", X(0xff, 0x28)},
        {"lgdt [rax]", X(0x0f, 0x01, 0x10)},
        {"sgdt [rax]", X(0x0f, 0x01, 0x00)},
        {"lldt ax", X(0x0f, 0x00, 0xd0)},
        {"swapgs", X(0x0f, 0x01, 0xf8)},
        {"clac", X(0x0f, 0x01, 0xca)},
        {"plain ud2", X(0x0f, 0x0b, 'x', 'e', 'm', 0x0f, 0xa2)},
        {"prefixed forced cpuid", X(0x66, 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2)},
        {"cmp [rax], rcx writes nothing", X(0x48, 0x39, 0x08)},
        {"bt [rax], rcx writes nothing", X(0x48, 0x0f, 0xa3, 0x08)},
        {"mov rcx, rax has no memory", X(0x48, 0x89, 0xc1)},
        {"lock mov", X(0xf0, 0x48, 0x89, 0x07)},
        {"lock cli", X(0xf0, 0xfa)},
        {"lock mov cr0 (AMD's way to cr8)", X(0xf0, 0x0f, 0x22, 0xc0)},
        {"int3", X(0xcc)},
        {"movups [rax], xmm0", X(0x0f, 0x11, 0x00)},
        {"add [rax], rcx: no kernel computes an entry so", X(0x48, 0x01, 0x08)},
        {"lock inc [rax]", X(0xf0, 0x48, 0xff, 0x00)},
        {"lock xadd [rax], rcx", X(0xf0, 0x48, 0x0f, 0xc1, 0x08)},
        {"lock cmpxchg16b [rsi]", X(0xf0, 0x48, 0x0f, 0xc7, 0x0e)},
        {"movsq", X(0x48, 0xa5)},
        {"movabs [0x1122334455667788], rax", X(0x48, 0xa3, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11)},
        {"15 prefixes", X(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66)},
        {"cli behind 15 bytes of prefixes and displacement",
         X(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xc7, 0x80, 0x11, 0x22)},
    };
    struct emul_insn insn;
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(refused); i++) {
        ck_assert_msg(emul_decode(refused[i].bytes, refused[i].nr, EMUL_MODE_64, &insn) == EMUL_REFUSED, "%s",
                      refused[i].name);
    }
}
END_TEST

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Every opcode of both maps with every ModRM byte behind every prefix set; what follows is random but repeatable. */
START_TEST(sweep_agrees_with_reference)
{
    static const struct {
        uint8_t bytes[4];
        unsigned int nr;
    } prefixes[] = {
        {{0}, 0},          {{0x66}, 1},       {{0x67}, 1},       {{0xf0}, 1},       {{0xf2}, 1},
        {{0xf3}, 1},       {{0x65}, 1},       {{0x2e, 0x64}, 2}, {{0x64, 0x3e}, 2}, {{0x48}, 1},
        {{0x4f}, 1},       {{0x41}, 1},       {{0x44}, 1},       {{0x42}, 1},       {{0x40}, 1},
        {{0x66, 0x48}, 2}, {{0x48, 0x66}, 2}, {{0xf0, 0x4d}, 2}, {{0xf3, 0x48}, 2}, {{0x67, 0x4b}, 2},
        {{0x66, 0x67}, 2}, {{0x66, 0xf3}, 2}, {{0xf0, 0xf2}, 2},
    };
    enum emul_mode mode = _i & 1 ? EMUL_MODE_32 : EMUL_MODE_64;
    bool two_bytes = _i & 2;
    unsigned int p, opcode, modrm, i;

    for (p = 0; p < ARRAY_SIZE(prefixes); p++) {
        for (opcode = 0; opcode < 256; opcode++) {
            for (modrm = 0; modrm < 256; modrm++) {
                uint8_t bytes[15];
                unsigned int at = prefixes[p].nr;

                memcpy(bytes, prefixes[p].bytes, at);
                if (two_bytes) {
                    bytes[at++] = 0x0f;
                }
                bytes[at++] = (uint8_t)opcode;
                bytes[at++] = (uint8_t)modrm;
                for (i = at; i < sizeof(bytes); i++) {
                    bytes[i] = (uint8_t)next_random();
                }
                must_agree(bytes, sizeof(bytes), mode);
                must_agree(bytes, at + (unsigned int)(next_random() % 6), mode);
            }
        }
    }
}
END_TEST

/* Every SIB byte with every mod, for one store. */
START_TEST(sib_agrees_with_reference)
{
    unsigned int rex, mod, sib, i;

    for (rex = 0x40; rex < 0x50; rex++) {
        for (mod = 0; mod < 3; mod++) {
            for (sib = 0; sib < 256; sib++) {
                uint8_t bytes[15] = {(uint8_t)rex, 0x89, (uint8_t)(mod << 6 | 4), (uint8_t)sib};

                for (i = 4; i < sizeof(bytes); i++) {
                    bytes[i] = (uint8_t)next_random();
                }
                must_agree(bytes, sizeof(bytes), EMUL_MODE_64);
                must_agree(bytes + 1, sizeof(bytes) - 1, EMUL_MODE_32);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emul_decode");
    TCase *tcase = tcase_create("emul_decode");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, rows_decode_as_listed, 0, (int)ARRAY_SIZE(rows));
    tcase_add_test(tcase, what_is_not_emulated_is_refused);
    tcase_add_loop_test(tcase, sweep_agrees_with_reference, 0, 4);
    tcase_add_test(tcase, sib_agrees_with_reference);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
