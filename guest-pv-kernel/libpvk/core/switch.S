/* SPDX-License-Identifier: MIT */
/*
 * thread_switch(&save_rsp, load_rsp): park this thread's callee-saved registers on its stack, continue the other one's.
 * A new thread's stack has been laid out as if it had called thread_switch() from thread_start, its rbx being the thread.
 */
    .text
    .globl thread_switch
    .type thread_switch, @function
thread_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size thread_switch, . - thread_switch

    .globl thread_start
    .type thread_start, @function
thread_start:
    xor %ebp, %ebp                  /* ends every backtrace */
    mov %rbx, %rdi
    and $-16, %rsp
    call thread_main
    ud2
    .size thread_start, . - thread_start

    .section .note.GNU-stack, "", @progbits
