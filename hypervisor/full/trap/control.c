/* SPDX-License-Identifier: MIT */
/*
 * Control, debug and model-specific registers of a vCPU under the trap engine.
 * Invariant: of CR0 and CR4 the CPU has what user code notices (TS, TSD, FSGSBASE), and nothing else of the guest's.
 */
#include "full/trap/emulate.h"

#define CR0_FIXED CR0_ET
#define CR0_CACHE (3ul << 29) /* NW, CD */
#define CR0_KNOWN                                                                                  \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_CACHE | CR0_PG)
#define CR4_KNOWN                                                                                  \
    (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE |      \
     CR4_OSFXSR | CR4_OSXMMEXCPT)
#define EFER_MAY_SET (EFER_SCE | EFER_LME | EFER_NXE)
#define CR0_SHADOWS  (CR0_PE | CR0_PG | CR0_WP) /* what the shadow tables depend on */
#define MSW_BITS     0xful

static enum trap_outcome cr0_set(struct vcpu *v, uint64_t value)
{
    struct trap_vcpu *t = trap_of(v);
    uint64_t was = t->s.cr0;

    value = (value & CR0_KNOWN) | CR0_FIXED;
    if ((value & CR0_PG && !(value & CR0_PE)) || (value & CR0_CACHE) == 1ul << 29) {
        return REFUSE;
    }
    if (~was & value & CR0_PG) {
        if (t->s.efer & EFER_LME && !(t->s.cr4 & CR4_PAE)) {
            return REFUSE;
        }
        t->s.efer |= t->s.efer & EFER_LME ? EFER_LMA : 0;
    } else if (was & ~value & CR0_PG) {
        if (trap_code_bits(t) == 64) {
            return REFUSE;
        }
        t->s.efer &= ~EFER_LMA;
    }
    t->s.cr0 = value;
    if ((was ^ value) & CR0_SHADOWS) {
        t->flush = true;
    }
    trap_cpu_registers(v);
    return DONE;
}

static enum trap_outcome cr_set(struct vcpu *v, unsigned int nr, uint64_t value)
{
    struct trap_vcpu *t = trap_of(v);

    switch (nr) {
    case 0:
        return cr0_set(v, value);
    case 2:
        t->s.cr2 = value;
        return DONE;
    case 3:
        t->s.cr3 = value & ~(1ul << 63);
        t->flush = true;
        return DONE;
    case 4:
        if (value & ~(CR4_KNOWN | (cpu_features.fsgsbase ? CR4_FSGSBASE : 0)) ||
            (t->s.efer & EFER_LMA && !(value & CR4_PAE))) {
            return REFUSE;
        }
        t->s.cr4 = value;
        t->flush = true;
        trap_cpu_registers(v);
        return DONE;
    case 8:
        if (value > 15) {
            return REFUSE;
        }
        full_set_tpr(v, (uint8_t)value);
        return DONE;
    default:
        return UNKNOWN;
    }
}

enum trap_outcome trap_cr_move(struct vcpu *v, const struct full_insn *i)
{
    const struct trap_vcpu *t = trap_of(v);
    const uint64_t value[] = {t->s.cr0, 0, t->s.cr2, t->s.cr3, t->s.cr4};

    if (i->opcode == 0x0f22) {
        uint64_t from = *full_register(v, i->rm);

        return cr_set(v, i->reg, i->operand_bytes == 4 ? (uint32_t)from : from);
    }
    if (i->reg == 8) {
        full_register_set(v, i->rm, i->operand_bytes, v->full->lapic.tpr >> 4);
        return DONE;
    }
    if (i->reg > 4 || i->reg == 1) {
        return UNKNOWN;
    }
    full_register_set(v, i->rm, i->operand_bytes, value[i->reg]);
    return DONE;
}

enum trap_outcome trap_dr_move(struct vcpu *v, const struct full_insn *i)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int nr = i->reg;
    uint64_t *reg;

    if (nr > 7 || ((nr == 4 || nr == 5) && t->s.cr4 & CR4_DE)) {
        trap_raise(v, VEC_UD, false, 0);
        return MOVED;
    }
    if (t->s.dr7 & DR7_DETECT) {
        trap_debug(v, DR6_DETECT);
        return MOVED;
    }
    nr += nr == 4 || nr == 5 ? 2 : 0;
    reg = nr < 4 ? &t->s.dr[nr] : nr == 6 ? &t->s.dr6 : &t->s.dr7;
    if (i->opcode == 0x0f21) {
        full_register_set(v, i->rm, i->operand_bytes, *reg);
        return DONE;
    }
    if (nr >= 6 && *full_register(v, i->rm) >> 32) {
        return REFUSE;
    }
    *reg = *full_register(v, i->rm);
    if (nr == 6) {
        *reg = (*reg & ~0x1000ul) | 0xffff0ff0ul;
    } else if (nr == 7) {
        *reg = (*reg & 0xffff2fffu) | 0x400u;
    }
    trap_breakpoints_load(t);
    return DONE;
}

