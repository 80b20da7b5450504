/* SPDX-License-Identifier: MIT */
/*
 * What a decoded store means: its address, its register operand, and the value and flags that it leaves. Pure.
 * Invariant: emul_alu() changes nothing, so that a compare-and-exchange on the live memory that fails can start again;
 * emul_alu_commit() then changes registers and flags once.
 */
#ifndef PV_EMUL_ALU_H
#define PV_EMUL_ALU_H

#include <stdbool.h>
#include <stdint.h>

#include "emul_decode.h"

/*
 * Linear address of the memory operand. gpr: in hardware order; next_rip: of the following instruction; seg_base: by
 * enum emul_seg, 0 where the mode ignores it. Includes what a bit-string register operand (bts/btr/btc) adds.
 */
uint64_t emul_mem_address(const struct emul_insn *insn, enum emul_mode mode,
                          const uint64_t gpr[EMUL_NR_GPRS], uint64_t next_rip,
                          const uint64_t seg_base[EMUL_SEG_NR]);

/* Value of insn->reg at the operation's width, zero-extended. */
uint64_t emul_reg_value(const struct emul_insn *insn, const uint64_t gpr[EMUL_NR_GPRS]);

/* Writes value to insn->reg at the operation's width: 4-byte writes clear the upper half, smaller ones keep the rest. */
void emul_reg_write(const struct emul_insn *insn, uint64_t gpr[EMUL_NR_GPRS], uint64_t value);

/* Arithmetic flags of RFLAGS (SDM vol. 1, 3.4.3): the only ones that emulated stores change. */
#define EMUL_FLAG_CF 0x001u
#define EMUL_FLAG_PF 0x004u
#define EMUL_FLAG_AF 0x010u
#define EMUL_FLAG_ZF 0x040u
#define EMUL_FLAG_SF 0x080u
#define EMUL_FLAG_OF 0x800u
#define EMUL_FLAGS_ARITHMETIC                                                                      \
    (EMUL_FLAG_CF | EMUL_FLAG_PF | EMUL_FLAG_AF | EMUL_FLAG_ZF | EMUL_FLAG_SF | EMUL_FLAG_OF)

enum emul_writeback {
    EMUL_WRITEBACK_NONE,
    EMUL_WRITEBACK_REG,  /* reg[0] goes to insn->reg: xchg, xadd */
    EMUL_WRITEBACK_RAX,  /* reg[0] goes to al..rax: failed cmpxchg */
    EMUL_WRITEBACK_PAIR, /* reg[0] and reg[1] go to (r)ax and (r)dx: failed cmpxchg8b/16b */
};

struct emul_outcome {
    bool store;        /* false: memory keeps its old value (a failed compare) */
    uint64_t value[2]; /* the new value; value[1] only for 16 bytes */
    uint64_t rflags;
    enum emul_writeback writeback;
    uint64_t reg[2];
};

/*
 * What insn (a store other than movs, with its memory operand holding old[]) would do. old[] is cut to the operand's
 * width; old[1] matters for 16 bytes only. False: insn is not an operation that is computed here.
 */
bool emul_alu(const struct emul_insn *insn, const uint64_t old[2], const uint64_t gpr[EMUL_NR_GPRS],
              uint64_t rflags, struct emul_outcome *outcome) __must_check;

/* Makes the outcome's register and flag changes real. */
void emul_alu_commit(const struct emul_insn *insn, const struct emul_outcome *outcome,
                     uint64_t gpr[EMUL_NR_GPRS], uint64_t *rflags);

#endif
