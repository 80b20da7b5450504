/* SPDX-License-Identifier: MIT */
/*
 * The frame of an emulation: which code segment, which bytes, which registers; and its end. The bytes are read once; a
 * guest that changes them meanwhile gets the effect of what was read, never of a mixture.
 */
#include "pv/emul.h"

#include <stddef.h>

#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "pv/emul_alu.h"
#include "pv/gdt.h"
#include "pv/pv.h"
#include "pv/segments.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/percpu.h"

#define DR6_SINGLE_STEP 0x4000u

#define GPR(name) offsetof(struct cpu_user_regs, name)
const uint8_t emul_gpr_offset[EMUL_NR_GPRS] = {
    GPR(rax), GPR(rcx), GPR(rdx), GPR(rbx), GPR(rsp), GPR(rbp), GPR(rsi), GPR(rdi),
    GPR(r8),  GPR(r9),  GPR(r10), GPR(r11), GPR(r12), GPR(r13), GPR(r14), GPR(r15),
};

/* The width of the running code and what its addresses are relative to. */
static bool code_mode(const struct vcpu *v, enum emul_mode *mode, uint64_t *base)
{
    uint16_t sel = v->regs.cs;
    uint64_t desc;

    *base = 0;
    *mode = EMUL_MODE_64;
    if (sel == SEL_GUEST_CS64) {
        return true;
    }
    if (sel == SEL_GUEST_CS32) {
        *mode = EMUL_MODE_32;
        return true;
    }
    if (!code_segment(sel, &desc)) {
        return false;
    }
    if (desc & SEGMENT_L) {
        return true;
    }
    *mode = EMUL_MODE_32;
    *base = segment_base(desc);
    return desc & SEGMENT_DB;
}

bool emul_fetch(struct emul *e, struct vcpu *v)
{
    uint8_t bytes[EMUL_MAX_INSN_BYTES];
    uint64_t base, at;
    unsigned int nr, i;
    enum emul_result result;

    e->v = v;
    e->start = rdtsc();
    e->counted = COUNT_EVENTS;
    if (!code_mode(v, &e->mode, &base)) {
        return false;
    }
    at = base + v->regs.rip;
    if (e->mode == EMUL_MODE_32) {
        at = (uint32_t)at;
    }
    /* Not beyond the page: what is on the next one is read only if the instruction reaches it. */
    nr = (unsigned int)MIN((uint64_t)sizeof(bytes), PAGE_SIZE - at % PAGE_SIZE);
    if (guest_read(bytes, gva_make(at), nr)) {
        return false;
    }
    result = emul_decode(bytes, nr, e->mode, &e->insn);
    if (result == EMUL_TRUNCATED && nr < sizeof(bytes)) {
        if (guest_read(bytes + nr, gva_make(at + nr), sizeof(bytes) - nr)) {
            return false;
        }
        result = emul_decode(bytes, sizeof(bytes), e->mode, &e->insn);
    }
    if (result != EMUL_DECODED) {
        return false;
    }
    for (i = 0; i < EMUL_NR_GPRS; i++) {
        e->gpr[i] = *emul_gpr(v, i);
    }
    e->rflags = v->regs.rflags;
    return true;
}

static void commit(struct emul *e)
{
    unsigned int i;

    for (i = 0; i < EMUL_NR_GPRS; i++) {
        *emul_gpr(e->v, i) = e->gpr[i];
    }
    e->v->regs.rflags = e->rflags & ~FLAG_RF;
    e->v->exit_iret = 1;
}

bool emul_finish(struct emul *e, enum emul_status status)
{
    struct cpu_user_regs *r = &e->v->regs;

    if (e->counted != COUNT_EVENTS) {
        COUNT_TIME(e->v, event, e->counted, rdtsc() - e->start);
    }
    switch (status) {
    case EMUL_DONE:
        r->rip += e->insn.length;
        if (e->mode == EMUL_MODE_32) {
            r->rip = (uint32_t)r->rip;
        }
        commit(e);
        if (r->rflags & FLAG_TF) {
            e->v->pv.debugreg[6] |= DR6_SINGLE_STEP;
            pv_inject_exception(e->v, VEC_DB, 0, 0);
        }
        return true;
    case EMUL_AGAIN:
        commit(e);
        return true;
    case EMUL_RETRY:
    case EMUL_FAULTED:
        return true;
    case EMUL_NOT_OURS:
        break;
    }
    return false;
}

uint64_t emul_operand_address(const struct emul *e)
{
    uint64_t base[EMUL_SEG_NR] = {0};

    /* Only these two count in 64-bit mode; memory operands of 32-bit code are not emulated. */
    if (e->insn.mem.seg == EMUL_SEG_FS) {
        base[EMUL_SEG_FS] = rdmsr(MSR_FS_BASE);
    } else if (e->insn.mem.seg == EMUL_SEG_GS) {
        base[EMUL_SEG_GS] = rdmsr(MSR_GS_BASE);
    }
    return emul_mem_address(&e->insn, e->mode, e->gpr, e->v->regs.rip + e->insn.length, base);
}

void emul_address_add(struct emul *e, unsigned int reg, int64_t step)
{
    e->gpr[reg] = emul_cut(e->gpr[reg] + (uint64_t)step, e->insn.addr_bytes);
}

void emul_string_advance(struct emul *e, unsigned int reg)
{
    emul_address_add(e, reg, e->rflags & FLAG_DF ? -(int64_t)e->insn.op_bytes : (int64_t)e->insn.op_bytes);
}

enum emul_status emul_operand_fault(struct vcpu *v, gva_t at, unsigned int nr_bytes, bool write)
{
    const struct percpu *cpu = this_cpu();
    uint32_t code = write ? PFEC_W : 0;

    if (!va_canonical(gva_raw(at)) || !va_canonical(gva_raw(at) + nr_bytes - 1)) {
        pv_inject_gp(v, 0);
    } else if (!guest_range_ok(at, nr_bytes)) {
        pv_inject_exception(v, VEC_PF, code | PFEC_P, gva_raw(at)); /* the hypervisor's range */
    } else {
        pv_inject_exception(v, VEC_PF, code | (cpu->fault_code & PFEC_P), cpu->fault_cr2);
    }
    return EMUL_FAULTED;
}
