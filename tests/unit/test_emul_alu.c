/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic of emulated stores against the processor that the test runs on: each instruction is executed natively on a
 * scratch operand, decoded and computed by us, and memory, registers and flags must be the same. Then addresses.
 */
/* SOURCES: hypervisor/pv/emul_decode.c hypervisor/pv/emul_alu.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pv/emul_alu.h"

static uint64_t seed = 0x2545f4914f6cdd1d;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Values that sit on the edges of every width, half of the time. */
static uint64_t next_value(void)
{
    static const uint64_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
                                     0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ~UINT64_C(0)};

    return next_random() & 1 ? edges[next_random() % ARRAY_SIZE(edges)] : next_random();
}

/* rax, rcx, rdx, rbx, the operand, flags: what the tested instructions may use. */
struct machine {
    uint64_t rax, rcx, rdx, rbx;
    uint64_t mem;
    uint64_t rflags;
};

#define TESTED_FLAGS FLAGS_ARITHMETIC

static uint8_t *code_page;

/* Executes the instruction with rdi pointing at m->mem. */
static void run_native(const uint8_t *insn, unsigned int nr, struct machine *m)
{
    uint64_t rax = m->rax, rcx = m->rcx, rdx = m->rdx, rbx = m->rbx, flags = m->rflags;

    memcpy(code_page, insn, nr);
    code_page[nr] = 0xc3;
    /* The compiler may keep data in the 128 bytes under rsp. */
    __asm__ volatile("sub $128, %%rsp\n\t"
                     "pushfq\n\t"
                     "pop %%r8\n\t"
                     "and $~0x8d5, %%r8\n\t"
                     "or %%r8, %[flags]\n\t"
                     "push %[flags]\n\t"
                     "popfq\n\t"
                     "call *%[code]\n\t"
                     "pushfq\n\t"
                     "pop %[flags]\n\t"
                     "add $128, %%rsp\n\t"
                     : "+a"(rax), "+c"(rcx), "+d"(rdx), "+b"(rbx), [flags] "+r"(flags)
                     : [code] "r"(code_page), "D"(&m->mem)
                     : "r8", "memory", "cc");
    m->rax = rax;
    m->rcx = rcx;
    m->rdx = rdx;
    m->rbx = rbx;
    m->rflags = flags;
}

/* The same by decoder and arithmetic. */
static void run_emulated(const uint8_t *bytes, unsigned int nr, struct machine *m, struct emul_insn *insn)
{
    uint64_t gpr[EMUL_NR_GPRS] = {m->rax, m->rcx, m->rdx, m->rbx};
    struct emul_outcome outcome;

    ck_assert_int_eq(emul_decode(bytes, nr, EMUL_MODE_64, insn), EMUL_DECODED);
    ck_assert(emul_alu(insn, m->mem, gpr, m->rflags, &outcome));
    if (outcome.store) {
        uint64_t mask = emul_cut(~UINT64_C(0), insn->op_bytes);

        m->mem = (m->mem & ~mask) | outcome.value;
        ck_assert_uint_eq(outcome.value & ~mask, 0);
    }
    emul_alu_commit(insn, &outcome, gpr, &m->rflags);
    m->rax = gpr[0];
    m->rcx = gpr[1];
    m->rdx = gpr[2];
    m->rbx = gpr[3];
}

