/* SPDX-License-Identifier: MIT */
/*
 * trap_catch_call(fn, arg, &saved_rsp): call fn(arg), return true; or return false when an exception handler sends the CPU to
 * trap_catch_unwind with rsp = saved_rsp. Callee-saved registers are restored from the stack in both cases.
 */
    .text
    .globl trap_catch_call
    .type trap_catch_call, @function
trap_catch_call:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp                    /* keeps the stack 16-byte aligned for the call */
    mov %rsp, (%rdx)
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    mov $1, %eax
1:  add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .globl trap_catch_unwind
trap_catch_unwind:
    xor %eax, %eax
    jmp 1b
    .size trap_catch_call, . - trap_catch_call

/* probe_read(va, &value), probe_write(va, value): one access; false if it faults. */
.macro FIXUP at, target
    .pushsection .fixup_table, "a"
    .quad \at, \target
    .popsection
.endm

    .globl probe_read
    .type probe_read, @function
probe_read:
1:  mov (%rdi), %rax
    mov %rax, (%rsi)
    mov $1, %eax
    ret
    FIXUP 1b, probe_failed
    .size probe_read, . - probe_read

    .globl probe_write
    .type probe_write, @function
probe_write:
1:  mov %rsi, (%rdi)
    mov $1, %eax
    ret
    FIXUP 1b, probe_failed
    .size probe_write, . - probe_write

    .type probe_failed, @function
probe_failed:
    xor %eax, %eax
    ret
    .size probe_failed, . - probe_failed

    .section .note.GNU-stack, "", @progbits
