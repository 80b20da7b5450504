/* SPDX-License-Identifier: MIT */
/*
 * Exceptions, interrupts and changes of privilege as a CPU in long mode makes them, through the guest's own tables: gates, stacks,
 * IRET, SYSCALL and SYSRET, far jumps. Numbers: APM vol. 2, chapter 8. Outside of long mode far jumps are all there is.
 * Invariant: nothing of the guest's state changes before the last access that may fault.
 */
#include "common/compiler.h"
#include "common/string.h"
#include "full/trap/trap.h"
#include "x86/rflags.h"

#define GATE_BYTES     16u
#define GATE_INTERRUPT 0xeu
#define GATE_TRAP      0xfu
#define TSS_RSP(dpl)   (4u + 8u * (dpl))
#define TSS_IST(n)     (0x1cu + 8u * (n))
#define CODE_IDT       2u
#define CODE_EXTERNAL  1u
/* What IRET and POPF can change at all. */
#define FLAGS_ANY                                                                                  \
    (FLAGS_ARITHMETIC | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC |    \
     FLAG_ID)
#define ATTR_CODE64    0xa9bu /* flat, as SYSCALL makes them */
#define ATTR_CODE32    0xcfbu
#define STAR_KERNEL(s) ((uint16_t)((s) >> 32 & 0xfffc))
#define STAR_USER(s)   ((uint16_t)((s) >> 48 | 3))
#define CONTRIBUTORY   (1u << VEC_DE | 1u << VEC_TS | 1u << VEC_NP | 1u << VEC_SS | 1u << VEC_GP)

/* ---- delivery ---- */

struct gate {
    uint64_t rip;
    uint16_t sel;
    uint8_t ist, type, dpl;
};

static uint32_t gate_code(const struct trap_event *e)
{
    return (uint32_t)e->vector * 8 + CODE_IDT + (e->software ? 0 : CODE_EXTERNAL);
}

static bool gate_read(struct vcpu *v, const struct trap_event *e, struct gate *g)
{
    const struct trap_vcpu *t = trap_of(v);
    const struct full_seg *idt = &t->s.seg[SEG_NR_IDTR];
    uint64_t raw[2];

    if (e->vector * GATE_BYTES + GATE_BYTES - 1 > idt->limit) {
        trap_raise(v, VEC_GP, true, gate_code(e));
        return false;
    }
    if (!trap_read(v, idt->base + e->vector * GATE_BYTES, raw, sizeof(raw), 0)) {
        return false;
    }
    *g = (struct gate){.rip = (raw[0] & 0xffff) | (raw[0] >> 32 & 0xffff0000) | raw[1] << 32,
                       .sel = (uint16_t)(raw[0] >> 16),
                       .ist = raw[0] >> 32 & 7,
                       .type = raw[0] >> 40 & 0x1f,
                       .dpl = raw[0] >> 45 & 3};
    if ((g->type != GATE_INTERRUPT && g->type != GATE_TRAP) ||
        (e->software && g->dpl < trap_cpl(t))) {
        trap_raise(v, VEC_GP, true, gate_code(e));
        return false;
    }
    if (!(raw[0] >> 47 & 1)) {
        trap_raise(v, VEC_NP, true, gate_code(e));
        return false;
    }
    return true;
}

/* Where the frame goes: by the gate's stack, by the privilege's, or on the stack at hand. */
static bool stack_find(struct vcpu *v, const struct gate *g, unsigned int cpl, uint64_t *rsp)
{
    const struct trap_vcpu *t = trap_of(v);
    const struct full_seg *tss = &t->s.seg[SEG_NR_TR];
    uint32_t off = g->ist ? TSS_IST(g->ist) : TSS_RSP(cpl);

    if (!g->ist && cpl == trap_cpl(t)) {
        *rsp = v->regs.rsp;
    } else if (off + 7 > tss->limit) {
        trap_raise(v, VEC_TS, true, tss->sel & ~3u);
        return false;
    } else if (!trap_read(v, tss->base + off, rsp, sizeof(*rsp), 0)) {
        return false;
    }
    *rsp &= ~15ul;
    return true;
}

/* False: something else was raised. */
static bool attempt(struct vcpu *v, const struct trap_event *e)
{
    struct trap_vcpu *t = trap_of(v);
    struct cpu_user_regs *r = &v->regs;
    struct full_seg cs;
    struct gate g;
    unsigned int cpl;
    uint64_t rsp, frame[6];
    uint32_t skip = e->has_code ? 0 : 1;

    if (!gate_read(v, e, &g) || !trap_code_segment(v, g.sel, TRAP_GATE, &cs)) {
        return false;
    }
    cpl = cs.attr & 4 ? trap_cpl(t) : cs.attr >> 5 & 3;
    if (!stack_find(v, &g, cpl, &rsp)) {
        return false;
    }
    frame[0] = e->code;
    frame[1] = r->rip;
    frame[2] = t->s.seg[SEG_NR_CS].sel;
    frame[3] = r->rflags;
    frame[4] = r->rsp;
    frame[5] = t->s.seg[SEG_NR_SS].sel;
    rsp -= sizeof(frame) - 8 * skip;
    if (!trap_write(v, rsp, frame + skip, (uint32_t)sizeof(frame) - 8 * skip,
                    cpl == 3 ? PFEC_U : 0)) {
        return false;
    }
    if (cpl != trap_cpl(t)) {
        trap_stack_set(t, (uint16_t)cpl, cpl, false);
    }
    trap_code_set(v, &cs, cpl);
    r->rip = g.rip;
    r->rsp = rsp;
    r->rflags &= ~(FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM);
    if (g.type == GATE_INTERRUPT) {
        r->rflags &= ~FLAG_IF;
    }
    return true;
}

