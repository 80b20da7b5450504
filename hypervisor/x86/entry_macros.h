/* SPDX-License-Identifier: MIT */
/*
 * What the assembly of entry, exit and guest copies shares: the general registers as a list, their places in a vCPU, access
 * to guest memory, instructions that may fault. For assembly alone.
 */
/* clang-format off */
#ifndef X86_ENTRY_MACROS_H
#define X86_ENTRY_MACROS_H

#include "asm_offsets.h"
#include "x86/layout.h"

/* As they lie in struct cpu_user_regs, rising, and in the order in which they are pushed. */
#define ALL_REGISTERS    r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
#define PUSHED_REGISTERS rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15

    place = VCPU_REGS
.irp reg, ALL_REGISTERS
    .set place_of_\reg, place
    place = place + 8
.endr

/* Registers to and from their places in the vCPU, or in a struct cpu_user_regs, that `base` points to. */
.macro store_registers base, regs:vararg
    .irp reg, \regs
    movq %\reg, place_of_\reg(\base)
    .endr
.endm
.macro load_registers base, regs:vararg
    .irp reg, \regs
    movq place_of_\reg(\base), %\reg
    .endr
.endm

/* A field of this CPU's data, from the top of its main stack. */
#define CPU(field) (PCPU_DATA_OFFSET - PCPU_STACK_TOP + field)

#define NR_IRET 23 /* __HYPERVISOR_iret */

.macro function name
    .globl \name
    .type \name, @function
\name:
.endm

/* The rest of the hardware frame of a SYSCALL, after the guest's rsp. */
.macro push_syscall_frame
    movq $SEL_GUEST_DS, 8(%rsp)
    pushq %r11
    pushq $SEL_GUEST_CS64
    pushq %rcx
    pushq $0
.endm

/* Becomes STAC or CLAC where SMAP is on (cpu.c). */
.macro user_access opcode3
9990: .byte 0x0f, 0x1f, 0x00
    .pushsection .patch_sites, "a"
    .quad 9990b
    .byte 0x0f, 0x01, \opcode3, 0, 0, 0, 0, 0
    .popsection
.endm
.macro open_user_access
    user_access 0xcb
.endm
.macro close_user_access
    user_access 0xca
.endm

/* An instruction that may fault, and where to go on then. */
.macro may_fault fixup, insn:vararg
9991: \insn
    .pushsection .extable, "a"
    .quad 9991b, \fixup
    .popsection
.endm

#endif
