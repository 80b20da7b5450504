/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions, and those that scanned code traps for: what each does to the machine that the guest believes in.
 * Invariant: the instruction is read from the guest's memory, where it stands as the guest wrote it, whatever the CPU has executed;
 * each is a bounded amount of work.
 */
#include "full/trap/emulate.h"

#include "common/compiler.h"
#include "common/errno.h"

#define TSS_IOMAP 0x66u

static unsigned int io_bytes(const struct full_insn *i)
{
    return !(i->opcode & 1) ? 1 : i->operand_bytes == 2 ? 2 : 4;
}

/* To a register at the operand's width, or 16 bits to memory: what SMSW, STR, SLDT and reads of segment registers do. */
enum trap_outcome trap_put16(struct vcpu *v, const struct full_insn *i, uint64_t value)
{
    uint16_t low = (uint16_t)value;

    if (!i->mem) {
        full_register_set(v, i->rm, i->operand_bytes, value);
        return DONE;
    }
    return trap_write(v, trap_operand(v, i), &low, sizeof(low), trap_user(v)) ? DONE : MOVED;
}

bool trap_get16(struct vcpu *v, const struct full_insn *i, uint16_t *value)
{
    if (!i->mem) {
        *value = (uint16_t)*full_register(v, i->rm);
        return true;
    }
    return trap_read(v, trap_operand(v, i), value, sizeof(*value), trap_user(v));
}

enum trap_outcome trap_push(struct vcpu *v, unsigned int bytes, uint64_t value)
{
    if (!trap_write(v, trap_stack(v, -(int64_t)bytes), &value, bytes, trap_user(v))) {
        return MOVED;
    }
    trap_stack_move(v, -(int64_t)bytes);
    return DONE;
}

bool trap_pop(struct vcpu *v, unsigned int bytes, uint64_t *value)
{
    *value = 0;
    return trap_read(v, trap_stack(v, 0), value, bytes, trap_user(v));
}

/* Bytes that pushes and pops of this instruction move. */
unsigned int trap_stack_bytes(const struct vcpu *v, const struct full_insn *i)
{
    return trap_code_bits(trap_of(v)) == 64 && i->operand_bytes == 4 ? 8 : i->operand_bytes;
}

/* ---- flags ---- */

static enum trap_outcome flags(struct vcpu *v, const struct full_insn *i)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int cpl = trap_cpl(t), iopl = v->regs.rflags >> 12 & 3, bytes = trap_stack_bytes(v, i);
    uint64_t value;

    switch (i->opcode) {
    case 0xfa:
    case 0xfb:
        if (cpl > iopl) {
            return REFUSE;
        }
        if (i->opcode == 0xfb && !(v->regs.rflags & FLAG_IF)) {
            t->shadow_at = v->regs.rip + i->length;
        }
        v->regs.rflags = i->opcode == 0xfb ? v->regs.rflags | FLAG_IF : v->regs.rflags & ~FLAG_IF;
        return DONE;
    case 0x9c:
        return trap_push(v, bytes, v->regs.rflags & ~(FLAG_RF | FLAG_VM));
    default:
        if (!trap_pop(v, bytes, &value)) {
            return MOVED;
        }
        trap_stack_move(v, bytes);
        trap_flags_load(v, value, cpl, (bytes == 2 ? 0xffff : ~0ul) & ~FLAG_RF);
        return DONE;
    }
}

/* ---- ports ---- */

static bool port_allowed(struct vcpu *v, uint16_t port, unsigned int bytes)
{
    const struct trap_vcpu *t = trap_of(v);
    const struct full_seg *tss = &t->s.seg[SEG_NR_TR];
    uint16_t map, bits;

    if (trap_cpl(t) <= (v->regs.rflags >> 12 & 3) || !(t->s.cr0 & CR0_PE)) {
        return true;
    }
    if (tss->limit < TSS_IOMAP + 1 || !trap_read(v, tss->base + TSS_IOMAP, &map, sizeof(map), 0)) {
        return false;
    }
    map = (uint16_t)(map + port / 8);
    return map + 1u <= tss->limit && trap_read(v, tss->base + map, &bits, sizeof(bits), 0) &&
           !(bits >> port % 8 & ((1u << bytes) - 1));
}

