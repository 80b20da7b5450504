/* SPDX-License-Identifier: MIT */
/*
 * Copies from and to guest addresses: eight bytes at a time, then the rest. STAC and CLAC are patched in where SMAP is on.
 * Contract: rdi destination, rsi source, rdx bytes; rax = bytes not copied. A fault anywhere ends the copy.
 */
#include "x86/entry_macros.h"

    .text
    .globl uaccess_read, uaccess_write
    .type uaccess_read, @function
    .type uaccess_write, @function
uaccess_read:
uaccess_write:
    open_user_access
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
    may_fault 4f, rep movsq
    movl %edx, %ecx
    may_fault 3f, rep movsb
3:  close_user_access
    movq %rcx, %rax
    ret
4:  leaq (%rdx, %rcx, 8), %rcx
    jmp 3b

/* eight bytes at rsi to rdi; eax = 1, or 0 if they cannot be read */
function uaccess_read_u64
    open_user_access
    may_fault 5f, movq (%rsi), %rsi
    close_user_access
    movq %rsi, (%rdi)
    movl $1, %eax
    ret
5:  close_user_access
    xorl %eax, %eax
    ret
