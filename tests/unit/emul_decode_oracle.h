/* SPDX-License-Identifier: MIT */
/*
 * Compares the PV instruction decoder with an independent disassembler (Zydis): the same length, operation, width, register,
 * immediate and memory operand whenever we decode, and nothing refused that we claim to support.
 * For the unit test and the fuzz target alike; tests only.
 */
#ifndef TESTS_EMUL_DECODE_ORACLE_H
#define TESTS_EMUL_DECODE_ORACLE_H

#include <Zydis/Zydis.h>
#include <string.h>

#include "pv/emul_decode.h"

/* What Zydis calls an operation; up to four names, for the widths of string instructions. */
static const ZydisMnemonic oracle_names[EMUL_OP_NR][4] = {
    [EMUL_OP_IN] = {ZYDIS_MNEMONIC_IN},
    [EMUL_OP_OUT] = {ZYDIS_MNEMONIC_OUT},
    [EMUL_OP_INS] = {ZYDIS_MNEMONIC_INSB, ZYDIS_MNEMONIC_INSW, ZYDIS_MNEMONIC_INSD},
    [EMUL_OP_OUTS] = {ZYDIS_MNEMONIC_OUTSB, ZYDIS_MNEMONIC_OUTSW, ZYDIS_MNEMONIC_OUTSD},
    [EMUL_OP_INT] = {ZYDIS_MNEMONIC_INT},
    [EMUL_OP_HLT] = {ZYDIS_MNEMONIC_HLT},
    [EMUL_OP_CLI] = {ZYDIS_MNEMONIC_CLI},
    [EMUL_OP_STI] = {ZYDIS_MNEMONIC_STI},
    [EMUL_OP_CLTS] = {ZYDIS_MNEMONIC_CLTS},
    [EMUL_OP_INVD] = {ZYDIS_MNEMONIC_INVD},
    [EMUL_OP_WBINVD] = {ZYDIS_MNEMONIC_WBINVD},
    [EMUL_OP_MOV_FROM_CR] = {ZYDIS_MNEMONIC_MOV},
    [EMUL_OP_MOV_TO_CR] = {ZYDIS_MNEMONIC_MOV},
    [EMUL_OP_MOV_FROM_DR] = {ZYDIS_MNEMONIC_MOV},
    [EMUL_OP_MOV_TO_DR] = {ZYDIS_MNEMONIC_MOV},
    [EMUL_OP_LMSW] = {ZYDIS_MNEMONIC_LMSW},
    [EMUL_OP_SMSW] = {ZYDIS_MNEMONIC_SMSW},
    [EMUL_OP_INVLPG] = {ZYDIS_MNEMONIC_INVLPG},
    [EMUL_OP_WRMSR] = {ZYDIS_MNEMONIC_WRMSR},
    [EMUL_OP_RDMSR] = {ZYDIS_MNEMONIC_RDMSR},
    [EMUL_OP_RDTSC] = {ZYDIS_MNEMONIC_RDTSC},
    [EMUL_OP_RDTSCP] = {ZYDIS_MNEMONIC_RDTSCP},
    [EMUL_OP_RDPMC] = {ZYDIS_MNEMONIC_RDPMC},
    [EMUL_OP_CPUID] = {ZYDIS_MNEMONIC_CPUID},
    [EMUL_OP_XGETBV] = {ZYDIS_MNEMONIC_XGETBV},
    [EMUL_OP_XSETBV] = {ZYDIS_MNEMONIC_XSETBV},
    [EMUL_OP_MOV] = {ZYDIS_MNEMONIC_MOV},
    [EMUL_OP_STOS] = {ZYDIS_MNEMONIC_STOSB, ZYDIS_MNEMONIC_STOSW, ZYDIS_MNEMONIC_STOSD,
                      ZYDIS_MNEMONIC_STOSQ},
    [EMUL_OP_OR] = {ZYDIS_MNEMONIC_OR},
    [EMUL_OP_AND] = {ZYDIS_MNEMONIC_AND},
    [EMUL_OP_XOR] = {ZYDIS_MNEMONIC_XOR},
    [EMUL_OP_BTS] = {ZYDIS_MNEMONIC_BTS},
    [EMUL_OP_BTR] = {ZYDIS_MNEMONIC_BTR},
    [EMUL_OP_BTC] = {ZYDIS_MNEMONIC_BTC},
    [EMUL_OP_XCHG] = {ZYDIS_MNEMONIC_XCHG},
    [EMUL_OP_CMPXCHG] = {ZYDIS_MNEMONIC_CMPXCHG},
};

static bool oracle_name_is(enum emul_op op, ZydisMnemonic name)
{
    for (unsigned int i = 0; i < 4; i++) {
        if (name != ZYDIS_MNEMONIC_INVALID && oracle_names[op][i] == name) {
            return true;
        }
    }
    return false;
}