static unsigned int severity(uint8_t vector)
{
    return vector == VEC_PF ? 2 : vector < 32 && CONTRIBUTORY >> vector & 1 ? 1 : 0;
}

void trap_deliver(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);
    struct trap_event e = t->event;

    if (!(t->s.efer & EFER_LMA)) {
        full_crash(v, "exception outside of long mode");
        return;
    }
    t->event.valid = false;
    if (attempt(v, &e)) {
        return;
    }
    if (e.software) {
        v->regs.rip -= e.length;
    }
    if (e.vector == VEC_DF) {
        trap_triple_fault(v);
        return;
    }
    if (severity(e.vector) && severity(t->event.vector) >= 1 &&
        !(severity(e.vector) == 1 && severity(t->event.vector) == 2)) {
        trap_raise(v, VEC_DF, true, 0);
    }
}

/* ---- returns ---- */

/* Flags as the privilege lets them be loaded. */
void trap_flags_load(struct vcpu *v, uint64_t value, unsigned int cpl, uint64_t mask)
{
    unsigned int iopl = v->regs.rflags >> 12 & 3;

    mask &= FLAGS_ANY;
    mask &= cpl == 0 ? ~0ul : ~FLAG_IOPL;
    mask &= cpl <= iopl ? ~0ul : ~FLAG_IF;
    v->regs.rflags = (v->regs.rflags & ~mask) | (value & mask);
}

/* IRET and far returns take so many numbers of so many bytes from the stack. */
static bool pop_at(struct vcpu *v, int64_t offset, unsigned int bytes, unsigned int nr,
                   uint64_t *values)
{
    uint8_t raw[5 * 8];

    if (!trap_read(v, trap_stack(v, offset), raw, bytes * nr, trap_user(v))) {
        return false;
    }
    for (unsigned int i = 0; i < nr; i++) {
        values[i] = 0;
        memcpy(&values[i], raw + i * bytes, bytes);
    }
    return true;
}

static bool pop(struct vcpu *v, unsigned int bytes, unsigned int nr, uint64_t *values)
{
    return pop_at(v, 0, bytes, nr, values);
}

static void outer_segments_drop(struct vcpu *v, unsigned int cpl)
{
    static const uint8_t data[] = {SEG_NR_ES, SEG_NR_DS, SEG_NR_FS, SEG_NR_GS};
    struct trap_vcpu *t = trap_of(v);

    trap_segments_sync(v);
    for (unsigned int i = 0; i < sizeof(data); i++) {
        struct full_seg *s = &t->s.seg[data[i]];

        if (s->sel & ~3u && (s->attr >> 5 & 3) < cpl && (s->attr & 0xc) != 0xc) {
            trap_bases_sync(t);
            s->sel = 0;
            s->attr = 0;
            t->segments_stale = true;
        }
    }
}

/* To code of less privilege, or (IRET of long mode) of the same, with a stack of its own. */
static bool return_to(struct vcpu *v, uint64_t rip, uint16_t cs_sel, uint64_t rsp, uint16_t ss_sel)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int from = trap_cpl(t), to = cs_sel & 3;
    struct full_seg cs, ss = {.sel = ss_sel, .attr = (uint16_t)(to << 5)};
    struct trap_descriptor d;
    bool in_table;

    if (!trap_code_segment(v, cs_sel, TRAP_RETURN, &cs)) {
        return false;
    }
    if (ss_sel & ~3u) {
        if (!trap_descriptor_read(v, ss_sel, &d, &in_table)) {
            return false;
        }
        trap_segment_from(&ss, ss_sel, &d);
        if (!in_table || (ss.attr & 0x1a) != 0x12 || (ss.attr >> 5 & 3) != to ||
            (ss_sel & 3) != to) {
            trap_raise(v, VEC_GP, true, ss_sel & ~3u);
            return false;
        }
        if (!(ss.attr & 0x80)) {
            trap_raise(v, VEC_SS, true, ss_sel & ~3u);
            return false;
        }
    } else if (!(cs.attr & SEG_ATTR_L) || to == 3 || (ss_sel & 3) != to) {
        trap_raise(v, VEC_GP, true, 0);
        return false;
    }
    if (to > from) {
        outer_segments_drop(v, to);
    }
    trap_code_set(v, &cs, to);
    t->s.seg[SEG_NR_SS] = ss;
    v->regs.rip = rip;
    v->regs.rsp = rsp;
    return true;
}

