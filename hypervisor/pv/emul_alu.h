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
#include "x86/rflags.h"

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

enum emul_writeback {
    EMUL_WRITEBACK_NONE,
    EMUL_WRITEBACK_REG, /* reg goes to insn->reg: xchg */
    EMUL_WRITEBACK_RAX, /* reg goes to al..rax: failed cmpxchg */
};

struct emul_outcome {
    bool store;     /* false: memory keeps its old value (a failed compare) */
    uint64_t value; /* the new value */
    uint64_t rflags;
    enum emul_writeback writeback;
    uint64_t reg;
};

/* What insn, a store, does where its operand holds `old`. False: insn is not an operation that is computed here. */
bool emul_alu(const struct emul_insn *insn, uint64_t old, const uint64_t gpr[EMUL_NR_GPRS], uint64_t rflags,
              struct emul_outcome *outcome) __must_check;

/* Makes the outcome's register and flag changes real. */
void emul_alu_commit(const struct emul_insn *insn, const struct emul_outcome *outcome,
                     uint64_t gpr[EMUL_NR_GPRS], uint64_t *rflags);

#endif
