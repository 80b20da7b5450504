/* SPDX-License-Identifier: MIT */
/*
 * Operand addresses and arithmetic of emulated stores. Pure: values in, values out; see emul_alu.h for the two steps.
 * Flags follow the SDM (vol. 2, each instruction); where it leaves a flag undefined, the flag is cleared after and, or,
 * xor (AF) and kept after bts, btr, btc.
 */
#include "emul_alu.h"

uint64_t emul_mem_address(const struct emul_insn *insn, enum emul_mode mode,
                          const uint64_t gpr[EMUL_NR_GPRS], uint64_t next_rip,
                          const uint64_t seg_base[EMUL_SEG_NR])
{
    const struct emul_mem *mem = &insn->mem;
    uint64_t address = (uint64_t)mem->disp;

    if (mem->base == EMUL_REG_RIP) {
        address += next_rip;
    } else if (mem->base < EMUL_NR_GPRS) {
        address += gpr[mem->base];
    }
    if (mem->index < EMUL_NR_GPRS) {
        address += gpr[mem->index] * mem->scale;
    }
    if (insn->src == EMUL_SRC_REG &&
        (insn->op == EMUL_OP_BTS || insn->op == EMUL_OP_BTR || insn->op == EMUL_OP_BTC)) {
        /* The register is a signed bit offset from the operand: whole operands first, the rest is the bit number. */
        unsigned int shift = 64 - 8u * insn->op_bytes;
        int64_t bits = (int64_t)(gpr[insn->reg] << shift) >> shift;

        address += (uint64_t)(bits >> 3) & ~(uint64_t)(insn->op_bytes - 1);
    }
    address = emul_cut(address, insn->addr_bytes);
    if (mem->seg < EMUL_SEG_NR) {
        address += seg_base[mem->seg];
    }
    return mode == EMUL_MODE_64 ? address : (uint32_t)address;
}

uint64_t emul_reg_value(const struct emul_insn *insn, const uint64_t gpr[EMUL_NR_GPRS])
{
    uint64_t value = gpr[insn->reg & (EMUL_NR_GPRS - 1)];

    if (insn->reg_high) {
        value >>= 8;
    }
    return emul_cut(value, insn->op_bytes);
}

void emul_reg_write(const struct emul_insn *insn, uint64_t gpr[EMUL_NR_GPRS], uint64_t value)
{
    uint64_t *reg = &gpr[insn->reg & (EMUL_NR_GPRS - 1)];
    unsigned int shift = insn->reg_high ? 8 : 0;
    uint64_t mask = emul_cut(~UINT64_C(0), insn->op_bytes) << shift;

    if (insn->op_bytes == 4) {
        *reg = (uint32_t)value;
    } else {
        *reg = (*reg & ~mask) | ((value << shift) & mask);
    }
}

static uint64_t sign_bit(unsigned int nr_bytes)
{
    return UINT64_C(1) << (8 * nr_bytes - 1);
}

/* ZF, SF and PF of a result that is already cut to nr_bytes. */
static uint64_t result_flags(uint64_t result, unsigned int nr_bytes)
{
    uint64_t flags = 0;

    if (result == 0) {
        flags |= EMUL_FLAG_ZF;
    }
    if (result & sign_bit(nr_bytes)) {
        flags |= EMUL_FLAG_SF;
    }
    if (!__builtin_parity((unsigned int)(result & 0xff))) {
        flags |= EMUL_FLAG_PF;
    }
    return flags;
}

/* a + b + carry in nr_bytes; *flags gets all six arithmetic flags. */
static uint64_t add_with_flags(uint64_t a, uint64_t b, unsigned int carry, unsigned int nr_bytes,
                               uint64_t *flags)
{
    uint64_t result = emul_cut(a + b + carry, nr_bytes);
    uint64_t sign = sign_bit(nr_bytes);
    uint64_t carries = (a & b) | ((a | b) & ~result);

    *flags = result_flags(result, nr_bytes);
    *flags |= carries & sign ? EMUL_FLAG_CF : 0;
    *flags |= (a ^ b ^ result) & 0x10 ? EMUL_FLAG_AF : 0;
    *flags |= (a ^ result) & (b ^ result) & sign ? EMUL_FLAG_OF : 0;
    return result;
}

