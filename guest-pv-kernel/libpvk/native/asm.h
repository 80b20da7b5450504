/* SPDX-License-Identifier: MIT */
/*
 * Numbers that assembly shares with C; native/asm_contract.c proves each of them against the C structures at compile time.
 */
#ifndef PVK_NATIVE_ASM_H
#define PVK_NATIVE_ASM_H

/* Selectors. `syscall` fixes the order kernel code, kernel data; user code is never entered by sysret, so its order is free. */
#define SEL_KERNEL_CS 0x08
#define SEL_KERNEL_SS 0x10
#define SEL_USER_SS   0x1b
#define SEL_USER_CS   0x23
#define SEL_TSS       0x28
#define GDT_WORDS     7 /* null, four segments, a TSS of two words */

/* Offsets into struct trap_regs. */
#define REGS_CS 136

/* Offsets into struct cpu. */
#define CPU_ENTRY_STACK  64
#define CPU_USER_RSP     80

#define ENTRY_STUB_BYTES 16

/* Where another CPU starts, in real mode: a page below 1 MiB. What it needs to know stands at the end of that page. */
#define AP_START_PADDR 0x8000
#define AP_STACK       0xff0 /* its stack, a kernel address */
#define AP_ID          0xff8 /* its number */

/* Where the image lies in physical memory. */
#define IMAGE_PADDR 0x100000

#define MULTIBOOT_MAGIC                                                                            \
    0x2badb002 /* what a multiboot loader leaves in eax (multiboot 0.6.96, 3.2) */
#define PVH_MAGIC                                                                                  \
    0x336ec578 /* first word of PVH's start information; we put it where the other stands */

#endif
