/* SPDX-License-Identifier: MIT */
/*
 * Effects of MSR, control-register and CPUID instructions, by the pure policies (msr_policy, cpuid_policy).
 * Invariant: the only real registers written here are those that are switched with the vCPU.
 */
#include "debug/console.h"
#include "domain/domain.h"
#include "pv/cpuid_policy.h"
#include "pv/emul.h"
#include "pv/emul_alu.h"
#include "pv/frame.h"
#include "pv/msr_policy.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/time.h"

#define APICBASE_ADDRESS 0xfee00000u
#define APICBASE_BSP     0x100u
#define APICBASE_ENABLED 0x800u

#define MISC_ENABLE_MONITOR 0x40000ul

static void write_edx_eax(struct emul *e, uint64_t value)
{
    e->gpr[EMUL_GPR_RAX] = (uint32_t)value;
    e->gpr[EMUL_GPR_RDX] = value >> 32;
}

static uint64_t read_edx_eax(const struct emul *e)
{
    return (uint32_t)e->gpr[EMUL_GPR_RAX] | e->gpr[EMUL_GPR_RDX] << 32;
}

static bool msr_read(const struct vcpu *v, uint32_t msr, uint64_t *value)
{
    const struct msr_rule *rule = msr_policy(msr, cpu_features.amd);

    switch (rule->read) {
    case MSR_VALUE:
        *value = rule->value;
        return true;
    case MSR_TSC:
        *value = rdtsc();
        return true;
    case MSR_APICBASE:
        *value = APICBASE_ADDRESS | APICBASE_ENABLED | (v->id == 0 ? APICBASE_BSP : 0);
        return true;
    case MSR_HOST:
        *value = rdmsr_safe(msr, value) ? 0 : *value & rule->value;
        return true;
    case MSR_MISC_ENABLE:
        if (rdmsr_safe(msr, value)) {
            return false;
        }
        *value = (*value & ~MISC_ENABLE_MONITOR) | rule->value;
        return true;
    case MSR_FSBASE:
        *value = rdmsr(MSR_FS_BASE);
        return true;
    case MSR_GSBASE:
        *value = rdmsr(MSR_GS_BASE);
        return true;
    case MSR_GSBASE_USER:
        *value = rdmsr(MSR_KERNEL_GS_BASE);
        return true;
    case MSR_TSCAUX:
        *value = v->pv.tsc_aux;
        return cpu_features.rdtscp;
    case MSR_FAULT:
    case MSR_IGNORE:
    case MSR_SAME:
        break;
    }
    return false;
}

static bool msr_write_base(uint32_t msr, uint64_t value)
{
    if (!frame_canonical(value)) {
        return false;
    }
    wrmsr(msr, value);
    return true;
}

static bool msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
    const struct msr_rule *rule = msr_policy(msr, cpu_features.amd);

    switch (rule->write) {
    case MSR_IGNORE:
        return true;
    case MSR_SAME:
        return value == rule->value;
    case MSR_FSBASE:
        return msr_write_base(MSR_FS_BASE, value);
    case MSR_GSBASE:
        return msr_write_base(MSR_GS_BASE, value);
    case MSR_GSBASE_USER:
        return msr_write_base(MSR_KERNEL_GS_BASE, value);
    case MSR_TSCAUX:
        if (!cpu_features.rdtscp || value >> 32) {
            return false;
        }
        v->pv.tsc_aux = (uint32_t)value;
        wrmsr(MSR_TSC_AUX, value);
        return true;
    case MSR_FAULT:
    case MSR_VALUE:
    case MSR_TSC:
    case MSR_APICBASE:
    case MSR_HOST:
    case MSR_MISC_ENABLE:
        break;
    }
    return false;
}

enum emul_status emul_msr(struct emul *e)
{
    uint32_t msr = (uint32_t)e->gpr[EMUL_GPR_RCX];
    uint64_t value;

    emul_count(e, COUNT_EMUL_MSR);
    if (e->insn.op == EMUL_OP_RDMSR) {
        if (!msr_read(e->v, msr, &value)) {
            return EMUL_NOT_OURS;
        }
        write_edx_eax(e, value);
        return EMUL_DONE;
    }
    value = read_edx_eax(e);
    if (!msr_write(e->v, msr, value)) {
        hv_log_guest("d%u v%u: wrmsr %#x value %#lx refused\n", e->v->domain->id, e->v->id, msr, value);
        return EMUL_NOT_OURS;
    }
    return EMUL_DONE;
}

static uint64_t cr0_of(const struct vcpu *v)
{
    return CR0_POLICY_FIXED | (v->pv.cr0_ts ? CR0_POLICY_TS : 0);
}

static enum emul_status cr0_write(struct vcpu *v, uint64_t value)
{
    if (!cr0_policy_write_ok(value)) {
        return EMUL_NOT_OURS;
    }
    pv_set_ts(v, value & CR0_POLICY_TS);
    return EMUL_DONE;
}

static enum emul_status cr_read(struct emul *e)
{
    const struct vcpu *v = e->v;
    uint64_t value;