/* Number of a general register and whether it is one of ah, ch, dh, bh; 0xff for none. */
static uint8_t oracle_gpr(ZydisRegister reg, bool *high)
{
    *high = false;
    if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
        *high = true;
        return (uint8_t)(reg - ZYDIS_REGISTER_AH);
    }
    if (reg >= ZYDIS_REGISTER_AL && reg <= ZYDIS_REGISTER_BL) {
        return (uint8_t)(reg - ZYDIS_REGISTER_AL);
    }
    if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B) {
        return (uint8_t)(reg - ZYDIS_REGISTER_SPL + 4);
    }
    if (reg >= ZYDIS_REGISTER_AX && reg <= ZYDIS_REGISTER_R15W) {
        return (uint8_t)(reg - ZYDIS_REGISTER_AX);
    }
    if (reg >= ZYDIS_REGISTER_EAX && reg <= ZYDIS_REGISTER_R15D) {
        return (uint8_t)(reg - ZYDIS_REGISTER_EAX);
    }
    if (reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15) {
        return (uint8_t)(reg - ZYDIS_REGISTER_RAX);
    }
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) {
        return EMUL_REG_RIP;
    }
    return EMUL_REG_NONE;
}

static const char *oracle_check_mem(const struct emul_insn *insn, const ZydisDecodedOperand *operand)
{
    const struct emul_mem *mem = &insn->mem;
    bool high;

    if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY || !insn->has_mem) {
        return "one side has a memory operand, the other has none";
    }
    if (operand->mem.segment != (ZydisRegister)(ZYDIS_REGISTER_ES + mem->seg)) {
        return "segment differs";
    }
    if (oracle_gpr(operand->mem.base, &high) != mem->base) {
        /* Zydis 4.0 takes [disp32 + index] behind 67 and REX.B for [r13d + index]; the processor does not. */
        return operand->mem.base == ZYDIS_REGISTER_R13D && !operand->mem.disp.has_displacement &&
                       mem->base == EMUL_REG_NONE
                   ? NULL
                   : "base differs";
    }
    if (oracle_gpr(operand->mem.index, &high) != mem->index) {
        return "index differs";
    }
    if (mem->index != EMUL_REG_NONE && operand->mem.scale != mem->scale) {
        return "scale differs";
    }
    if ((operand->mem.disp.has_displacement ? operand->mem.disp.value : 0) != mem->disp) {
        return "displacement differs";
    }
    return NULL;
}

static const char *oracle_check_reg(const struct emul_insn *insn, const ZydisDecodedOperand *operand)
{
    bool high;
    uint8_t reg;

    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER) {
        return "expected a register operand";
    }
    reg = oracle_gpr(operand->reg.value, &high);
    return reg != insn->reg || high != insn->reg_high ? "register differs" : NULL;
}

/* Operands of what is not a store. */
static const char *oracle_check_privileged(const struct emul_insn *insn,
                                           const ZydisDecodedInstruction *ref,
                                           const ZydisDecodedOperand *operands)
{
    const ZydisDecodedOperand *port;

    switch (insn->op) {
    case EMUL_OP_IN:
    case EMUL_OP_OUT:
        port = insn->op == EMUL_OP_IN ? &operands[1] : &operands[0];
        if (operands[insn->op == EMUL_OP_IN ? 0 : 1].size != 8u * insn->op_bytes) {
            return "port width differs";
        }
        if (insn->src == EMUL_SRC_IMM) {
            return port->imm.value.u != insn->imm ? "port differs" : NULL;
        }
        return oracle_check_reg(insn, port);
    case EMUL_OP_INS:
        return operands[0].size != 8u * insn->op_bytes ? "ins width" : oracle_check_mem(insn, &operands[0]);
    case EMUL_OP_OUTS:
        return operands[1].size != 8u * insn->op_bytes ? "outs width" : oracle_check_mem(insn, &operands[1]);
    case EMUL_OP_INT:
        return operands[0].imm.value.u != insn->imm ? "vector differs" : NULL;
    case EMUL_OP_MOV_FROM_CR:
    case EMUL_OP_MOV_FROM_DR:
        if (operands[0].size != 8u * insn->op_bytes) {
            return "width differs";
        }
        if (operands[1].reg.value != (insn->op == EMUL_OP_MOV_FROM_CR ? ZYDIS_REGISTER_CR0 : ZYDIS_REGISTER_DR0) +
                                         (ZydisRegister)insn->special) {
            return "special register differs";
        }
        return oracle_check_reg(insn, &operands[0]);
    case EMUL_OP_MOV_TO_CR:
    case EMUL_OP_MOV_TO_DR:
        if (operands[0].reg.value != (insn->op == EMUL_OP_MOV_TO_CR ? ZYDIS_REGISTER_CR0 : ZYDIS_REGISTER_DR0) +
                                         (ZydisRegister)insn->special) {
            return "special register differs";
        }
        return oracle_check_reg(insn, &operands[1]);
    case EMUL_OP_LMSW:
    case EMUL_OP_SMSW:
        return operands[0].size != 8u * insn->op_bytes ? "width differs" : oracle_check_reg(insn, &operands[0]);
    case EMUL_OP_INVLPG:
        return oracle_check_mem(insn, &operands[0]);
    default:
        return ref->operand_count_visible != 0 ? "unexpected operands" : NULL;
    }
}

