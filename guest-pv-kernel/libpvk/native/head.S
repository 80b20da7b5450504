/* SPDX-License-Identifier: MIT */
/*
 * The first instructions on a bare machine. Multiboot (with address fields: loaders refuse a plain ELF64) and PVH both enter in
 * 32-bit protected mode without paging. The early tables map the first GiB twice: where it is, and at the linear map.
 * Contract with C: pvk_boot(edi: who loaded us, rsi: physical address of its information), on the boot stack.
 */
#include "libpvk/native/asm.h"

#define PA(symbol) ((symbol) - PVK_VIRT_BASE)

#define MB_HEADER_MAGIC 0x1badb002 /* multiboot 0.6.96, 3.1.1 */
#define MB_HEADER_FLAGS 0x00010003 /* page-aligned modules, memory map, address fields valid */
#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define CR0_LONG  0x80010033 /* PG WP NE ET MP PE */
#define CR4_LONG  0x20       /* PAE */
#define MSR_EFER  0xc0000080
#define EFER_LONG 0x901      /* SCE LME NXE */
#define PT_TABLE  0x003      /* present, writable */
#define PT_LARGE  0x083      /* and 2 MiB */
#define L4_SLOT(va) (((va) >> 39) & 511)

    .section .text.start, "ax"
    .code32
    .balign 8
multiboot_header:
    .long MB_HEADER_MAGIC, MB_HEADER_FLAGS, -(MB_HEADER_MAGIC + MB_HEADER_FLAGS)
    .long PA(multiboot_header), PA(__image_start), PA(__load_end), PA(__image_end), PA(multiboot_entry)

    .globl pvk_start
pvk_start:
pvh_entry:
    movl $PVH_MAGIC, %eax
multiboot_entry:
    cli
    cld
    movl %eax, %ebp                 /* ebp, ebx: the arguments, until C */
    xorl %eax, %eax                 /* not every loader clears what is behind the file's bytes */
    movl $PA(__load_end), %edi
    movl $PA(__image_end), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    rep stosl
    movl $PA(boot_stack_top), %esp
    movl $PA(early_l2), %edi
    movl $PT_LARGE, %eax
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl $PA(early_l2 + PT_TABLE), PA(early_l3)
    movl $PA(early_l3 + PT_TABLE), PA(early_l4)
    movl $PA(early_l3 + PT_TABLE), PA(early_l4 + 8 * L4_SLOT(PVK_VIRT_BASE))
    call to_long_tables
    lgdt PA(early_gdt_desc)
    ljmp $SEL_KERNEL_CS, $PA(1f)

    .code64
1:  mov $SEL_KERNEL_SS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    movabs $boot_stack_top, %rsp
    mov %ebp, %edi
    mov %ebx, %esi
    xor %ebp, %ebp                  /* ends every backtrace */
    movabs $pvk_boot, %rax
    call *%rax
    ud2

    .code32
/* Paging on, with the early tables: the code at hand is mapped where it is. Destroys eax, ecx, edx. */
to_long_tables:
    movl $CR4_LONG, %eax
    movl %eax, %cr4
    movl $PA(early_l4), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LONG, %eax
    wrmsr
    movl $CR0_LONG, %eax
    movl %eax, %cr0
    ret

    .balign 8
early_gdt:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff, 0x00cf9a000000ffff
early_gdt_desc:
    .short 31
    .long PA(early_gdt), 0

/*
 * Another CPU: cpu_start() copies this to AP_START_PADDR, where a start-up interrupt makes it begin in real mode. It takes
 * the same tables, then a stack of its own, and ends in secondary_main(its number).
 */
    .code16
    .globl ap_start, ap_start_end
ap_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AP_START_PADDR + (ap_gdt_desc - ap_start)
    movl $1, %eax
    movl %eax, %cr0
    ljmpl $0x18, $(AP_START_PADDR + (1f - ap_start))
    .code32
1:  movl $SEL_KERNEL_SS, %eax
    movl %eax, %ds
    movl %eax, %ss
    movl $(AP_START_PADDR + AP_STACK), %esp
    movl $PA(to_long_tables), %eax
    call *%eax
    ljmp $SEL_KERNEL_CS, $(AP_START_PADDR + (2f - ap_start))
    .code64
2:  mov $SEL_KERNEL_SS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov AP_START_PADDR + AP_STACK, %rsp
    mov AP_START_PADDR + AP_ID, %edi
    xor %ebp, %ebp
    movabs $secondary_main, %rax
    call *%rax
    ud2
ap_gdt_desc:
    .short 31
    .long PA(early_gdt), 0
ap_start_end:

    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad PA(pvh_entry)

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
    .globl early_l4
early_l4: .skip 4096
early_l3: .skip 4096
early_l2: .skip 4096
/* The stack of the boot CPU. Its lowest page is a guard page: memory_init() unmaps it. */
    .globl boot_stack_guard, boot_stack_top
boot_stack_guard:
    .skip 4096
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
