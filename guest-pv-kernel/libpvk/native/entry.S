/* SPDX-License-Identifier: MIT */
/*
 * Entries from the processor into the kernel: one stub a vector, the system call, and the way back, iretq.
 *
 * Frame that the processor pushed, low address first:      Frame that we make of it (struct trap_regs):
 *   [error code] rip cs rflags rsp ss                        r15 .. rdi | rax r11 rcx error,vector rip cs rflags rsp ss
 */
#include "libpvk/core/vectors.h"
#include "libpvk/native/asm.h"

    .text

/* entry_stubs + vector * ENTRY_STUB_BYTES is where the vector enters (SDM vol. 3, table 6-1: who pushes an error code). */
    .balign ENTRY_STUB_BYTES
    .globl entry_stubs
entry_stubs:
    .set vector, 0
    .rept 256
    .balign ENTRY_STUB_BYTES
    .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21)
    .else
    push $0
    .endif
    movl $vector, 4(%rsp)
    jmp trap_common
    .set vector, vector + 1
    .endr

/* The processor has changed nothing but rcx, r11, rip and the flags: stack and GS are still those of user mode. */
    .balign 16
    .globl entry_syscall
    .type entry_syscall, @function
entry_syscall:
    swapgs
    mov %rsp, %gs:CPU_USER_RSP
    mov %gs:CPU_ENTRY_STACK, %rsp
    push $SEL_USER_SS
    push %gs:CPU_USER_RSP
    push %r11
    push $SEL_USER_CS
    push %rcx
    push $0
    movl $VECTOR_SYSCALL, 4(%rsp)
    jmp save_regs
    .size entry_syscall, . - entry_syscall

/* rsp: error code and vector; all registers as the interrupted code had them. */
    .type trap_common, @function
trap_common:
    testb $3, 16(%rsp)              /* cs: was it user mode, with its own GS? */
    jz save_regs
    swapgs
save_regs:
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
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx                  /* survives the call: a callee-saved register */
    and $-16, %rsp
    call native_trap
    mov %rbx, %rsp

/* rsp: struct trap_regs. Interrupts must be off where rsp is not a kernel stack (see user_enter). */
    .globl trap_return
    .type trap_return, @function
trap_return:
    testb $3, REGS_CS(%rsp)
    jz 1f
    swapgs
1:  pop %r15
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
    add $8, %rsp                    /* error code and vector */
    iretq
    .size trap_return, . - trap_return

    .section .note.GNU-stack, "", @progbits
