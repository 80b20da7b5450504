/* SPDX-License-Identifier: MIT */
/*
 * A small instruction decoder for exits that a CPU tells too little about: moves between a register and device memory, and
 * the lengths of instructions that are intercepted. Pure: sees only the bytes that it is given; what it does not know it
 * refuses. Encodings: APM vol. 3, chapter 1 and appendix A.
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

struct full_insn {
    enum full_insn_kind kind;
    uint16_t opcode; /* 0x0fxx for two bytes */
    uint8_t length;
    uint8_t bytes;     /* of the memory operand */
    uint8_t reg_bytes; /* a load: of the register that is written, at least `bytes` */
    uint8_t reg;       /* 0-15 as encoded */
    bool reg_high;     /* ah, ch, dh, bh for 0..3 */
    bool sign;         /* a load that is longer than its operand extends the sign */
    bool immediate;    /* the store's value is imm */
    uint64_t imm;
};

/* mode: bits of the code segment, 16, 32 or 64. False: not an instruction of those, or cut short. */
bool full_insn_decode(const uint8_t *bytes, unsigned int nr, unsigned int mode,
                      struct full_insn *insn);

#endif