/* a - b - borrow in nr_bytes; *flags gets all six arithmetic flags. */
static uint64_t sub_with_flags(uint64_t a, uint64_t b, unsigned int borrow, unsigned int nr_bytes,
                               uint64_t *flags)
{
    uint64_t result = emul_cut(a - b - borrow, nr_bytes);
    uint64_t sign = sign_bit(nr_bytes);
    uint64_t borrows = (~a & b) | ((~a | b) & result);

    *flags = result_flags(result, nr_bytes);
    *flags |= borrows & sign ? EMUL_FLAG_CF : 0;
    *flags |= (a ^ b ^ result) & 0x10 ? EMUL_FLAG_AF : 0;
    *flags |= (a ^ b) & (a ^ result) & sign ? EMUL_FLAG_OF : 0;
    return result;
}

/* The operand that comes with the instruction, cut to its width. */
static uint64_t source_value(const struct emul_insn *insn, const uint64_t gpr[EMUL_NR_GPRS])
{
    switch (insn->src) {
    case EMUL_SRC_REG:
        return emul_reg_value(insn, gpr);
    case EMUL_SRC_IMM:
        return emul_cut(insn->imm, insn->op_bytes);
    case EMUL_SRC_NONE:
    case EMUL_SRC_STRING:
        break;
    }
    return 0;
}

/* add ... xor and the unary four. False: op is none of them. */
static bool alu_arithmetic(const struct emul_insn *insn, uint64_t a, uint64_t b, uint64_t rflags,
                           struct emul_outcome *outcome)
{
    unsigned int nr = insn->op_bytes;
    unsigned int carry = rflags & EMUL_FLAG_CF ? 1 : 0;
    uint64_t changed = EMUL_FLAGS_ARITHMETIC;
    uint64_t flags = 0;
    uint64_t result;

    switch (insn->op) {
    case EMUL_OP_ADD:
        result = add_with_flags(a, b, 0, nr, &flags);
        break;
    case EMUL_OP_ADC:
        result = add_with_flags(a, b, carry, nr, &flags);
        break;
    case EMUL_OP_SUB:
        result = sub_with_flags(a, b, 0, nr, &flags);
        break;
    case EMUL_OP_SBB:
        result = sub_with_flags(a, b, carry, nr, &flags);
        break;
    case EMUL_OP_INC:
        result = add_with_flags(a, 1, 0, nr, &flags);
        changed &= ~(uint64_t)EMUL_FLAG_CF;
        break;
    case EMUL_OP_DEC:
        result = sub_with_flags(a, 1, 0, nr, &flags);
        changed &= ~(uint64_t)EMUL_FLAG_CF;
        break;
    case EMUL_OP_NEG:
        result = sub_with_flags(0, a, 0, nr, &flags);
        break;
    case EMUL_OP_NOT:
        result = emul_cut(~a, nr);
        changed = 0;
        break;
    case EMUL_OP_AND:
        result = a & b;
        flags = result_flags(result, nr);
        break;
    case EMUL_OP_OR:
        result = a | b;
        flags = result_flags(result, nr);
        break;
    case EMUL_OP_XOR:
        result = a ^ b;
        flags = result_flags(result, nr);
        break;
    default:
        return false;
    }
    outcome->value[0] = result;
    outcome->rflags = (rflags & ~changed) | (flags & changed);
    return true;
}

static void alu_bit(const struct emul_insn *insn, uint64_t a, uint64_t bit_number, uint64_t rflags,
                    struct emul_outcome *outcome)
{
    uint64_t bit = UINT64_C(1) << (bit_number & (8u * insn->op_bytes - 1));

    outcome->value[0] = insn->op == EMUL_OP_BTS   ? a | bit
                        : insn->op == EMUL_OP_BTR ? a & ~bit
                                                  : a ^ bit;
    outcome->rflags = (rflags & ~(uint64_t)EMUL_FLAG_CF) | (a & bit ? EMUL_FLAG_CF : 0);
}

static void alu_cmpxchg(const struct emul_insn *insn, uint64_t a, uint64_t replacement,
                        const uint64_t gpr[EMUL_NR_GPRS], uint64_t rflags,
                        struct emul_outcome *outcome)
{
    uint64_t expected = emul_cut(gpr[EMUL_GPR_RAX], insn->op_bytes);
    uint64_t flags;

    (void)sub_with_flags(expected, a, 0, insn->op_bytes, &flags);
    outcome->rflags = (rflags & ~(uint64_t)EMUL_FLAGS_ARITHMETIC) | flags;
    outcome->store = expected == a;
    outcome->value[0] = outcome->store ? replacement : a;
    if (!outcome->store) {
        outcome->writeback = EMUL_WRITEBACK_RAX;
        outcome->reg[0] = a;
    }
}