enum trap_outcome trap_msw_set(struct vcpu *v, const struct full_insn *i)
{
    const struct trap_vcpu *t = trap_of(v);
    uint16_t value;

    if (!trap_get16(v, i, &value)) {
        return MOVED;
    }
    return cr0_set(v, (t->s.cr0 & ~(MSW_BITS & ~CR0_PE)) |
                          (value & MSW_BITS)); /* PE can be set only */
}

enum trap_outcome trap_clear_ts(struct vcpu *v, const struct full_insn *i)
{
    (void)i;
    return cr0_set(v, trap_of(v)->s.cr0 & ~CR0_TS);
}

/* ---- model-specific registers ---- */

static uint64_t *msr_of(struct trap_vcpu *t, uint32_t msr)
{
    switch (msr) {
    case MSR_STAR:
        return &t->s.star;
    case MSR_LSTAR:
        return &t->s.lstar;
    case MSR_CSTAR:
        return &t->s.cstar;
    case MSR_SFMASK:
        return &t->s.sfmask;
    case MSR_KERNEL_GS_BASE:
        return &t->s.kernel_gs_base;
    case MSR_FS_BASE:
        return &t->s.seg[SEG_NR_FS].base;
    case MSR_GS_BASE:
        return &t->s.seg[SEG_NR_GS].base;
    case MSR_SYSENTER_CS:
        return &t->s.sysenter_cs;
    case MSR_SYSENTER_CS + 1:
        return &t->s.sysenter_esp;
    case MSR_SYSENTER_CS + 2:
        return &t->s.sysenter_eip;
    default:
        return NULL;
    }
}

static void bases_load(const struct trap_vcpu *t)
{
    if (t->loaded) {
        wrmsr(MSR_FS_BASE, t->s.seg[SEG_NR_FS].base);
        wrmsr(MSR_GS_BASE, t->s.seg[SEG_NR_GS].base);
    }
}

static bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
    struct trap_vcpu *t = trap_of(v);
    uint64_t *reg = msr_of(t, msr);

    if (msr == MSR_EFER) {
        if (value & ~(uint64_t)(EFER_MAY_SET | EFER_LMA) ||
            ((value ^ t->s.efer) & EFER_LME && t->s.cr0 & CR0_PG)) {
            return false;
        }
        t->s.efer = (value & EFER_MAY_SET) | (t->s.efer & EFER_LMA);
        return true;
    }
    if (!reg) {
        return full_wrmsr(v, msr, value);
    }
    if (msr != MSR_STAR && msr != MSR_SFMASK && !trap_is_canonical(value)) {
        return false;
    }
    trap_bases_sync(t);
    *reg = value;
    bases_load(t);
    return true;
}

enum trap_outcome trap_msr(struct vcpu *v, const struct full_insn *i)
{
    struct trap_vcpu *t = trap_of(v);
    uint32_t nr = (uint32_t)v->regs.rcx;
    uint64_t value = (uint32_t)v->regs.rax | v->regs.rdx << 32;
    const uint64_t *reg = nr == MSR_EFER ? &t->s.efer : msr_of(t, nr);

    if (i->opcode == 0x0f30) {
        return msr_write(v, nr, value) ? DONE : REFUSE;
    }
    trap_bases_sync(t);
    if (reg) {
        value = *reg;
    } else if (!full_rdmsr(v, nr, &value)) {
        return REFUSE;
    }
    v->regs.rax = (uint32_t)value;
    v->regs.rdx = value >> 32;
    return DONE;
}

enum trap_outcome trap_swap_gs(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);
    uint64_t base;

    trap_bases_sync(t);
    base = t->s.seg[SEG_NR_GS].base;
    t->s.seg[SEG_NR_GS].base = t->s.kernel_gs_base;
    t->s.kernel_gs_base = base;
    bases_load(t);
    return DONE;
}