static const struct shape {
    const char *name;
    uint8_t opcode[2]; /* opcode[0] is 0 for the one-byte map */
    uint8_t reg;       /* modrm.reg, or 8: a random register of rax, rcx, rdx, rbx */
    uint8_t imm;       /* 0 none, 1 a byte, 4 up to four bytes by width */
    bool byte_form;    /* opcode - 1 is the byte form */
    bool lock;
    uint64_t undefined; /* flags that the architecture leaves open */
} shapes[] = {
    {"or", {0, 0x09}, 8, 0, true, true, FLAG_AF},
    {"and", {0, 0x21}, 8, 0, true, true, FLAG_AF},
    {"xor", {0, 0x31}, 8, 0, true, true, FLAG_AF},
    {"and imm", {0, 0x81}, 4, 4, true, true, FLAG_AF},
    {"or imm8", {0, 0x83}, 1, 1, false, true, FLAG_AF},
    {"xor imm8", {0, 0x83}, 6, 1, false, true, FLAG_AF},
    {"mov", {0, 0x89}, 8, 0, true, false, 0},
    {"mov imm", {0, 0xc7}, 0, 4, true, false, 0},
    {"xchg", {0, 0x87}, 8, 0, true, true, 0},
    {"bts imm", {0x0f, 0xba}, 5, 1, false, true, TESTED_FLAGS & ~(FLAG_CF | FLAG_ZF)},
    {"btr imm", {0x0f, 0xba}, 6, 1, false, true, TESTED_FLAGS & ~(FLAG_CF | FLAG_ZF)},
    {"btc imm", {0x0f, 0xba}, 7, 1, false, true, TESTED_FLAGS & ~(FLAG_CF | FLAG_ZF)},
    {"cmpxchg", {0x0f, 0xb1}, 8, 0, true, true, 0},
};

static unsigned int assemble(const struct shape *shape, uint8_t *bytes)
{
    unsigned int width = (unsigned int)(next_random() & 3); /* byte, 2, 4, 8 */
    unsigned int at = 0, imm_bytes, i;
    bool byte_form = width == 0 && shape->byte_form;

    if (shape->lock && next_random() & 1) {
        bytes[at++] = 0xf0;
    }
    if (width == 1) {
        bytes[at++] = 0x66;
    }
    if (width == 3) {
        bytes[at++] = 0x48;
    }
    if (shape->opcode[0]) {
        bytes[at++] = shape->opcode[0];
    }
    bytes[at++] = (uint8_t)(shape->opcode[1] - byte_form);
    bytes[at] = 7; /* [rdi] */
    if (shape->reg == 8) {
        bytes[at] |= (uint8_t)((next_random() & (byte_form ? 7 : 3)) << 3); /* byte forms: ah to bh as well */
    } else {
        bytes[at] |= (uint8_t)(shape->reg << 3);
    }
    at++;
    imm_bytes = shape->imm == 4 ? (byte_form ? 1 : width == 1 ? 2 : 4) : shape->imm;
    for (i = 0; i < imm_bytes; i++) {
        bytes[at++] = (uint8_t)next_value();
    }
    return at;
}

START_TEST(arithmetic_is_that_of_the_processor)
{
    const struct shape *shape = &shapes[_i];
    unsigned int round;

    for (round = 0; round < 2000; round++) {
        struct machine start = {.rax = next_value(),
                                .rcx = next_value(),
                                .rdx = next_value(),
                                .rbx = next_value(),
                                .mem = next_value(),
                                .rflags = 0x202 | (next_random() & TESTED_FLAGS)};
        struct machine native, emulated;
        struct emul_insn insn;
        uint8_t bytes[EMUL_MAX_INSN_BYTES];
        unsigned int nr = assemble(shape, bytes);
        uint64_t flags = TESTED_FLAGS & ~shape->undefined;

        if (next_random() & 1) { /* let compares succeed */
            start.rax = start.mem;
        }
        native = start;
        emulated = start;
        run_native(bytes, nr, &native);
        run_emulated(bytes, nr, &emulated, &insn);
        ck_assert_msg(native.mem == emulated.mem, "%s: memory", shape->name);
        ck_assert_msg(native.rax == emulated.rax && native.rcx == emulated.rcx && native.rdx == emulated.rdx &&
                          native.rbx == emulated.rbx,
                      "%s: registers", shape->name);
        ck_assert_msg((native.rflags & flags) == (emulated.rflags & flags), "%s: flags %lx, got %lx", shape->name,
                      native.rflags & flags, emulated.rflags & flags);
        ck_assert_msg((start.rflags & ~TESTED_FLAGS) == (emulated.rflags & ~TESTED_FLAGS), "%s: other flags", shape->name);
    }
}
END_TEST

