/* SPDX-License-Identifier: MIT */
/*
 * The guest's segments: read from its own tables, kept as a CPU would keep them, and shown to the real CPU. 64-bit code gets the
 * hypervisor's flat selectors; for other code an LDT of the vCPU holds what the six registers mean, at privilege 3.
 * Invariant: the CPU's GDT shows nothing of the guest's, so every load of a selector that is not null comes here as a fault.
 */
#include "common/errno.h"
#include "debug/panic.h"
#include "full/trap/trap.h"
#include "x86/guest_state.h"
#include "x86/layout.h"
#include "x86/uaccess.h"

#define ATTR_P        0x80u
#define ATTR_S        0x10u
#define ATTR_CODE     0x08u
#define ATTR_WRITABLE 0x02u /* of data; of code: readable */
#define ATTR_DPL(a)   ((a) >> 5 & 3)
#define ATTR_G        (1u << 11)
#define DESC_ACCESSED (1ul << 40)
#define SEL_LDT_BIT   4u
#define FLAT_LIMIT    0xffffffffu

/* ---- to and from the CPU ---- */

static uint64_t descriptor_of(const struct full_seg *s)
{
    uint32_t limit = s->attr & ATTR_G ? s->limit >> 12 : s->limit;
    /* privilege 3, never 64-bit; accessed, so that the CPU need not write it */
    uint64_t attr = (s->attr | 3u << 5 | 1u) & ~SEG_ATTR_L;

    return (limit & 0xffff) | (s->base & 0xffffff) << 16 | (attr & 0xff) << 40 |
           (uint64_t)(limit >> 16 & 0xf) << 48 | (attr >> 8 & 0xf) << 52 |
           (s->base >> 24 & 0xff) << 56;
}

static bool is_usable(const struct full_seg *s)
{
    return (s->attr & (ATTR_P | ATTR_S)) == (ATTR_P | ATTR_S);
}

/* A descriptor that a CPU would not have loaded (the control domain may set any state) becomes a null selector. */
static uint16_t load(unsigned int nr, uint16_t sel)
{
    static const enum seg_reg reg[TRAP_SEGS] = {SEG_ES, SEG_DS, SEG_DS, SEG_DS, SEG_FS, SEG_GS};

    if (segment_load_safe(reg[nr], sel)) {
        sel = 0;
        if (segment_load_safe(reg[nr], 0)) {
            panic("null selector refused");
        }
    }
    return sel;
}

void trap_bases_sync(struct trap_vcpu *t)
{
    if (t->loaded) {
        t->s.seg[SEG_NR_FS].base = rdmsr(MSR_FS_BASE);
        t->s.seg[SEG_NR_GS].base = rdmsr(MSR_GS_BASE);
    }
}

void trap_segments_load(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);
    bool is64 = trap_code_bits(t) == 64;

    trap_bases_sync(t);
    for (unsigned int i = 0; i < TRAP_SEGS; i++) {
        const struct full_seg *s = &t->s.seg[i];
        bool usable = is_usable(s);

        t->ldt[i + 1] = usable && !is64 ? descriptor_of(s) : 0;
        t->selector[i] = is64     ? (s->sel & ~3u ? SEL_GUEST_DS : 0)
                         : usable ? (uint16_t)((i + 1) << 3 | SEL_LDT_BIT | 3)
                                  : 0;
        if (i != SEG_NR_CS && i != SEG_NR_SS) {
            t->selector[i] = load(i, t->selector[i]);
        }
    }
    if (is64) {
        wrmsr(MSR_FS_BASE, t->s.seg[SEG_NR_FS].base);
        wrmsr(MSR_GS_BASE, t->s.seg[SEG_NR_GS].base);
    }
    t->loaded = true;
    t->segments_stale = false;
}

static uint16_t selector_read(unsigned int nr)
{
    switch (nr) {
    case SEG_NR_ES:
        return read_selector_es();
    case SEG_NR_DS:
        return read_selector_ds();
    case SEG_NR_FS:
        return read_selector_fs();
    default:
        return read_selector_gs();
    }
}