bool trap_iret(struct vcpu *v, const struct full_insn *insn)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int cpl = trap_cpl(t), bytes = insn->operand_bytes;
    uint64_t flags_before = v->regs.rflags, frame[5];
    uint64_t mask = bytes == 2 ? 0xffff : ~0ul;

    if (!(t->s.efer & EFER_LMA)) {
        full_crash(v, "return from an interrupt outside of long mode");
        return false;
    }
    if (flags_before & FLAG_NT || trap_code_bits(t) != 64) {
        trap_raise(v, VEC_GP, true,
                   0); /* a task switch; and a frame of 32-bit code, which needs no kernel */
        return false;
    }
    if (!pop(v, bytes, 5, frame) ||
        !return_to(v, frame[0], (uint16_t)frame[1], frame[3], (uint16_t)frame[4])) {
        return false;
    }
    trap_flags_load(v, frame[2], cpl, mask);
    return true;
}

/* The code segment of a jump that keeps the privilege; in real mode any selector is one. */
static bool far_target(struct vcpu *v, uint16_t sel, enum trap_transfer how, struct full_seg *cs)
{
    struct trap_vcpu *t = trap_of(v);

    if (t->s.cr0 & CR0_PE) {
        return trap_code_segment(v, sel, how, cs);
    }
    *cs = t->s.seg[SEG_NR_CS];
    cs->sel = sel;
    cs->base = (uint64_t)sel << 4;
    return true;
}

bool trap_far_return(struct vcpu *v, const struct full_insn *insn)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int bytes = insn->operand_bytes;
    uint64_t at[4], freed = insn->opcode == 0xca ? insn->imm : 0;
    struct full_seg cs;

    if (!pop(v, bytes, 2, at)) {
        return false;
    }
    if (t->s.cr0 & CR0_PE && (at[1] & 3) > trap_cpl(t)) {
        return pop_at(v, (int64_t)(2 * bytes + freed), bytes, 2, at + 2) &&
               return_to(v, at[0], (uint16_t)at[1], at[2] + freed, (uint16_t)at[3]);
    }
    if (!far_target(v, (uint16_t)at[1], TRAP_RETURN, &cs)) {
        return false;
    }
    trap_stack_move(v, (int64_t)(2 * bytes + freed));
    trap_code_set(v, &cs, trap_cpl(t));
    v->regs.rip = at[0];
    return true;
}

bool trap_far_jump(struct vcpu *v, uint16_t sel, uint64_t offset)
{
    struct trap_vcpu *t = trap_of(v);
    struct full_seg cs;

    if (!far_target(v, sel, TRAP_JUMP, &cs)) {
        return false;
    }
    trap_code_set(v, &cs, t->s.cr0 & CR0_PE ? trap_cpl(t) : sel & 3u);
    v->regs.rip = offset;
    return true;
}

/* ---- system calls ---- */

static struct full_seg flat_code(uint16_t sel, uint16_t attr, unsigned int cpl)
{
    return (struct full_seg){
        .sel = sel, .attr = (uint16_t)((attr & ~(3u << 5)) | cpl << 5), .limit = 0xffffffff};
}

void trap_syscall(struct vcpu *v, bool is64)
{
    struct trap_vcpu *t = trap_of(v);
    struct cpu_user_regs *r = &v->regs;
    uint16_t sel = STAR_KERNEL(t->s.star);
    const struct full_seg cs = flat_code(sel, ATTR_CODE64, 0);

    if (!(t->s.efer & EFER_SCE)) {
        r->rip -= 2;
        trap_raise(v, VEC_UD, false, 0);
        return;
    }
    r->rcx = r->rip;
    r->r11 = r->rflags;
    r->rflags &= ~(t->s.sfmask | FLAG_RF);
    r->rip = is64 ? t->s.lstar : t->s.cstar;
    trap_stack_set(t, (uint16_t)(sel + 8), 0, true);
    trap_code_set(v, &cs, 0);
}

void trap_sysret(struct vcpu *v, const struct full_insn *insn)
{
    struct trap_vcpu *t = trap_of(v);
    struct cpu_user_regs *r = &v->regs;
    bool is64 = insn->operand_bytes == 8;
    uint16_t sel = (uint16_t)(STAR_USER(t->s.star) + (is64 ? 16 : 0));
    const struct full_seg cs = flat_code(sel, is64 ? ATTR_CODE64 : ATTR_CODE32, 3);

    r->rip = is64 ? r->rcx : (uint32_t)r->rcx;
    r->rflags = (r->r11 & FLAGS_ANY & ~FLAG_RF) | 2;
    trap_code_set(v, &cs, 3);
    trap_stack_set(t, (uint16_t)(STAR_USER(t->s.star) + 8), 3, true);
}
