/* SPDX-License-Identifier: MIT */
/*
 * Instructions on descriptor tables and segment registers, and jumps to other segments, under the trap engine.
 * Invariant: what the guest's tables hold is read at each load, as a CPU does, and believed only for the guest itself.
 */
#include "common/compiler.h"
#include "full/trap/emulate.h"

enum trap_outcome trap_table_load(struct vcpu *v, const struct full_insn *i, enum full_seg_nr nr)
{
    struct trap_vcpu *t = trap_of(v);
    struct {
        uint16_t limit;
        uint64_t base;
    } __packed_struct table = {0};
    bool is64 = trap_code_bits(t) == 64;

    if (!trap_read(v, trap_operand(v, i), &table, is64 ? 10 : 6, trap_user(v))) {
        return MOVED;
    }
    if (is64 && !trap_is_canonical(table.base)) {
        return REFUSE;
    }
    t->s.seg[nr].limit = table.limit;
    t->s.seg[nr].base = is64                    ? table.base
                        : i->operand_bytes == 2 ? table.base & 0xffffff
                                                : (uint32_t)table.base;
    return DONE;
}

enum trap_outcome trap_table_store(struct vcpu *v, const struct full_insn *i, enum full_seg_nr nr)
{
    const struct trap_vcpu *t = trap_of(v);
    struct {
        uint16_t limit;
        uint64_t base;
    } __packed_struct table = {(uint16_t)t->s.seg[nr].limit, t->s.seg[nr].base};

    return trap_write(v, trap_operand(v, i), &table, trap_code_bits(t) == 64 ? 10 : 6, trap_user(v))
               ? DONE
               : MOVED;
}

/* LLDT and LTR. */
static enum trap_outcome system_load(struct vcpu *v, const struct full_insn *i, bool task)
{
    struct trap_vcpu *t = trap_of(v);
    struct full_seg *seg = &t->s.seg[task ? SEG_NR_TR : SEG_NR_LDTR], fresh;
    struct trap_descriptor d;
    unsigned int type;
    uint64_t busy;
    uint16_t sel;
    bool in_table;

    if (!trap_get16(v, i, &sel)) {
        return MOVED;
    }
    if (!task && !(sel & ~3u)) {
        *seg = (struct full_seg){.sel = sel};
        return DONE;
    }
    if (!trap_descriptor_read(v, sel & 0xfffb, &d, &in_table)) {
        return MOVED;
    }
    trap_segment_from(&fresh, sel, &d);
    type = fresh.attr & 0x1f;
    if (sel & 4 || !(sel & ~3u) || !in_table || (task ? type != 9 && type != 1 : type != 2)) {
        trap_raise(v, VEC_GP, true, sel & ~3u);
        return MOVED;
    }
    if (!(fresh.attr & 0x80)) {
        trap_raise(v, VEC_NP, true, sel & ~3u);
        return MOVED;
    }
    busy = d.low | 2ul << 40;
    if (task && !trap_write(v, t->s.seg[SEG_NR_GDTR].base + (sel & ~7u), &busy, sizeof(busy), 0)) {
        return MOVED;
    }
    *seg = fresh;
    seg->attr |= task ? 2 : 0;
    return DONE;
}

/* LAR, LSL, VERR, VERW: may this selector's descriptor be seen, and what is in it? */
enum trap_outcome trap_look_at(struct vcpu *v, const struct full_insn *i)
{
    const struct trap_vcpu *t = trap_of(v);
    bool lar = i->opcode == 0x0f02, lsl = i->opcode == 0x0f03, ok, in_table;
    unsigned int type, dpl, cpl = trap_cpl(t);
    struct trap_descriptor d;
    struct full_seg seg;
    uint16_t sel;

    if (!trap_get16(v, i, &sel) || !trap_descriptor_read(v, sel, &d, &in_table)) {
        return MOVED;
    }
    trap_segment_from(&seg, sel, &d);
    type = seg.attr & 0x1f;
    dpl = seg.attr >> 5 & 3;
    ok = in_table && sel & ~3u && ((type & 0x1c) == 0x1c || dpl >= MAX(cpl, sel & 3u));
    if (lar) {
        ok = ok && (type & 0x10 || type == 2 || type == 9 || type == 0xb || type == 0xc);
    } else if (lsl) {
        ok = ok && (type & 0x10 || type == 2 || type == 9 || type == 0xb);
    } else {
        ok = ok && type & 0x10 &&
             (INSN_GROUP(i) == 4 ? (type & 0xa) != 8
                                 : (type & 0xa) == 2); /* readable; data, writable */
    }
    if (ok && lar) {
        full_register_set(v, i->reg, i->operand_bytes, d.low >> 32 & 0xffff00);
    } else if (ok && lsl) {
        full_register_set(v, i->reg, i->operand_bytes, seg.limit);
    }
    v->regs.rflags = ok ? v->regs.rflags | FLAG_ZF : v->regs.rflags & ~FLAG_ZF;
    return DONE;
}

