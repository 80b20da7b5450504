/* SPDX-License-Identifier: MIT */
/*
 * Ways of the trap engine in and out that x86/entry.S does not have: a SYSCALL is an exception like the others here, and the
 * guest is entered with all registers. Invariant: a refused IRET faults on the main stack, with the vCPU's registers whole.
 */
#include "x86/entry_macros.h"

.macro main_stack_and_vcpu reg
    andq $-PERCPU_AREA_SIZE, %rsp
    addq $PCPU_STACK_TOP, %rsp
    movq CPU(PERCPU_CURR)(%rsp), %\reg
.endm

    .text
/* As syscall_entry (x86/entry.S): of the frame in curr->regs the guest's rsp is there. */
function trap_syscall_entry
    push_syscall_frame
    movl $256, 4(%rsp)
    jmp guest_trap

function trap_syscall32_entry
    movl $257, 4(%rsp)
    jmp guest_trap

function trap_enter
    main_stack_and_vcpu rbx
    pushq VCPU_SS(%rbx)
    pushq VCPU_RSP(%rbx)
    pushq VCPU_RFLAGS(%rbx)
    pushq VCPU_CS(%rbx)
    pushq VCPU_RIP(%rbx)
    load_registers %rbx, r15, r14, r13, r12, rbp, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, rbx
    may_fault refused, iretq

refused:
    main_stack_and_vcpu rdi
    xorl %ebp, %ebp
    cld
    call trap_refused
    ud2

    .section .note.GNU-stack, "", @progbits