/* bts, btr, btc with a register reach memory on either side of the operand. */
START_TEST(bit_strings_address_as_the_processor_does)
{
    static const uint8_t opcodes[] = {0xab, 0xb3, 0xbb};
    static const uint64_t no_base[EMUL_SEG_NR];
    unsigned int round;

    for (round = 0; round < 2000; round++) {
        unsigned int width = 1 + (unsigned int)(next_random() % 3);
        uint64_t area[65], before[65];
        uint8_t bytes[8];
        unsigned int at = 0, i;
        struct machine m = {.rcx = (uint64_t)((int64_t)(next_random() % 4000) - 2000), .rflags = 0x202};
        uint64_t gpr[EMUL_NR_GPRS] = {0, m.rcx};
        struct emul_outcome outcome;
        struct emul_insn insn;
        uint64_t address, operand = 0;

        for (i = 0; i < ARRAY_SIZE(area); i++) {
            before[i] = area[i] = next_random();
        }
        if (width == 1) {
            bytes[at++] = 0x66;
        } else if (width == 3) {
            bytes[at++] = 0x48;
        }
        bytes[at++] = 0x0f;
        bytes[at++] = opcodes[next_random() % 3];
        bytes[at++] = 0x0f; /* [rdi], rcx */
        ck_assert_int_eq(emul_decode(bytes, at, EMUL_MODE_64, &insn), EMUL_DECODED);
        gpr[EMUL_GPR_RDI] = (uint64_t)&before[32];
        address = emul_mem_address(&insn, EMUL_MODE_64, gpr, 0, no_base);
        ck_assert_uint_eq(address % insn.op_bytes, 0);
        memcpy(&operand, (const void *)address, insn.op_bytes);
        ck_assert(emul_alu(&insn, operand, gpr, m.rflags, &outcome));
        memcpy((void *)address, &outcome.value, insn.op_bytes);

        /* The native run: the same instruction on the other copy. */
        memcpy(code_page, bytes, at);
        code_page[at] = 0xc3;
        __asm__ volatile("sub $128, %%rsp\n\tcall *%[code]\n\tpushfq\n\tpop %[flags]\n\tadd $128, %%rsp\n\t"
                         : [flags] "+r"(m.rflags)
                         : [code] "r"(code_page), "D"(&area[32]), "c"(m.rcx)
                         : "memory", "cc");
        ck_assert(memcmp(area, before, sizeof(area)) == 0);
        ck_assert_uint_eq(m.rflags & FLAG_CF, outcome.rflags & FLAG_CF);
    }
}
END_TEST

START_TEST(addresses)
{
    static const uint64_t base[EMUL_SEG_NR] = {[EMUL_SEG_FS] = 0x7000, [EMUL_SEG_GS] = 0xffff888000001000};
    static const struct {
        uint8_t bytes[15];
        unsigned int nr;
        enum emul_mode mode;
        uint64_t want;
    } cases[] = {
        {{0x89, 0x05, 0xf0, 0xff, 0xff, 0xff}, 6, EMUL_MODE_64, 0xffffffff80000ff0}, /* [rip - 16] */
        {{0x65, 0x89, 0x08}, 3, EMUL_MODE_64, 0xffff888000001000 + 0x1111111122222222}, /* gs:[rax] */
        {{0x67, 0x89, 0x08}, 3, EMUL_MODE_64, 0x22222222},                              /* [eax] */
        {{0x67, 0x64, 0x89, 0x48, 0x80}, 5, EMUL_MODE_64, 0x222221a2 + 0x7000},         /* fs:[eax - 128] */
        {{0x89, 0x44, 0x88, 0x04}, 4, EMUL_MODE_64, 0x1111111122222222 + 4 * 0x10 + 4}, /* [rax + rcx*4 + 4] */
        {{0x89, 0x05, 0, 0, 0, 0xf0}, 6, EMUL_MODE_32, 0xf0000000},                     /* [0xf0000000] */
        {{0x64, 0x89, 0x88, 0, 0, 0, 0xf0}, 7, EMUL_MODE_32, 0x12229222},               /* fs:[eax + 0xf0000000] wraps */
        {{0xaa}, 1, EMUL_MODE_64, 0xabcdef00},                                          /* es:[rdi] */
    };
    const uint64_t gpr[EMUL_NR_GPRS] = {0x1111111122222222, 0x10, [EMUL_GPR_RDI] = 0xabcdef00};
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        struct emul_insn insn;

        ck_assert_int_eq(emul_decode(cases[i].bytes, cases[i].nr, cases[i].mode, &insn), EMUL_DECODED);
        ck_assert_uint_eq(emul_mem_address(&insn, cases[i].mode, gpr, 0xffffffff80001000, base), cases[i].want);
    }
}
END_TEST

