/* SPDX-License-Identifier: MIT */
/*
 * What each exit of a guest under SVM means. Exit codes: APM vol. 2, appendix C.
 * Invariant: the guest is told of a fault or its instruction is behind it, never both; whatever it executed, one exit is a
 * bounded amount of work.
 */
#include "debug/panic.h"
#include "full/svm/svm.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

#define EFER_SVME    (1ul << 12)
#define DR6_STEP     (1ul << 14)
#define EFER_MAY_SET (EFER_SCE | EFER_LME | EFER_NXE)

/* exit_info1 of a port access: APM vol. 2, 15.10.2 */
#define IO_IN       (1u << 0)
#define IO_STRING   (1u << 2)
#define IO_REP      (1u << 3)
#define IO_BYTES(i) ((i) >> 4 & 7)
#define IO_PORT(i)  ((uint16_t)((i) >> 16))
/* exit_info1 of a nested page fault: 15.25.6 */
#define NPF_WRITE (1u << 1)
#define NPF_FINAL (1ul << 32) /* the access itself, not the walk of the guest's tables */

static void fault(struct vcpu *v, uint8_t vector)
{
    bool has_code = vector == VEC_GP;

    v->domain->full->engine->exception(v, vector, has_code, 0);
}

static void behind(struct vcpu *v, uint64_t rip)
{
    v->regs.rip = rip;
    v->regs.rflags &= ~FLAG_RF;
    svm_of(v)->vmcb->shadow = 0;
    if (v->regs.rflags & FLAG_TF) {
        svm_of(v)->vmcb->dr6 |= DR6_STEP;
        fault(v, VEC_DB);
    }
}

void svm_behind(struct vcpu *v, const struct full_insn *insn)
{
    behind(v, v->regs.rip + insn->length);
}

/* Step over the intercepted instruction. False: another CPU has changed it meanwhile; it is executed again. */
static bool step(struct vcpu *v, uint16_t opcode)
{
    const struct vmcb *c = svm_of(v)->vmcb;
    struct full_insn insn;

    if (svm_features.next_rip) {
        behind(v, c->next_rip);
        return true;
    }
    if (full_insn_at_rip(v, &insn) || insn.opcode != opcode) {
        return false;
    }
    behind(v, v->regs.rip + insn.length);
    return true;
}

static void exit_msr(struct vcpu *v)
{
    struct vmcb *c = svm_of(v)->vmcb;
    uint32_t msr = (uint32_t)v->regs.rcx;
    uint64_t value = (uint32_t)v->regs.rax | v->regs.rdx << 32;
    bool write = c->exit_info1 & 1, ok;

    if (msr == MSR_EFER && write) {
        ok = !(value & ~(uint64_t)(EFER_MAY_SET | EFER_LMA)) &&
             !((value ^ c->efer) & EFER_LME && c->cr0 & CR0_PG);
    } else if (msr == MSR_EFER) {
        value = c->efer & ~EFER_SVME;
        ok = true;
    } else {
        ok = write ? full_wrmsr(v, msr, value) : full_rdmsr(v, msr, &value);
    }
    if (!ok) {
        fault(v, VEC_GP);
        return;
    }
    if (!step(v, write ? 0x0f30 : 0x0f32)) {
        return;
    }
    if (msr == MSR_EFER && write) {
        c->efer = (value & EFER_MAY_SET) | (c->efer & EFER_LMA) | EFER_SVME;
    } else if (!write) {
        v->regs.rax = (uint32_t)value;
        v->regs.rdx = value >> 32;
    }
}

static void exit_port(struct vcpu *v)
{
    const struct vmcb *c = svm_of(v)->vmcb;
    uint32_t info = (uint32_t)c->exit_info1, value = (uint32_t)v->regs.rax;
    const struct full_insn insn = {.bytes = IO_BYTES(info),
                                   .reg_bytes = IO_BYTES(info)}; /* al, ax, eax */
    struct full_insn string;

    if (info & IO_STRING) {
        if (full_insn_at_rip(v, &string) == 0 && (string.opcode & ~3u) == 0x6c) {
            full_string(v, &string);
        } /* else another CPU has changed it: it is executed again */
        return;
    }
    behind(v, c->exit_info2);
    full_port(v, IO_PORT(info), &insn, !(info & IO_IN), value);
}

