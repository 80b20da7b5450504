/* SPDX-License-Identifier: MIT */
/*
 * Compares the decoder of full/ with an independent disassembler (Zydis): whatever that knows has the same length, the same
 * memory operand, and is silent in ring 3 or not, as its name says. For the unit test and the fuzz target; tests only.
 */
#ifndef TESTS_FULL_INSN_ORACLE_H
#define TESTS_FULL_INSN_ORACLE_H

#include <Zydis/Zydis.h>
#include <string.h>

#include "full/insn.h"

static int oracle_is_silent(const ZydisDecodedInstruction *i, const ZydisDecodedOperand *op)
{
    switch (i->mnemonic) {
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFD:
    case ZYDIS_MNEMONIC_PUSHFQ:
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
    case ZYDIS_MNEMONIC_SLDT:
    case ZYDIS_MNEMONIC_STR:
    case ZYDIS_MNEMONIC_VERR:
    case ZYDIS_MNEMONIC_VERW:
    case ZYDIS_MNEMONIC_SGDT:
    case ZYDIS_MNEMONIC_SIDT:
    case ZYDIS_MNEMONIC_SMSW:
    case ZYDIS_MNEMONIC_LAR:
    case ZYDIS_MNEMONIC_LSL:
    case ZYDIS_MNEMONIC_CPUID:
        return 1;
    case ZYDIS_MNEMONIC_MOV:
        return op[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
               ZydisRegisterGetClass(op[1].reg.value) == ZYDIS_REGCLASS_SEGMENT;
    case ZYDIS_MNEMONIC_PUSH:
        return op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
               ZydisRegisterGetClass(op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
    default:
        return 0;
    }
}

/* By the encoding's number: rax ... r15 of any width, rip, none. */
static uint8_t oracle_register(ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE) {
        return INSN_NO_REG;
    }
    if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP) {
        return INSN_RIP;
    }
    return (uint8_t)ZydisRegisterGetId(reg);
}

/* Of general-purpose instructions: vectors scale their displacements, and index with vectors. */
static const char *oracle_memory(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *op,
                                 const struct full_insn *i)
{
    for (unsigned int n = 0; n < z->operand_count_visible; n++) {
        const ZydisDecodedOperandMem *m = &op[n].mem;

        if (op[n].type != ZYDIS_OPERAND_TYPE_MEMORY ||
            z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
            !(z->attributes & ZYDIS_ATTRIB_HAS_MODRM) ||
            ZydisRegisterGetClass(m->index) > ZYDIS_REGCLASS_GPR64) {
            continue;
        }
        if (!i->mem || oracle_register(m->index) != i->index) {
            return "another index";
        }
        /* Zydis (4.0) names r13d where a 32-bit address has no base and the prefix REX.B; objdump does not. */
        if (oracle_register(m->base) != i->base &&
            !(m->base == ZYDIS_REGISTER_R13D && z->raw.modrm.mod == 0)) {
            return "another base";
        }
        if (m->index != ZYDIS_REGISTER_NONE && m->scale != 1u << i->scale) {
            return "another scale";
        }
        if (m->disp.has_displacement && m->disp.value != i->disp) {
            return "another displacement";
        }
        /* Zydis takes 3e before an indirect jump for "no tracking", which it is where that is switched on. */
        if (m->type == ZYDIS_MEMOP_TYPE_MEM && i->opcode != 0xff &&
            m->segment != (ZydisRegister)(ZYDIS_REGISTER_ES + i->segment)) {
            return "another segment";
        }
    }
    return NULL;
}

/* What is wrong, or NULL. */
static const char *insn_oracle(const uint8_t *bytes, unsigned int nr, unsigned int mode,
                               unsigned long *compared)
{
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecodedInstruction z;
    static ZydisDecoder decoders[3];
    static int made;
    struct full_insn i;

    if (!made) {
        made = 1;
        ZydisDecoderInit(&decoders[0], ZYDIS_MACHINE_MODE_LONG_COMPAT_16, ZYDIS_STACK_WIDTH_16);
        ZydisDecoderInit(&decoders[1], ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
        ZydisDecoderInit(&decoders[2], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    }
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoders[mode / 32], bytes, nr, &z, op))) {
        return NULL; /* no CPU executes it */
    }
    if (z.mnemonic == ZYDIS_MNEMONIC_JKZD || z.mnemonic == ZYDIS_MNEMONIC_JKNZD) {
        return NULL; /* of a coprocessor, in encodings that are others' on every x86-64 */
    }
    (*compared)++;
    if (!full_insn_decode(bytes, nr, mode, &i)) {
        return "refused";
    }
    if (i.length != z.length) {
        return "another length";
    }
    if (full_insn_silent(&i, mode) != oracle_is_silent(&z, op)) {
        return "silent for one and not for the other";
    }
    return oracle_memory(&z, op, &i);
}

#endif
