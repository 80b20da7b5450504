/* SPDX-License-Identifier: MIT */
/*
 * One run of a guest under SVM. The global interrupt flag is clear from before the guest's state is loaded until the host's
 * is back; IF is set meanwhile, so that a physical interrupt ends the run and stays pending (APM vol. 2, 15.13.1, 15.17).
 */
#include "x86/entry_macros.h"

    .text
/* Protection-key rights: edi the new ones; the old ones are returned. CR4.PKE is set. */
function svm_exchange_pkru
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
function svm_save_host
    movq %rdi, %rax
    vmsave %rax
    ret
    .size svm_save_host, . - svm_save_host

/* rdi: struct cpu_user_regs, rsi: the guest's control block, rdx: where the host's FS, GS, TR, LDTR and MSRs were saved */
function svm_run
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
    .irp reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rcx, rdx, rsi, rdi
    movq place_of_\reg - VCPU_REGS(%rdi), %\reg
    .endr
    vmrun %rax
    vmsave %rax
    pushq %rdi
    movq 8(%rsp), %rdi
    .irp reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rcx, rdx, rsi
    movq %\reg, place_of_\reg - VCPU_REGS(%rdi)
    .endr
    popq place_of_rdi - VCPU_REGS(%rdi)
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