static enum trap_outcome port(struct vcpu *v, const struct full_insn *i)
{
    struct trap_vcpu *t = trap_of(v);
    bool write = i->opcode & 2;
    uint16_t nr = i->opcode & 8 ? (uint16_t)v->regs.rdx : (uint8_t)i->imm;
    struct full_insn acc = {.bytes = (uint8_t)io_bytes(i), .reg_bytes = (uint8_t)io_bytes(i)};

    if (!port_allowed(v, nr, acc.bytes)) {
        return t->event.valid ? MOVED : REFUSE;
    }
    trap_behind(v, i); /* before a device model may keep it waiting */
    full_port(v, nr, &acc, write, (uint32_t)v->regs.rax);
    return MOVED;
}

static enum trap_outcome port_string(struct vcpu *v, const struct full_insn *i)
{
    if (!port_allowed(v, (uint16_t)v->regs.rdx, io_bytes(i))) {
        return trap_of(v)->event.valid ? MOVED : REFUSE;
    }
    full_string(v, i);
    return MOVED;
}

/* ---- the others ---- */

static enum trap_outcome halt(struct vcpu *v, const struct full_insn *i)
{
    (void)i;
    full_halt(v);
    return DONE;
}

static enum trap_outcome software_interrupt(struct vcpu *v, const struct full_insn *i)
{
    trap_behind(v, i);
    trap_of(v)->event = (struct trap_event){
        .valid = true, .software = true, .length = i->length, .vector = (uint8_t)i->imm};
    return MOVED;
}

static enum trap_outcome return_far(struct vcpu *v, const struct full_insn *i)
{
    (void)!(i->opcode == 0xcf ? trap_iret(v, i) : trap_far_return(v, i));
    return MOVED;
}

static enum trap_outcome sysret(struct vcpu *v, const struct full_insn *i)
{
    if (!(trap_of(v)->s.efer & EFER_SCE)) {
        return UNKNOWN;
    }
    trap_sysret(v, i);
    return MOVED;
}

/* The caches are the machine's, and coherent. */
static enum trap_outcome caches(struct vcpu *v, const struct full_insn *i)
{
    (void)v;
    (void)i;
    return DONE;
}

static enum trap_outcome identify(struct vcpu *v, const struct full_insn *i)
{
    (void)i;
    full_cpuid(v);
    return DONE;
}

/* Of this group ring 3 may only store. */
static enum trap_outcome group_0f01(struct vcpu *v, const struct full_insn *i)
{
    const struct trap_vcpu *t = trap_of(v);

    if (trap_cpl(t) &&
        (i->modrm == 0xf8 || INSN_GROUP(i) == 2 || INSN_GROUP(i) == 3 || INSN_GROUP(i) >= 6)) {
        return REFUSE;
    }
    if (i->modrm == 0xf8 && trap_code_bits(t) == 64) {
        return trap_swap_gs(v);
    }
    switch (INSN_GROUP(i) | (i->mem ? 0 : 8)) {
    case 0:
        return trap_table_store(v, i, SEG_NR_GDTR);
    case 1:
        return trap_table_store(v, i, SEG_NR_IDTR);
    case 2:
        return trap_table_load(v, i, SEG_NR_GDTR);
    case 3:
        return trap_table_load(v, i, SEG_NR_IDTR);
    case 4:
    case 12:
        return trap_put16(v, i, t->s.cr0);
    case 6:
    case 14:
        return trap_msw_set(v, i);
    case 7: /* INVLPG: of a large page many translations are cached, so all are forgotten */
        trap_of(v)->flush = true;
        return DONE;
    default:
        return UNKNOWN;
    }
}

/* ---- by the opcode ---- */

#define E(name) XENOLITH_EXIT_##name