bool trap_segments_sync(struct vcpu *v)
{
    static const uint8_t data[] = {SEG_NR_ES, SEG_NR_DS, SEG_NR_FS, SEG_NR_GS};
    struct trap_vcpu *t = trap_of(v);
    bool changed = false;

    for (unsigned int i = 0; t->loaded && i < sizeof(data); i++) {
        struct full_seg *s = &t->s.seg[data[i]];
        uint16_t sel = selector_read(data[i]);

        if (sel == t->selector[data[i]]) {
            continue;
        }
        t->selector[data[i]] = s->sel = sel;
        if (!(t->s.cr0 & CR0_PE)) {
            s->base = (uint64_t)sel << 4;
            t->segments_stale = changed = true;
        } else {
            s->attr = 0;
        }
    }
    return changed;
}

/* ---- from the guest's tables ---- */

bool trap_descriptor_read(struct vcpu *v, uint16_t sel, struct trap_descriptor *d, bool *in_table)
{
    const struct trap_vcpu *t = trap_of(v);
    const struct full_seg *table = &t->s.seg[sel & SEL_LDT_BIT ? SEG_NR_LDTR : SEG_NR_GDTR];
    uint32_t off = sel & ~7u;
    bool usable = !(sel & SEL_LDT_BIT) || table->attr & ATTR_P;

    *d = (struct trap_descriptor){0};
    *in_table = usable && off + 7 <= table->limit;
    if (!*in_table) {
        return true;
    }
    if (!trap_read(v, table->base + off, &d->low, sizeof(d->low), 0)) {
        return false;
    }
    if (!(d->low >> 40 & ATTR_S) &&
        t->s.efer & EFER_LMA) { /* a system descriptor of long mode is as long again */
        *in_table = off + 15 <= table->limit;
        return !*in_table || trap_read(v, table->base + off + 8, &d->high, sizeof(d->high), 0);
    }
    return true;
}

void trap_segment_from(struct full_seg *seg, uint16_t sel, const struct trap_descriptor *d)
{
    uint64_t low = d->low;
    uint32_t limit = (uint32_t)((low & 0xffff) | (low >> 32 & 0xf0000));

    seg->sel = sel;
    seg->attr = (uint16_t)((low >> 40 & 0xff) | (low >> 44 & 0xf00));
    seg->limit = seg->attr & ATTR_G ? limit << 12 | 0xfff : limit;
    seg->base = (low >> 16 & 0xffffff) | (low >> 32 & 0xff000000) | d->high << 32;
}

/* The CPU notes in the descriptor that it has been loaded. */
static bool mark_accessed(struct vcpu *v, uint16_t sel, const struct trap_descriptor *d)
{
    const struct full_seg *table =
        &trap_of(v)->s.seg[sel & SEL_LDT_BIT ? SEG_NR_LDTR : SEG_NR_GDTR];
    uint64_t low = d->low | DESC_ACCESSED;

    return low == d->low || trap_write(v, table->base + (sel & ~7u), &low, sizeof(low), 0);
}

static bool refuse(struct vcpu *v, uint8_t vector, uint16_t sel)
{
    trap_raise(v, vector, true, sel & ~3u);
    return false;
}

static bool null_set(struct vcpu *v, enum full_seg_nr nr, uint16_t sel)
{
    struct trap_vcpu *t = trap_of(v);

    if (nr == SEG_NR_SS &&
        (trap_code_bits(t) != 64 || trap_cpl(t) == 3 || (sel & 3) != trap_cpl(t))) {
        return refuse(v, VEC_GP, 0);
    }
    t->s.seg[nr] =
        (struct full_seg){.sel = sel,
                          .attr = nr == SEG_NR_SS ? (uint16_t)(trap_cpl(t) << 5) : 0,
                          .base = nr >= SEG_NR_FS && !cpu_features.amd ? 0 : t->s.seg[nr].base};
    t->segments_stale = true;
    return true;
}