/* By the register's number in the encoding, which is that of enum full_seg_nr. */
static enum trap_outcome segment_load(struct vcpu *v, const struct full_insn *i, unsigned int nr,
                                      uint16_t sel)
{
    if (nr > 5 || nr == SEG_NR_CS) {
        trap_raise(v, VEC_UD, false, 0);
        return MOVED;
    }
    if (!trap_segment_set(v, nr, sel)) {
        return MOVED;
    }
    if (nr == SEG_NR_SS) {
        trap_of(v)->shadow_at = v->regs.rip + i->length;
    }
    return DONE;
}

enum trap_outcome trap_segment(struct vcpu *v, const struct full_insn *i)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int nr = INSN_GROUP(i), bytes = trap_stack_bytes(v, i);
    enum trap_outcome o;
    uint64_t popped;
    uint16_t sel;

    switch (i->opcode) {
    case 0x8c:
        return nr > 5 ? UNKNOWN : trap_put16(v, i, t->s.seg[nr].sel);
    case 0x8e:
        return trap_get16(v, i, &sel) ? segment_load(v, i, nr, sel) : MOVED;
    default: /* 06 0e 16 1e 0fa0 0fa8: pushes; the next number pops */
        nr = i->opcode >> 3 & 7;
        nr = i->opcode & 0x80 ? nr & 1 ? SEG_NR_GS : SEG_NR_FS : nr;
        if (!(i->opcode & 1)) {
            return trap_push(v, bytes, t->s.seg[nr].sel);
        }
        if (!trap_pop(v, bytes, &popped)) {
            return MOVED;
        }
        o = segment_load(v, i, nr, (uint16_t)popped);
        if (o == DONE) {
            trap_stack_move(v, bytes);
        }
        return o;
    }
}

/* LDS, LES, LSS, LFS, LGS. */
enum trap_outcome trap_far_load(struct vcpu *v, const struct full_insn *i)
{
    unsigned int nr = i->opcode == 0xc4   ? SEG_NR_ES
                      : i->opcode == 0xc5 ? SEG_NR_DS
                                          : i->opcode & 7; /* 0fb2 ss, 0fb4 fs, 0fb5 gs */
    uint64_t offset = 0, at = trap_operand(v, i);
    uint16_t sel;
    enum trap_outcome o;

    if (!trap_read(v, at, &offset, i->operand_bytes, trap_user(v)) ||
        !trap_read(v, at + i->operand_bytes, &sel, sizeof(sel), trap_user(v))) {
        return MOVED;
    }
    o = segment_load(v, i, nr, sel);
    if (o == DONE) {
        full_register_set(v, i->reg, i->operand_bytes, offset);
    }
    return o;
}

/* JMP and CALL to another segment: the target in the instruction or in memory. */
enum trap_outcome trap_far_transfer(struct vcpu *v, const struct full_insn *i)
{
    const struct trap_vcpu *t = trap_of(v);
    bool in_memory = i->opcode == 0xff;
    bool call = i->opcode == 0x9a || (i->opcode == 0xff && INSN_GROUP(i) == 3);
    uint64_t offset = i->imm & (~0ul >> (64 - 8 * i->operand_bytes)), at, rip;
    uint16_t sel = (uint16_t)i->imm2;
    uint64_t frame[2] = {v->regs.rip + i->length, t->s.seg[SEG_NR_CS].sel};

    if (in_memory && (!i->mem || (INSN_GROUP(i) != 3 && INSN_GROUP(i) != 5))) {
        return UNKNOWN; /* others of the group */
    }
    if (in_memory) {
        offset = 0;
        at = trap_operand(v, i);
        if (!trap_read(v, at, &offset, i->operand_bytes, trap_user(v)) ||
            !trap_read(v, at + i->operand_bytes, &sel, sizeof(sel), trap_user(v))) {
            return MOVED;
        }
    }
    rip = v->regs.rip;
    if (call && (trap_push(v, i->operand_bytes, frame[1]) != DONE)) {
        return MOVED;
    }
    if (call && trap_push(v, i->operand_bytes, frame[0]) != DONE) {
        trap_stack_move(v, i->operand_bytes);
        return MOVED;
    }
    if (!trap_far_jump(v, sel, offset)) {
        v->regs.rip = rip;
        trap_stack_move(v, call ? 2 * i->operand_bytes : 0);
    }
    return MOVED;
}

enum trap_outcome trap_group_0f00(struct vcpu *v, const struct full_insn *i)
{
    const struct trap_vcpu *t = trap_of(v);

    if (trap_cpl(t) && (INSN_GROUP(i) == 2 || INSN_GROUP(i) == 3)) {
        return REFUSE;
    }
    switch (INSN_GROUP(i)) {
    case 0:
        return trap_put16(v, i, t->s.seg[SEG_NR_LDTR].sel);
    case 1:
        return trap_put16(v, i, t->s.seg[SEG_NR_TR].sel);
    case 2:
        return system_load(v, i, false);
    case 3:
        return system_load(v, i, true);
    case 4:
    case 5:
        return trap_look_at(v, i);
    default:
        return UNKNOWN;
    }
}