static const struct row {
    uint16_t first, last; /* opcodes */
    enum trap_outcome (*emulate)(struct vcpu *v, const struct full_insn *i);
    uint8_t reason;
    bool privileged; /* for the guest as well: its ring 3 gets a fault */
} rows[] = {
    {0xfa, 0xfb, flags, E(FLAGS), false},
    {0x9c, 0x9d, flags, E(FLAGS), false},
    {0xcf, 0xcf, return_far, E(SYSCALL), false},
    {0x0f07, 0x0f07, sysret, E(SYSCALL), true},
    {0xf4, 0xf4, halt, E(HALT), true},
    {0x6c, 0x6f, port_string, E(PORT), false},
    {0xe4, 0xe7, port, E(PORT), false},
    {0xec, 0xef, port, E(PORT), false},
    {0x0f20, 0x0f20, trap_cr_move, E(CONTROL), true},
    {0x0f22, 0x0f22, trap_cr_move, E(CONTROL), true},
    {0x0f06, 0x0f06, trap_clear_ts, E(CONTROL), true},
    {0x0f01, 0x0f01, group_0f01, E(CONTROL), false},
    {0x0f21, 0x0f21, trap_dr_move, E(DEBUG_REGISTER), true},
    {0x0f23, 0x0f23, trap_dr_move, E(DEBUG_REGISTER), true},
    {0x0f30, 0x0f30, trap_msr, E(MSR), true},
    {0x0f32, 0x0f32, trap_msr, E(MSR), true},
    {0x0fa2, 0x0fa2, identify, E(CPUID), false},
    {0xcd, 0xcd, software_interrupt, E(EXCEPTION), false},
    {0xca, 0xcb, return_far, E(PRIVILEGED), false},
    {0x9a, 0x9a, trap_far_transfer, E(PRIVILEGED), false},
    {0xea, 0xea, trap_far_transfer, E(PRIVILEGED), false},
    {0xff, 0xff, trap_far_transfer, E(PRIVILEGED), false},
    {0x8c, 0x8c, trap_segment, E(PRIVILEGED), false},
    {0x8e, 0x8e, trap_segment, E(PRIVILEGED), false},
    {0x06, 0x07, trap_segment, E(PRIVILEGED), false},
    {0x0e, 0x0e, trap_segment, E(PRIVILEGED), false},
    {0x16, 0x17, trap_segment, E(PRIVILEGED), false},
    {0x1e, 0x1f, trap_segment, E(PRIVILEGED), false},
    {0x0fa0, 0x0fa1, trap_segment, E(PRIVILEGED), false},
    {0x0fa8, 0x0fa9, trap_segment, E(PRIVILEGED), false},
    {0xc4, 0xc5, trap_far_load, E(PRIVILEGED), false},
    {0x0fb2, 0x0fb2, trap_far_load, E(PRIVILEGED), false},
    {0x0fb4, 0x0fb5, trap_far_load, E(PRIVILEGED), false},
    {0x0f00, 0x0f00, trap_group_0f00, E(PRIVILEGED), false},
    {0x0f02, 0x0f03, trap_look_at, E(PRIVILEGED), false},
    {0x0f08, 0x0f09, caches, E(PRIVILEGED), true},
};

static const struct row *row_of(uint16_t opcode)
{
    for (unsigned int n = 0; n < ARRAY_SIZE(rows); n++) {
        if (opcode >= rows[n].first && opcode <= rows[n].last) {
            return &rows[n];
        }
    }
    return NULL;
}

/* Not an instruction of ours, or not in this form. */
static void not_ours(struct vcpu *v, uint8_t vector, uint32_t code, bool segments_changed)
{
    if (trap_is_patched(v)) {
        trap_step_code(v);
    } else if (
        !segments_changed) { /* else real mode has loaded selector 0, which the CPU took for null: now it means memory */
        trap_raise(v, vector, vector != VEC_UD, code);
    }
}

void trap_emulate(struct vcpu *v, uint8_t vector, uint32_t code)
{
    bool changed = trap_segments_sync(v), refused;
    enum trap_outcome o = UNKNOWN;
    const struct row *row = NULL;
    struct full_insn i;

    if (full_insn_at_rip(v, &i) == 0) {
        row = row_of(i.opcode);
    }
    refused = row && row->privileged && trap_cpl(trap_of(v));
    trap_count(v, row && !refused ? row->reason : XENOLITH_EXIT_EXCEPTION);
    if (row) {
        o = refused ? REFUSE : row->emulate(v, &i);
    }
    switch (o) {
    case DONE:
        trap_behind(v, &i);
        break;
    case MOVED:
        break;
    case REFUSE:
        trap_raise(v, VEC_GP, true, 0);
        break;
    default:
        not_ours(v, vector, code, changed);
        break;
    }
}
