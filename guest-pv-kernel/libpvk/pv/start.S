/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of a guest, and the page of hypercall stubs.
 * On entry: rsi = virtual address of start_info, rsp = the builder's boot stack, events masked, page tables of the builder.
 */
#include "libpvk/pv/asm.h"

    .section .text.start, "ax"
    .globl pvk_start
    .type pvk_start, @function
pvk_start:
    cld
    lea boot_stack_top(%rip), %rsp
    mov %rsi, %rdi
    xor %ebp, %ebp                  /* ends every backtrace */
    call pvk_boot
    ud2
    .size pvk_start, . - pvk_start

/*
 * One 32-byte stub a hypercall. `syscall` destroys rcx and r11, so the stub saves them; iret never returns and wants rax on
 * the stack as well. The builder of the domain overwrites this page with the hypervisor's own stubs where the image
 * has a HYPERCALL_PAGE note; the ones below serve where it has not.
 */
    .section .text.hypercall_page, "ax"
    .globl hypercall_page
    .type hypercall_page, @function
    .balign 4096
hypercall_page:
    .set nr, 0
    .rept HC_NR_SLOTS
    push %rcx
    push %r11
    .if nr == HC_IRET
    push %rax
    mov $nr, %eax
    syscall
    .else
    mov $nr, %eax
    syscall
    pop %r11
    pop %rcx
    ret
    .endif
    .balign HC_SLOT_BYTES, 0xcc
    .set nr, nr + 1
    .endr
    .size hypercall_page, . - hypercall_page

/* The stack of the boot CPU. Its lowest page is a guard page: memory_init() unmaps it. */
    .section .bss.page_aligned, "aw", @nobits
    .globl boot_stack_guard, boot_stack_top
    .balign 4096
boot_stack_guard:
    .skip 4096
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