/* cmpxchg8b works on two 4-byte halves in one 8-byte operand, cmpxchg16b on two 8-byte ones. */
static void alu_cmpxchg_pair(const struct emul_insn *insn, const uint64_t old[2],
                             const uint64_t gpr[EMUL_NR_GPRS], uint64_t rflags,
                             struct emul_outcome *outcome)
{
    unsigned int half = insn->op_bytes / 2u;
    uint64_t low = half == 4 ? (uint32_t)old[0] : old[0];
    uint64_t high = half == 4 ? old[0] >> 32 : old[1];
    bool equal = emul_cut(gpr[EMUL_GPR_RAX], half) == low && emul_cut(gpr[EMUL_GPR_RDX], half) == high;

    outcome->rflags = (rflags & ~(uint64_t)EMUL_FLAG_ZF) | (equal ? EMUL_FLAG_ZF : 0);
    outcome->store = equal;
    if (!equal) {
        outcome->writeback = EMUL_WRITEBACK_PAIR;
        outcome->reg[0] = low;
        outcome->reg[1] = high;
        outcome->value[0] = old[0];
        outcome->value[1] = old[1];
    } else if (half == 4) {
        outcome->value[0] = (uint32_t)gpr[EMUL_GPR_RBX] | gpr[EMUL_GPR_RCX] << 32;
    } else {
        outcome->value[0] = gpr[EMUL_GPR_RBX];
        outcome->value[1] = gpr[EMUL_GPR_RCX];
    }
}

bool emul_alu(const struct emul_insn *insn, const uint64_t old[2], const uint64_t gpr[EMUL_NR_GPRS],
              uint64_t rflags, struct emul_outcome *outcome)
{
    uint64_t a = emul_cut(old[0], insn->op_bytes);
    uint64_t b = source_value(insn, gpr);

    *outcome = (struct emul_outcome){.store = true, .rflags = rflags};
    switch (insn->op) {
    case EMUL_OP_MOV:
    case EMUL_OP_STOS:
        outcome->value[0] = b;
        return true;
    case EMUL_OP_XCHG:
        outcome->value[0] = b;
        outcome->writeback = EMUL_WRITEBACK_REG;
        outcome->reg[0] = a;
        return true;
    case EMUL_OP_XADD:
        outcome->value[0] = add_with_flags(a, b, 0, insn->op_bytes, &outcome->rflags);
        outcome->rflags |= rflags & ~(uint64_t)EMUL_FLAGS_ARITHMETIC;
        outcome->writeback = EMUL_WRITEBACK_REG;
        outcome->reg[0] = a;
        return true;
    case EMUL_OP_BTS:
    case EMUL_OP_BTR:
    case EMUL_OP_BTC:
        alu_bit(insn, a, b, rflags, outcome);
        return true;
    case EMUL_OP_CMPXCHG:
        alu_cmpxchg(insn, a, b, gpr, rflags, outcome);
        return true;
    case EMUL_OP_CMPXCHG_PAIR:
        alu_cmpxchg_pair(insn, old, gpr, rflags, outcome);
        return true;
    default:
        return alu_arithmetic(insn, a, b, rflags, outcome);
    }
}

/* Width rules of a register write: four bytes clear the upper half, one and two keep the rest. */
static void write_gpr(uint64_t *gpr, unsigned int nr_bytes, uint64_t value)
{
    uint64_t mask = emul_cut(~UINT64_C(0), nr_bytes);

    *gpr = nr_bytes == 4 ? (uint32_t)value : (*gpr & ~mask) | (value & mask);
}

void emul_alu_commit(const struct emul_insn *insn, const struct emul_outcome *outcome,
                     uint64_t gpr[EMUL_NR_GPRS], uint64_t *rflags)
{
    *rflags = outcome->rflags;
    switch (outcome->writeback) {
    case EMUL_WRITEBACK_NONE:
        break;
    case EMUL_WRITEBACK_REG:
        emul_reg_write(insn, gpr, outcome->reg[0]);
        break;
    case EMUL_WRITEBACK_RAX:
        write_gpr(&gpr[EMUL_GPR_RAX], insn->op_bytes, outcome->reg[0]);
        break;
    case EMUL_WRITEBACK_PAIR:
        write_gpr(&gpr[EMUL_GPR_RAX], insn->op_bytes / 2u, outcome->reg[0]);
        write_gpr(&gpr[EMUL_GPR_RDX], insn->op_bytes / 2u, outcome->reg[1]);
        break;
    }
}
