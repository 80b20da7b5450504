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

/* ZF, SF and PF of a result that is already cut to nr_bytes. */
static uint64_t result_flags(uint64_t result, unsigned int nr_bytes)
{
    uint64_t flags = 0;

    if (result == 0) {
        flags |= FLAG_ZF;
    }
    if (result >> (8 * nr_bytes - 1)) {
        flags |= FLAG_SF;
    }
    if (!__builtin_parity((unsigned int)(result & 0xff))) {
        flags |= FLAG_PF;
    }
    return flags;
}

/* All six arithmetic flags of comparing a with b, both cut to nr_bytes. */
static uint64_t compare_flags(uint64_t a, uint64_t b, unsigned int nr_bytes)
{
    uint64_t difference = emul_cut(a - b, nr_bytes);
    uint64_t flags = result_flags(difference, nr_bytes);

    flags |= a < b ? FLAG_CF : 0;
    flags |= (a ^ b ^ difference) & 0x10 ? FLAG_AF : 0;
    flags |= ((a ^ b) & (a ^ difference)) >> (8 * nr_bytes - 1) ? FLAG_OF : 0;
    return flags;
}

bool emul_alu(const struct emul_insn *insn, uint64_t old, const uint64_t gpr[EMUL_NR_GPRS], uint64_t rflags,
              struct emul_outcome *outcome)
{
    unsigned int nr = insn->op_bytes;
    uint64_t a = emul_cut(old, nr);
    uint64_t b = insn->src == EMUL_SRC_REG ? emul_reg_value(insn, gpr) : emul_cut(insn->imm, nr);
    uint64_t bit = UINT64_C(1) << (b & (8 * nr - 1));
    uint64_t expected = emul_cut(gpr[EMUL_GPR_RAX], nr);

    *outcome = (struct emul_outcome){.store = true, .value = b, .rflags = rflags & ~FLAGS_ARITHMETIC};
    switch (insn->op) {
    case EMUL_OP_MOV:
    case EMUL_OP_STOS:
        outcome->rflags = rflags;
        return true;
    case EMUL_OP_XCHG:
        outcome->rflags = rflags;
        outcome->writeback = EMUL_WRITEBACK_REG;
        outcome->reg = a;
        return true;
    case EMUL_OP_AND:
    case EMUL_OP_OR:
    case EMUL_OP_XOR:
        outcome->value = insn->op == EMUL_OP_AND ? a & b : insn->op == EMUL_OP_OR ? a | b : a ^ b;
        outcome->rflags |= result_flags(outcome->value, nr);
        return true;
    case EMUL_OP_BTS:
    case EMUL_OP_BTR:
    case EMUL_OP_BTC:
        outcome->value = insn->op == EMUL_OP_BTS ? a | bit : insn->op == EMUL_OP_BTR ? a & ~bit : a ^ bit;
        outcome->rflags = (rflags & ~FLAG_CF) | (a & bit ? FLAG_CF : 0);
        return true;
    case EMUL_OP_CMPXCHG:
        outcome->rflags |= compare_flags(expected, a, nr);
        outcome->store = expected == a;
        outcome->writeback = outcome->store ? EMUL_WRITEBACK_NONE : EMUL_WRITEBACK_RAX;
        outcome->reg = a;
        return true;
    default:
        return false;
    }
}

void emul_alu_commit(const struct emul_insn *insn, const struct emul_outcome *outcome,
                     uint64_t gpr[EMUL_NR_GPRS], uint64_t *rflags)
{
    const struct emul_insn rax = {.reg = EMUL_GPR_RAX, .op_bytes = insn->op_bytes};

    *rflags = outcome->rflags;
    if (outcome->writeback != EMUL_WRITEBACK_NONE) {
        emul_reg_write(outcome->writeback == EMUL_WRITEBACK_REG ? insn : &rax, gpr, outcome->reg);
    }
}