bool trap_segment_set(struct vcpu *v, enum full_seg_nr nr, uint16_t sel)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int cpl = trap_cpl(t), rpl = sel & 3, dpl, attr;
    struct trap_descriptor d;
    bool in_table, ok;

    trap_bases_sync(t);
    if (!(t->s.cr0 & CR0_PE)) {
        t->s.seg[nr].sel = sel;
        t->s.seg[nr].base = (uint64_t)sel << 4;
        t->segments_stale = true;
        return true;
    }
    if (!(sel & ~3u)) {
        return null_set(v, nr, sel);
    }
    if (!trap_descriptor_read(v, sel, &d, &in_table)) {
        return false;
    }
    attr = d.low >> 40 & 0xff;
    dpl = ATTR_DPL(attr);
    if (nr == SEG_NR_SS) {
        ok = !(attr & ATTR_CODE) && attr & ATTR_WRITABLE && rpl == cpl && dpl == cpl;
    } else {
        ok = (!(attr & ATTR_CODE) || attr & ATTR_WRITABLE) &&
             ((attr & (ATTR_CODE | 4)) == (ATTR_CODE | 4) || dpl >= MAX(cpl, rpl));
    }
    if (!in_table || !(attr & ATTR_S) || !ok) {
        return refuse(v, VEC_GP, sel);
    }
    if (!(attr & ATTR_P)) {
        return refuse(v, nr == SEG_NR_SS ? VEC_SS : VEC_NP, sel);
    }
    if (!mark_accessed(v, sel, &d)) {
        return false;
    }
    trap_segment_from(&t->s.seg[nr], sel, &d);
    t->segments_stale = true;
    return true;
}

/*
 * A code segment that a far jump (to the same privilege), a far return or IRET (to `rpl_least` or less privilege), or a gate
 * names. Privilege of a return is the selector's.
 */
bool trap_code_segment(struct vcpu *v, uint16_t sel, enum trap_transfer how, struct full_seg *cs)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int cpl = trap_cpl(t), attr, dpl;
    struct trap_descriptor d;
    bool in_table, ok, conforming;

    if (!(sel & ~3u)) {
        return refuse(v, VEC_GP, 0);
    }
    if (!trap_descriptor_read(v, sel, &d, &in_table)) {
        return false;
    }
    trap_segment_from(cs, sel, &d);
    attr = cs->attr;
    dpl = ATTR_DPL(attr);
    conforming = attr & 4;
    switch (how) {
    case TRAP_RETURN:
        ok = (sel & 3u) >= cpl && (conforming ? dpl <= (sel & 3u) : dpl == (sel & 3u));
        break;
    case TRAP_GATE:
        ok = dpl <= cpl && attr & (SEG_ATTR_L | SEG_ATTR_DB);
        break;
    default:
        ok = conforming ? dpl <= cpl : dpl == cpl && (sel & 3u) <= cpl;
        break;
    }
    ok = ok && in_table && (attr & (ATTR_S | ATTR_CODE)) == (ATTR_S | ATTR_CODE) &&
         (attr & (SEG_ATTR_L | SEG_ATTR_DB)) != (SEG_ATTR_L | SEG_ATTR_DB);
    if (!ok) {
        return refuse(v, VEC_GP, sel);
    }
    if (!(attr & ATTR_P)) {
        return refuse(v, VEC_NP, sel);
    }
    return mark_accessed(v, sel, &d);
}

/* Code goes on in this segment, at this privilege. */
void trap_code_set(struct vcpu *v, const struct full_seg *cs, unsigned int cpl)
{
    struct trap_vcpu *t = trap_of(v);
    struct full_seg *now = &t->s.seg[SEG_NR_CS];
    unsigned int was = trap_code_bits(t), was_cpl = now->sel & 3;

    trap_bases_sync(t);
    *now = *cs;
    now->sel = (uint16_t)((cs->sel & ~3u) | cpl);
    if (trap_code_bits(t) == was && was == 64) {
        return;
    }
    t->segments_stale = true;
    if (trap_code_bits(t) != was && was_cpl != 3 &&
        cpl != 3) { /* a kernel's: its code was scanned as the other kind */
        trap_shadow_drop_code(v->domain->full);
    }
}

/* What SYSCALL, SYSRET and gates leave in SS. */
void trap_stack_set(struct trap_vcpu *t, uint16_t sel, unsigned int cpl, bool flat)
{
    t->s.seg[SEG_NR_SS] = (struct full_seg){
        .sel = sel,
        .attr = (uint16_t)((flat ? ATTR_P | ATTR_S | 3u | SEG_ATTR_DB | ATTR_G : 0) | cpl << 5),
        .limit = flat ? FLAT_LIMIT : 0};
}