START_TEST(register_writes_keep_what_they_must)
{
    uint64_t gpr[EMUL_NR_GPRS];
    struct emul_insn insn = {.reg = 1};

    gpr[1] = 0x1122334455667788;
    insn.op_bytes = 1;
    emul_reg_write(&insn, gpr, 0xabcd);
    ck_assert_uint_eq(gpr[1], 0x11223344556677cd);
    insn.reg_high = true;
    ck_assert_uint_eq(emul_reg_value(&insn, gpr), 0x77);
    emul_reg_write(&insn, gpr, 0xabcd);
    ck_assert_uint_eq(gpr[1], 0x112233445566cdcd);
    insn.reg_high = false;
    insn.op_bytes = 2;
    emul_reg_write(&insn, gpr, 0xffff0001);
    ck_assert_uint_eq(gpr[1], 0x1122334455660001);
    insn.op_bytes = 4;
    emul_reg_write(&insn, gpr, 0xaaaabbbbccccdddd);
    ck_assert_uint_eq(gpr[1], 0xccccdddd);
    insn.op_bytes = 8;
    emul_reg_write(&insn, gpr, 0xaaaabbbbccccdddd);
    ck_assert_uint_eq(gpr[1], 0xaaaabbbbccccdddd);
}
END_TEST

/* A compare that fails leaves memory, and a second computation from the same state gives the same answer. */
START_TEST(computing_changes_nothing)
{
    static const uint8_t cmpxchg[] = {0xf0, 0x48, 0x0f, 0xb1, 0x0f};
    const uint64_t gpr[EMUL_NR_GPRS] = {5, 6};
    const uint64_t old = 7;
    struct emul_outcome first, second;
    struct emul_insn insn;

    ck_assert_int_eq(emul_decode(cmpxchg, sizeof(cmpxchg), EMUL_MODE_64, &insn), EMUL_DECODED);
    ck_assert(emul_alu(&insn, old, gpr, 0x202, &first));
    ck_assert(!first.store);
    ck_assert_int_eq(first.writeback, EMUL_WRITEBACK_RAX);
    ck_assert_uint_eq(first.reg, 7);
    ck_assert(emul_alu(&insn, old, gpr, 0x202, &second));
    ck_assert_uint_eq(first.rflags, second.rflags);
    ck_assert(!emul_alu(&(struct emul_insn){.op = EMUL_OP_CLI, .op_bytes = 4}, old, gpr, 0x202, &first));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emul_alu");
    TCase *tcase = tcase_create("emul_alu");
    SRunner *runner;
    int failed;

    code_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code_page == MAP_FAILED) {
        return EXIT_FAILURE;
    }
    tcase_set_timeout(tcase, 0);
    tcase_add_loop_test(tcase, arithmetic_is_that_of_the_processor, 0, (int)ARRAY_SIZE(shapes));
    tcase_add_test(tcase, bit_strings_address_as_the_processor_does);
    tcase_add_test(tcase, addresses);
    tcase_add_test(tcase, register_writes_keep_what_they_must);
    tcase_add_test(tcase, computing_changes_nothing);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