static const char *oracle_check_store(const struct emul_insn *insn, const ZydisDecodedOperand *operands)
{
    const char *why = oracle_check_mem(insn, &operands[0]);

    if (why) {
        return why;
    }
    if (operands[0].size != 8u * insn->op_bytes) {
        return "operand width differs";
    }
    switch (insn->src) {
    case EMUL_SRC_REG:
        return oracle_check_reg(insn, &operands[1]);
    case EMUL_SRC_IMM:
        if (operands[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
            emul_cut(operands[1].imm.value.u, insn->op_bytes) != emul_cut(insn->imm, insn->op_bytes)) {
            return "immediate differs";
        }
        return NULL;
    case EMUL_SRC_NONE:
        break;
    }
    return NULL;
}

/* Must our decoder know this instruction? */
static bool oracle_supported(const ZydisDecodedInstruction *ref, const ZydisDecodedOperand *operands)
{
    unsigned int op;

    if (ref->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || ref->address_width == 16) {
        return false; /* no VEX forms, no 16-bit addressing */
    }
    if (ref->opcode == 0x82 && ref->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT) {
        return false; /* a second encoding of 80, 32-bit mode only */
    }
    for (op = EMUL_OP_NONE + 1; op < EMUL_OP_NR; op++) {
        if (!oracle_name_is((enum emul_op)op, ref->mnemonic)) {
            continue;
        }
        if (!emul_op_is_store((enum emul_op)op)) {
            if (op >= EMUL_OP_MOV_FROM_CR && op <= EMUL_OP_MOV_TO_DR) {
                continue; /* plain mov carries the same name; the stores below decide */
            }
            return !((op == EMUL_OP_SMSW || op == EMUL_OP_LMSW) &&
                     operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY);
        }
        if (operands[0].type != ZYDIS_OPERAND_TYPE_MEMORY) {
            return false;
        }
        if (operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            ZydisRegisterGetClass(operands[1].reg.value) == ZYDIS_REGCLASS_SEGMENT) {
            return false; /* mov m16, sreg */
        }
        return ref->opcode != 0xa2 && ref->opcode != 0xa3; /* an absolute address behind the opcode: no compiler's kernel has it */
    }
    return false;
}

/* NULL, or what is wrong with our decoding of these bytes. */
static const char *oracle_compare(const uint8_t *bytes, unsigned int nr, enum emul_mode mode)
{
    static const uint8_t forced[] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction ref;
    struct emul_insn insn;
    enum emul_result result = emul_decode(bytes, nr, mode, &insn);
    ZydisDecoder decoder;
    bool valid;

    if (nr >= 2 && memcmp(bytes, forced, nr < sizeof(forced) ? nr : sizeof(forced)) == 0) {
        if (nr < sizeof(forced)) {
            return result != EMUL_TRUNCATED ? "cut forced cpuid is not reported as truncated" : NULL;
        }
        return result != EMUL_DECODED || insn.op != EMUL_OP_CPUID_FORCED || insn.length != 7
                   ? "forced cpuid not recognised"
                   : NULL;
    }
    memset(operands, 0, sizeof(operands));
    ZydisDecoderInit(&decoder,
                     mode == EMUL_MODE_64 ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
                     mode == EMUL_MODE_64 ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32);
    valid = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, nr, &ref, operands));
    switch (result) {
    case EMUL_TRUNCATED:
        return nr >= EMUL_MAX_INSN_BYTES ? "15 bytes reported as too few"
               : valid                   ? "a complete instruction reported as truncated"
                                         : NULL;
    case EMUL_REFUSED:
        return valid && oracle_supported(&ref, operands) ? "a supported instruction is refused" : NULL;
    case EMUL_DECODED:
        break;
    }
    if (insn.length == 0 || insn.length > nr || insn.length > EMUL_MAX_INSN_BYTES) {
        return "length out of range";
    }
    if (!valid) {
        return "decoded what is no instruction";
    }
    if (ref.length != insn.length) {
        return "length differs";
    }
    if (!oracle_name_is(insn.op, ref.mnemonic)) {
        return "operation differs";
    }
    if (insn.lock != !!(ref.attributes & ZYDIS_ATTRIB_HAS_LOCK)) {
        return "lock differs";
    }
    return emul_op_is_store(insn.op) ? oracle_check_store(&insn, operands)
                                     : oracle_check_privileged(&insn, &ref, operands);
}

#endif
