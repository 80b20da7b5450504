/* SPDX-License-Identifier: MIT */
/*
 * Which faulting instructions are emulated, and for whom: the guest kernel gets what a kernel needs, user mode only what
 * works in ring 3 on a bare machine too (ports with IOPL 3, int n, rdtsc, cpuid). All else keeps its exception.
 */
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "pv/bounce.h"
#include "pv/callbacks.h"
#include "pv/emul.h"
#include "pv/emul_port.h"
#include "pv/frame.h"
#include "pv/msr_policy.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

/* SDM vol. 2. */
#define CLI   0xfau
#define IN_DX 0xecu /* bit 0: four bytes, not one; bit 1: out */
#define RDMSR 0x320fu /* first byte lowest */

/* Software interrupts through gates that ring 3 may not use. The error code of the #GP is made here, not by the CPU. */
static enum emul_status emul_int(struct emul *e)
{
    struct vcpu *v = e->v;
    uint32_t vector = (uint8_t)e->insn.imm;

    if (!trap_allows_int(v, vector)) {
        pv_inject_gp(v, vector * 8 + 2); /* IDT index, SDM vol. 3, 6.13 */
        return EMUL_FAULTED;
    }
    v->regs.rip += e->insn.length;
    bounce_vector(v, vector);
    return EMUL_FAULTED;
}

/* The event mask is what counts; the hardware flag stays as it is. */
static bool may_cli(const struct vcpu *v)
{
    return v->pv.iopl >= 1 || (v->domain->vm_assist & (1ul << VMASST_TYPE_architectural_iopl));
}

static enum emul_status emul_cli_sti(struct emul *e)
{
    if (!may_cli(e->v)) {
        return EMUL_NOT_OURS;
    }
    emul_count(e, COUNT_EMUL_CLI_STI);
    return EMUL_DONE;
}

static enum emul_status emul_rdtsc(struct emul *e)
{
    uint64_t tsc = rdtsc();

    emul_count(e, COUNT_EMUL_OTHER);
    e->gpr[EMUL_GPR_RAX] = (uint32_t)tsc;
    e->gpr[EMUL_GPR_RDX] = tsc >> 32;
    if (e->insn.op == EMUL_OP_RDTSCP) {
        e->gpr[EMUL_GPR_RCX] = e->v->pv.tsc_aux;
    }
    return EMUL_DONE;
}

static enum emul_status emul_invlpg(struct emul *e)
{
    uint64_t va = emul_operand_address(e);

    emul_count(e, COUNT_EMUL_OTHER);
    if (frame_entry_point_ok(va)) {
        tlb_flush_local_va(va);
    }
    return EMUL_DONE;
}

/* Both modes. */
static enum emul_status emul_for_user(struct emul *e)
{
    switch (e->insn.op) {
    case EMUL_OP_IN:
    case EMUL_OP_OUT:
    case EMUL_OP_INS:
    case EMUL_OP_OUTS:
        return emul_port(e);
    case EMUL_OP_INT:
        return emul_int(e);
    case EMUL_OP_RDTSC:
    case EMUL_OP_RDTSCP:
        /* Faulted because the guest set CR4.TSD: that is for its user mode. */
        return e->v->guest_kernel || !(e->v->pv.guest_cr4 & CR4_POLICY_TSD) ? emul_rdtsc(e) : EMUL_NOT_OURS;
    case EMUL_OP_CPUID:
        return emul_cpuid(e);
    case EMUL_OP_SMSW: /* faults only where the hypervisor uses UMIP, which guests do not see */
        return emul_control_register(e);
    default:
        return EMUL_NOT_OURS;
    }
}

static enum emul_status emul_for_kernel(struct emul *e)
{
    switch (e->insn.op) {
    case EMUL_OP_CLI:
    case EMUL_OP_STI:
        return emul_cli_sti(e);
    case EMUL_OP_RDMSR:
    case EMUL_OP_WRMSR:
        return emul_msr(e);
    case EMUL_OP_CLTS:
    case EMUL_OP_LMSW:
    case EMUL_OP_MOV_FROM_CR:
    case EMUL_OP_MOV_TO_CR:
    case EMUL_OP_MOV_FROM_DR:
    case EMUL_OP_MOV_TO_DR:
    case EMUL_OP_XSETBV:
        return emul_control_register(e);
    case EMUL_OP_INVLPG:
        return emul_invlpg(e);
    case EMUL_OP_WBINVD:
        emul_count(e, COUNT_EMUL_OTHER);
        return EMUL_DONE; /* no guest has memory that is not coherent */
    default:
        return EMUL_NOT_OURS;
    }
}

/* What a kernel does at every switch of a process, and thousands of times while it starts. */
static bool emul_often(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t code, value, start = rdtsc();

    if (!emul_peek(v, &code)) {
        return false;
    }
    if ((uint8_t)code == CLI && may_cli(v)) {
        emul_step(v, 1, COUNT_EMUL_CLI_STI, start);
        return true;
    }
    if ((code & 0xfc) == IN_DX && may_cli(v)) {
        emul_step(v, 1, COUNT_EMUL_PORT, start); /* first: the access may be a mark in the trace */
        r->rax = port_once(v, (uint16_t)r->rdx, code & 1 ? 4 : 1, code & 2, r->rax);
        return true;
    }
    if ((uint16_t)code != RDMSR || (uint32_t)r->rcx != MSR_KERNEL_GS_BASE) {
        return false;
    }
    value = rdmsr(MSR_KERNEL_GS_BASE); /* that of user mode, see mode.c */
    r->rax = (uint32_t)value;
    r->rdx = value >> 32;
    emul_step(v, 2, COUNT_EMUL_MSR, start);
    return true;
}

bool emul_privileged(struct vcpu *v)
{
    enum emul_status status;
    struct emul e;

    if (emul_often(v)) {
        return true;
    }
    if (!emul_fetch(&e, v)) {
        return false;
    }
    status = emul_for_user(&e);
    if (status == EMUL_NOT_OURS && v->guest_kernel) {
        status = emul_for_kernel(&e);
    }
    return emul_finish(&e, status);
}

/* ud2, the letters "xen", cpuid; as a number, low byte first. */
#define FORCED_CPUID      0x00a20f6e65780b0ful
#define FORCED_CPUID_MASK 0x00fffffffffffffful

bool emul_invalid_opcode(struct vcpu *v)
{
    struct emul e;
    uint64_t bytes = 0;

    /* Most invalid opcodes are just that: no decoding to find it out. */
    if (guest_read(&bytes, gva_make(v->regs.rip), 7) || (bytes & FORCED_CPUID_MASK) != FORCED_CPUID) {
        return false;
    }
    if (!emul_fetch(&e, v) || e.insn.op != EMUL_OP_CPUID_FORCED) {
        return false;
    }
    return emul_finish(&e, emul_cpuid(&e));
}
