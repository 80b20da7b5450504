/* SPDX-License-Identifier: MIT */
/*
 * The page in which another CPU starts, in real mode, at cs:0 = its own physical address below 1 MiB: straight to long mode
 * (SDM vol. 3, 9.8.5) with the tables that its parameters name. Copied by smp.c; position-independent by ebx = its address.
 */
#include "x86/ap_start.h"

#define CR0_BITS 0x80010033 /* PG, WP, NE, ET, MP, PE */
#define CR4_PAE  0x20
#define MSR_EFER 0xc0000080
#define EFER_SCE_LME_NXE 0x901

    .section .rodata.ap_start, "a"
    .globl ap_start, ap_start_end
    .balign 16
    .code16
ap_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    xorl %ebx, %ebx
    movw %ax, %bx
    shll $4, %ebx

    /* The table's and the jump's addresses depend on where this page is. */
    leal (gdt - ap_start)(%ebx), %eax
    movl %eax, (gdt_desc - ap_start + 2)
    leal (long_mode - ap_start)(%ebx), %eax
    movl %eax, (far_pointer - ap_start)
    lgdtl (gdt_desc - ap_start)

    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl AP_PARAMS_OFFSET, %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_SCE_LME_NXE, %eax
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    ljmpl *(far_pointer - ap_start)

    .code64
long_mode:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %ebx, %ebx
    movq (AP_PARAMS_OFFSET + 8)(%rbx), %rsp
    movq (AP_PARAMS_OFFSET + 16)(%rbx), %rax
    xorl %ebp, %ebp
    pushq $0 /* ap_main() has no caller: the stack is aligned as if it had */
    jmp *%rax

    .balign 8
gdt:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
gdt_desc:
    .short 23
    .long 0
far_pointer:
    .long 0
    .short 8
ap_start_end:
    .code64
