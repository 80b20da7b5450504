/* SPDX-License-Identifier: MIT */
/*
 * What the files of the emulation share. Each function carries out one kind of instruction and says how far it came.
 * Invariant: registers and memory of the guest change after the last step that may fail, as on a CPU.
 */
#ifndef FULL_TRAP_EMULATE_H
#define FULL_TRAP_EMULATE_H

#include "full/trap/trap.h"

enum trap_outcome {
    DONE,    /* it is behind the guest */
    MOVED,   /* rip is where it goes on: jumps, returns, or an exception that has been raised */
    REFUSE,  /* a general-protection fault, code 0 */
    UNKNOWN, /* not an instruction of ours: the guest gets the fault that the CPU raised */
};

/* ---- emulate.c: operands ---- */
/* To a register at the operand's width, or 16 bits to memory: what SMSW, STR, SLDT and reads of segment registers do. */
enum trap_outcome trap_put16(struct vcpu *v, const struct full_insn *i, uint64_t value);
bool trap_get16(struct vcpu *v, const struct full_insn *i, uint16_t *value);
enum trap_outcome trap_push(struct vcpu *v, unsigned int bytes, uint64_t value);
bool trap_pop(struct vcpu *v, unsigned int bytes, uint64_t *value); /* rsp stays */
/* Bytes that pushes and pops of this instruction move. */
unsigned int trap_stack_bytes(const struct vcpu *v, const struct full_insn *i);

/* ---- control.c ---- */
enum trap_outcome trap_cr_move(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_dr_move(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_msw_set(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_clear_ts(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_msr(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_swap_gs(struct vcpu *v);

/* ---- tables.c ---- */
enum trap_outcome trap_table_load(struct vcpu *v, const struct full_insn *i, enum full_seg_nr nr);
enum trap_outcome trap_table_store(struct vcpu *v, const struct full_insn *i, enum full_seg_nr nr);
enum trap_outcome trap_group_0f00(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_look_at(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_segment(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_far_load(struct vcpu *v, const struct full_insn *i);
enum trap_outcome trap_far_transfer(struct vcpu *v, const struct full_insn *i);

#endif