static void exit_nested_fault(struct vcpu *v)
{
    const struct vmcb *c = svm_of(v)->vmcb;
    uint64_t gpa = c->exit_info2;

    if (!mfn_eq(physmap_lookup(v->domain->full, gpa >> PAGE_SHIFT), MFN_INVALID)) {
        return; /* it is there by now */
    }
    if (!(c->exit_info1 & NPF_FINAL)) {
        full_crash(v, "page tables outside of memory");
        return;
    }
    full_device_access(v, gpa, c->exit_info1 & NPF_WRITE);
}

static void exit_exception(struct vcpu *v, uint8_t vector)
{
    if (vector == VEC_MC) {
        panic("machine check while d%u v%u ran", v->domain->id, v->id);
    }
    /* #DB and #AC are seen so that a guest that raises one while it delivers one comes back here, not never. */
    v->domain->full->engine->exception(v, vector, vector == VEC_AC, 0);
}

static unsigned int reason_of(uint64_t code)
{
    switch (code) {
    case EXIT_READ_DR0 ... EXIT_WRITE_DR7:
        return XENOLITH_EXIT_DEBUG_REGISTER;
    case EXIT_EXCEPTION ... EXIT_EXCEPTION + 31:
        return XENOLITH_EXIT_EXCEPTION;
    case EXIT_INTR ... EXIT_INIT:
        return XENOLITH_EXIT_INTERRUPT;
    case EXIT_VINTR:
        return XENOLITH_EXIT_WINDOW;
    case EXIT_HLT:
        return XENOLITH_EXIT_HALT;
    case EXIT_CPUID:
        return XENOLITH_EXIT_CPUID;
    case EXIT_MSR:
        return XENOLITH_EXIT_MSR;
    case EXIT_IO:
        return XENOLITH_EXIT_PORT;
    case EXIT_NPF:
        return XENOLITH_EXIT_MEMORY;
    case EXIT_SHUTDOWN:
        return XENOLITH_EXIT_SHUTDOWN;
    default:
        return XENOLITH_EXIT_OTHER;
    }
}

static void dispatch(struct vcpu *v, uint64_t code)
{

    switch (code) {
    case EXIT_READ_DR0 ... EXIT_WRITE_DR7:
        svm_debug_registers_load(v);
        break;
    case EXIT_EXCEPTION ... EXIT_EXCEPTION + 31:
        exit_exception(v, (uint8_t)(code - EXIT_EXCEPTION));
        break;
    case EXIT_INTR: /* taken at the next preemption point, as are NMIs */
    case EXIT_NMI:
    case EXIT_SMI:
    case EXIT_INIT:
    case EXIT_VINTR:
    case EXIT_FREEZE:
        break;
    case EXIT_CPUID:
        if (step(v, 0x0fa2)) {
            full_cpuid(v);
        }
        break;
    case EXIT_HLT:
        if (step(v, 0xf4)) {
            full_halt(v);
        }
        break;
    case EXIT_IO:
        exit_port(v);
        break;
    case EXIT_MSR:
        exit_msr(v);
        break;
    case EXIT_INVD: /* the caches are the machine's, and coherent */
        (void)step(v, 0x0f08);
        break;
    case EXIT_WBINVD:
        (void)step(v, 0x0f09);
        break;
    case EXIT_RDPMC:
    case EXIT_XSETBV:
        fault(v, VEC_GP);
        break;
    case EXIT_NPF:
        exit_nested_fault(v);
        break;
    case EXIT_SHUTDOWN:
        full_crash(v, "triple fault");
        break;
    case EXIT_RSM:
    case EXIT_INVLPGA:
    case EXIT_VMRUN ... EXIT_SKINIT:
    case EXIT_MONITOR:
    case EXIT_MWAIT:
    case EXIT_MWAIT_ARMED:
        fault(v, VEC_UD);
        break;
    default:
        full_crash(v,
                   code == UINT64_MAX ? "state that no CPU can have" : "exit that is not expected");
        break;
    }
}

void svm_exit(struct vcpu *v)
{
    uint64_t code = svm_of(v)->vmcb->exit_code, start = rdtsc();
    unsigned int reason = reason_of(code);

    full_exited(v, reason);
    dispatch(v, code);
    COUNT_TIME(v, exit, reason, rdtsc() - start);
}
