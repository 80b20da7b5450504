/* SPDX-License-Identifier: MIT */
/*
 * One run of a guest under SVM. The global interrupt flag is clear from before the guest's state is loaded until the host's
 * is back; IF is set meanwhile, so that a physical interrupt ends the run and stays pending (APM vol. 2, 15.13.1, 15.17).
 */
#include "asm_offsets.h"

#define R(name) VCPU_##name - VCPU_REGS

    .text
/* Protection-key rights: edi the new ones; the old ones are returned. CR4.PKE is set. */
    .globl svm_exchange_pkru
    .type svm_exchange_pkru, @function
svm_exchange_pkru:
    xorl %ecx, %ecx
    rdpkru
    movl %eax, %esi
    movl %edi, %eax
    xorl %edx, %edx
    wrpkru
    movl %esi, %eax
    ret
    .size svm_exchange_pkru, . - svm_exchange_pkru

/* rdi: where to */
    .globl svm_save_host
    .type svm_save_host, @function
svm_save_host:
    movq %rdi, %rax
    vmsave %rax
    ret
    .size svm_save_host, . - svm_save_host

/* rdi: struct cpu_user_regs, rsi: the guest's control block, rdx: where the host's FS, GS, TR, LDTR and MSRs were saved */
    .globl svm_run
    .type svm_run, @function
svm_run:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rdx
    pushq %rdi
    movq %rsi, %rax
    clgi
    sti
    vmload %rax
    movq R(R15)(%rdi), %r15
    movq R(R14)(%rdi), %r14
    movq R(R13)(%rdi), %r13
    movq R(R12)(%rdi), %r12
    movq R(RBP)(%rdi), %rbp
    movq R(RBX)(%rdi), %rbx
    movq R(R11)(%rdi), %r11
    movq R(R10)(%rdi), %r10
    movq R(R9)(%rdi), %r9
    movq R(R8)(%rdi), %r8
    movq R(RCX)(%rdi), %rcx
    movq R(RDX)(%rdi), %rdx
    movq R(RSI)(%rdi), %rsi
    movq R(RDI)(%rdi), %rdi
    vmrun %rax
    vmsave %rax
    pushq %rdi
    movq 8(%rsp), %rdi
    movq %r15, R(R15)(%rdi)
    movq %r14, R(R14)(%rdi)
    movq %r13, R(R13)(%rdi)
    movq %r12, R(R12)(%rdi)
    movq %rbp, R(RBP)(%rdi)
    movq %rbx, R(RBX)(%rdi)
    movq %r11, R(R11)(%rdi)
    movq %r10, R(R10)(%rdi)
    movq %r9, R(R9)(%rdi)
    movq %r8, R(R8)(%rdi)
    movq %rcx, R(RCX)(%rdi)
    movq %rdx, R(RDX)(%rdi)
    movq %rsi, R(RSI)(%rdi)
    popq R(RDI)(%rdi)
    movq 8(%rsp), %rax
    vmload %rax
    cli
    stgi
    cld
    /* nothing that a guest chose stays in a register for speculation to use */
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    addq $16, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size svm_run, . - svm_run

    .section .note.GNU-stack, "", @progbits
