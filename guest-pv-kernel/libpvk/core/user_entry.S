/* SPDX-License-Identifier: MIT */
/*
 * Into user mode and back. user_enter() parks the callee-saved registers on the kernel stack and "returns" from a trap that
 * never was: the registers in the context are the trap frame. user_leave() picks up where user_enter() was called.
 */
    .text
    .globl user_enter
    .type user_enter, @function
user_enter:                         /* rdi: struct trap_regs, rsi: where to store rsp; interrupts are off */
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    mov %rsp, (%rsi)
    mov %rdi, %rbx
    mov %rsp, %rdi
    call user_set_entry_stack
    mov %rbx, %rsp                  /* safe while interrupts are off: nothing else pushes to this stack */
    jmp trap_return
    .size user_enter, . - user_enter

    .globl user_leave
    .type user_leave, @function
user_leave:                         /* rdi: the stored rsp */
    mov %rdi, %rsp
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size user_leave, . - user_leave

    .section .note.GNU-stack, "", @progbits
