/* SPDX-License-Identifier: MIT */
/*
 * Structure offsets for assembly: compiled to assembler text only, from which scripts/gen_asm_offsets.py makes
 * asm_offsets.h. Nothing of this file is linked.
 */
#include <stddef.h>

#include "debug/counters.h"
#include "x86/percpu.h"
#include "x86/vcpu_head.h"

#define DEFINE(name, value) __asm__ volatile("\n->" #name " %c0\n" : : "i"((long)(value)))

#define REG(name)           offsetof(struct vcpu_head, regs) + offsetof(struct cpu_user_regs, name)
#define PCPU(name)          offsetof(struct percpu, name)

void asm_offsets(void);

void asm_offsets(void)
{
    DEFINE(VCPU_REGS, offsetof(struct vcpu_head, regs));
    DEFINE(VCPU_RBX, REG(rbx));
    DEFINE(VCPU_R11, REG(r11));
    DEFINE(VCPU_RAX, REG(rax));
    DEFINE(VCPU_RCX, REG(rcx));
    DEFINE(VCPU_RDX, REG(rdx));
    DEFINE(VCPU_RSI, REG(rsi));
    DEFINE(VCPU_RDI, REG(rdi));
    DEFINE(VCPU_RIP, REG(rip));
    DEFINE(VCPU_CS, REG(cs));
    DEFINE(VCPU_RFLAGS, REG(rflags));
    DEFINE(VCPU_RSP, REG(rsp));
    DEFINE(VCPU_SS, REG(ss));
    DEFINE(VCPU_HV_STACK_TOP, offsetof(struct vcpu_head, hv_stack_top));
    DEFINE(VCPU_INFO, offsetof(struct vcpu_head, info));
    DEFINE(VCPU_GUEST_KERNEL, offsetof(struct vcpu_head, guest_kernel));
    DEFINE(VCPU_EXIT_IRET, offsetof(struct vcpu_head, exit_iret));
    DEFINE(VCPU_EXIT_CALL, offsetof(struct vcpu_head, exit_call));
    DEFINE(VCPU_ERROR_CODE, REG(error_code));
    DEFINE(VCPU_ENTRY_VECTOR, REG(entry_vector));
    DEFINE(VCPU_SLOW_PATHS, offsetof(struct vcpu_head, slow_paths));
    DEFINE(VCPU_COUNTERS, offsetof(struct vcpu_head, counters));
    DEFINE(VCPU_KERNEL_ROOT, offsetof(struct vcpu_head, kernel_root));
    DEFINE(VCPU_USER_ROOT, offsetof(struct vcpu_head, user_root));
    DEFINE(VCPU_KERNEL_SP, offsetof(struct vcpu_head, kernel_sp));
    DEFINE(VCPU_SYSCALL_ADDR, offsetof(struct vcpu_head, syscall_addr));
    DEFINE(VCPU_SYSCALL_MASK, offsetof(struct vcpu_head, syscall_mask));
    DEFINE(VCPU_TRAPS, offsetof(struct vcpu_head, traps));
    DEFINE(INFO_PENDING, offsetof(struct vcpu_info, evtchn_upcall_pending));
    DEFINE(INFO_MASK, offsetof(struct vcpu_info, evtchn_upcall_mask));
    DEFINE(INFO_CR2, offsetof(struct vcpu_info, arch.cr2));
    DEFINE(COUNTERS_TRAP, offsetof(struct vcpu_counters, trap));
    DEFINE(COUNTERS_IRET, offsetof(struct vcpu_counters, hypercall[__HYPERVISOR_iret]));
    DEFINE(COUNTERS_SYSCALL, offsetof(struct vcpu_counters, event[COUNT_SYSCALL]));
    DEFINE(COUNTERS_BOUNCE, offsetof(struct vcpu_counters, event[COUNT_EXCEPTION_BOUNCE]));
    DEFINE(PERCPU_TLB_SEEN, PCPU(tlb_seen));
    DEFINE(PERCPU_SCRATCH_RSP, PCPU(scratch_rsp));
    DEFINE(PERCPU_CURR, PCPU(curr));
    DEFINE(PERCPU_SYSCALL_RSP, PCPU(syscall_rsp));
    DEFINE(PERCPU_SYSCALL_ENTRY, PCPU(syscall_entry));
    DEFINE(PERCPU_SYSCALL32_ENTRY, PCPU(syscall32_entry));
    DEFINE(PERCPU_TRAP_ENTRY, PCPU(trap_entry));
    DEFINE(PERCPU_FAULT_VECTOR, PCPU(fault_vector));
    DEFINE(PERCPU_FAULT_CODE, PCPU(fault_code));
    DEFINE(PERCPU_RSP0, PCPU(tss) + offsetof(struct tss64, rsp0));
    DEFINE(PERCPU_WORK, PCPU(work));
}
