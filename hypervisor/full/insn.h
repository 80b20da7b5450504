/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder of the room: lengths of all instructions, operands of those that the engines emulate, and which are
 * sensitive but do not trap outside ring 0. Pure: sees only the bytes that it is given. What no CPU executes may be answered
 * either way, for executing it is a fault whoever looks at it. Encodings: APM vol. 3, chapter 1 and appendix A.
 */
#ifndef FULL_INSN_H
#define FULL_INSN_H

#include <stdbool.h>
#include <stdint.h>

#define INSN_MAX_BYTES 15u

enum full_insn_kind {
    INSN_OTHER, /* length and opcode are known, the engine knows what it does */
    INSN_LOAD,  /* register from memory */
    INSN_STORE, /* register or immediate to memory */
};

#define INSN_NO_REG 0xffu
#define INSN_RIP    0xfeu /* base: the address of the next instruction */

struct full_insn {
    enum full_insn_kind kind;
    uint16_t
        opcode; /* 0x0fxx for two bytes; 0x3800, 0x3a00 and 0xc400 up: 0f 38, 0f 3a, and VEX, EVEX, XOP */
    uint8_t length;
    uint8_t bytes;     /* of the memory operand */
    uint8_t reg_bytes; /* a load: of the register that is written, at least `bytes` */
    uint8_t reg;       /* 0-15 as encoded */
    bool reg_high;     /* ah, ch, dh, bh for 0..3 */
    bool sign;         /* a load that is longer than its operand extends the sign */
    bool immediate;    /* the store's value is imm */
    uint64_t imm;      /* with its sign, where the opcode gives it one */
    uint64_t imm2;     /* the selector of a far pointer */
    /* what the rest of an engine's emulation looks at */
    uint8_t operand_bytes, address_bytes; /* by prefixes and mode */
    uint8_t rep;                          /* 0, 0xf2, 0xf3 */
    uint8_t modrm, rm;                    /* rm: the register, where modrm names one */
    bool mem;                             /* modrm names memory: */
    uint8_t segment;                      /* 0-5 as encoded: es cs ss ds fs gs */
    uint8_t base, index, scale;
    int64_t disp;
};

/* The middle field of modrm, which is a part of the opcode in groups. */
#define INSN_GROUP(insn) ((insn)->modrm >> 3 & 7)

/* mode: bits of the code segment, 16, 32 or 64. False: not an instruction, or cut short. */
bool full_insn_decode(const uint8_t *bytes, unsigned int nr, unsigned int mode,
                      struct full_insn *insn);

/* Does it show or change the state of the privileged machine without a fault, when it is executed in ring 3? */
bool full_insn_silent(const struct full_insn *insn, unsigned int mode);

/* How the instructions behind it are reached. */
enum full_insn_flow {
    FLOW_NEXT,
    FLOW_BRANCH, /* to the next one or by imm from there: conditional jumps, calls */
    FLOW_JUMP,   /* by imm from the next one */
    FLOW_END,    /* elsewhere, or nowhere */
};
enum full_insn_flow full_insn_flow(const struct full_insn *insn);

#endif