    switch (e->insn.special) {
    case 0:
        value = cr0_of(v);
        break;
    case 2:
        value = v->info->arch.cr2;
        break;
    case 3:
        value = xen_pfn_to_cr3(mfn_raw(v->pv.kernel_root));
        break;
    case 4:
        value = cr4_policy_read(v->pv.guest_cr4);
        break;
    default:
        return EMUL_NOT_OURS;
    }
    emul_reg_write(&e->insn, e->gpr, value);
    return EMUL_DONE;
}

static enum emul_status cr_write(struct emul *e)
{
    struct vcpu *v = e->v;
    uint64_t value = emul_reg_value(&e->insn, e->gpr);
    int rc;

    switch (e->insn.special) {
    case 0:
        return cr0_write(v, value);
    case 2:
        WRITE_ONCE(v->info->arch.cr2, value);
        return EMUL_DONE;
    case 3:
        rc = pv_set_kernel_root(v, mfn_make(xen_cr3_to_pfn(value)));
        return rc == 0 ? EMUL_DONE : rc == -ERESTART ? EMUL_RETRY : EMUL_NOT_OURS;
    case 4:
        v->pv.guest_cr4 = cr4_policy_own(value, cpu_features.fsgsbase, cpu_features.xsave);
        pv_load_cr4(v);
        return EMUL_DONE;
    default:
        return EMUL_NOT_OURS;
    }
}

static enum emul_status dr_access(struct emul *e)
{
    uint64_t value = emul_reg_value(&e->insn, e->gpr);

    if (e->insn.op == EMUL_OP_MOV_TO_DR) {
        return pv_debugreg_set(e->v, e->insn.special, value) ? EMUL_NOT_OURS : EMUL_DONE;
    }
    if (pv_debugreg_get(e->v, e->insn.special, &value)) {
        return EMUL_NOT_OURS;
    }
    emul_reg_write(&e->insn, e->gpr, value);
    return EMUL_DONE;
}

enum emul_status emul_control_register(struct emul *e)
{
    emul_count(e, COUNT_EMUL_CR);
    switch (e->insn.op) {
    case EMUL_OP_MOV_FROM_CR:
        return cr_read(e);
    case EMUL_OP_MOV_TO_CR:
        return cr_write(e);
    case EMUL_OP_MOV_FROM_DR:
    case EMUL_OP_MOV_TO_DR:
        return dr_access(e);
    case EMUL_OP_CLTS:
        pv_set_ts(e->v, false);
        return EMUL_DONE;
    case EMUL_OP_LMSW: /* PE MP EM TS are replaced */
        return cr0_write(e->v, (cr0_of(e->v) & ~UINT64_C(0xf)) | (emul_reg_value(&e->insn, e->gpr) & 0xf));
    case EMUL_OP_SMSW:
        emul_reg_write(&e->insn, e->gpr, cr0_of(e->v));
        return EMUL_DONE;
    case EMUL_OP_XSETBV:
        /* XCR0 is the same for all guests, so a valid value has nothing to change. */
        if (!(e->v->pv.guest_cr4 & CR4_POLICY_OSXSAVE)) {
            pv_inject_ud(e->v);
            return EMUL_FAULTED;
        }
        return (uint32_t)e->gpr[EMUL_GPR_RCX] == 0 && xcr0_policy_ok(read_edx_eax(e), fpu_xcr0_supported()) ? EMUL_DONE : EMUL_NOT_OURS;
    default:
        return EMUL_NOT_OURS;
    }
}

enum emul_status emul_cpuid(struct emul *e)
{
    uint32_t nr = (uint32_t)e->gpr[EMUL_GPR_RAX];
    uint32_t sub = (uint32_t)e->gpr[EMUL_GPR_RCX];
    const struct cpuid_policy policy = {
        .max_leaf = cpu_features.max_leaf,
        .max_ext_leaf = cpu_features.max_ext_leaf,
        .hardware = e->v->domain->hardware,
        /* A kernel that asks by forced emulation finds out in this way, before it sets the bit, that it may use XSAVE. */
        .osxsave = e->insn.op == EMUL_OP_CPUID_FORCED ? cpu_features.xsave : (e->v->pv.guest_cr4 & CR4_POLICY_OSXSAVE) != 0,
        .invariant_tsc = cpu_features.invariant_tsc,
        .vcpu_id = e->v->id,
        .phys_bits = cpu_features.phys_bits,
        .xcr0_max = cpu_features.xsave ? fpu_xcr0_supported() : 0,
        .xsave_bytes_max = nr == 0xd ? cpuid(0xd, 0).ebx : 0, /* for the XCR0 that all guests have */
        .tsc_khz = (uint32_t)tsc_khz,
        .tsc_to_system_mul = tsc_scale.mul_frac,
        .tsc_shift = tsc_scale.shift,
    };
    struct cpuid_regs host = cpuid(nr, sub);
    struct cpuid_leaf leaf = {host.eax, host.ebx, host.ecx, host.edx};

    emul_count(e, COUNT_EMUL_CPUID);
    cpuid_policy_apply(&policy, nr, sub, &leaf);
    e->gpr[EMUL_GPR_RAX] = leaf.eax;
    e->gpr[EMUL_GPR_RBX] = leaf.ebx;
    e->gpr[EMUL_GPR_RCX] = leaf.ecx;
    e->gpr[EMUL_GPR_RDX] = leaf.edx;
    return EMUL_DONE;
}
