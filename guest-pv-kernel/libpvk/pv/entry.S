/* SPDX-License-Identifier: MIT */
/*
 * Entries from the hypervisor into the kernel: exceptions, events, system calls; and the way back, the iret hypercall.
 *
 * Frame that the hypervisor pushed, low address first:      Frame that we make of it (struct trap_regs):
 *   rcx r11 [error code] rip cs rflags rsp ss                 r15 .. rdi | rax r11 rcx error,vector rip cs rflags rsp ss
 *
 * The second form ends in what the iret hypercall wants at rsp: rax r11 rcx flags rip cs rflags rsp ss. An error code is
 * one word, as `flags` is, so each frame turns into the other in place.
 */
#include "libpvk/core/vectors.h"
#include "libpvk/pv/asm.h"

    .text

/* Registers after rcx and r11 have been popped and the word for error code and vector is at rsp. */
.macro SAVE_REGS
    push %rcx
    push %r11
    push %rax
    push %rdi
    push %rsi
    push %rdx
    push %r8
    push %r9
    push %r10
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

/* entry_<vector>: with_code says whether the hypervisor pushed an error code. */
.macro TRAP_ENTRY vector, with_code
    .balign 16
    .globl entry_\vector
    .type entry_\vector, @function
entry_\vector:
    pop %rcx
    pop %r11
    .if \with_code == 0
    push $0
    .endif
    movl $\vector, 4(%rsp)
    jmp trap_common
    .size entry_\vector, . - entry_\vector
.endm

.macro TRAP_ENTRIES with_code, vectors:vararg
    .irp v, \vectors
    TRAP_ENTRY \v, \with_code
    .endr
.endm

    /* Exceptions that push an error code (SDM vol. 3, table 6-1), then those that do not. */
    TRAP_ENTRIES 1, 8, 10, 11, 12, 13, 14, 17, 21
    TRAP_ENTRIES 0, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 128

/* rsp: error code and vector; all registers but rcx and r11 as the interrupted code had them, these two as popped. */
    .type trap_common, @function
trap_common:
    SAVE_REGS
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx                  /* survives the call: a callee-saved register */
    and $-16, %rsp
    call trap_dispatch
    mov %rbx, %rsp

/* rsp: struct trap_regs. Events must be masked where rsp is not a kernel stack (see user_enter). */
    .globl trap_return
    .type trap_return, @function
trap_return:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r10
    pop %r9
    pop %r8
    pop %rdx
    pop %rsi
    pop %rdi
    pop %rax
    pop %r11
    pop %rcx
    movq $0, (%rsp)                 /* flags: a plain return that restores rcx and r11 */
    jmp hypercall_page + HC_IRET * HC_SLOT_BYTES
    .size trap_return, . - trap_return

    .balign 16
    .globl entry_event
    .type entry_event, @function
entry_event:
    pop %rcx
    pop %r11
    push $0
    movl $VECTOR_EVENT, 4(%rsp)
    jmp trap_common

/* The hypervisor leaves cs and ss of a system call undefined in meaning: trap_dispatch() sets them. */
    .balign 16
    .globl entry_syscall
    .type entry_syscall, @function
entry_syscall:
    pop %rcx
    pop %r11
    push $0
    movl $VECTOR_SYSCALL, 4(%rsp)
    jmp trap_common

/* A segment register could not be reloaded: rcx r11 ds es fs gs rip ...; the selectors are dropped. */
    .balign 16
    .globl entry_failsafe
    .type entry_failsafe, @function
entry_failsafe:
    pop %rcx
    pop %r11
    add $32, %rsp
    push $0
    movl $VECTOR_FAILSAFE, 4(%rsp)
    jmp trap_common

    .section .note.GNU-stack, "", @progbits
