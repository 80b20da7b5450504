/* SPDX-License-Identifier: MIT */
/*
 * From the loader to boot_start(): multiboot1 (address header, for QEMU refuses a plain ELF64), multiboot2 (BIOS and, by
 * GRUB, EFI) and PVH all enter in 32-bit protected mode without paging. Builds the early tables (first 4 GiB three times:
 * identity, image, direct map; and the boot CPU's area), so that the first C instruction runs on the CPU's own stack.
 * Contract with C: rdi = who loaded us (a BOOT_MAGIC_*), rsi = physical address of its information.
 */
#include "x86/layout.h"

#define PA(symbol) ((symbol) - IMAGE_VIRT_BASE)

#define MB1_MAGIC 0x1badb002 /* multiboot 0.6.96, 3.1.1 */
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map, address fields valid */
#define MB2_MAGIC 0xe85250d6 /* multiboot2 2.0, 3.1.2 */
#define PVH_MAGIC 0x336ec578 /* our own name for this entry: start_info's magic, which C checks again */
#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define CR0_PE 0x1
#define CR0_WP 0x10000
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_SCE_LME_NXE 0x901

#define PT_TABLE 0x003 /* present, writable */
#define PT_PAGE  0x003
#define PT_LARGE 0x083 /* present, writable, page size */

#define L4_SLOT(va) (((va) >> 39) & 511)
#define COM1 0x3f8

    .section .head, "ax"
    .code32
    .balign 8
mb1_header:
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
    .long PA(mb1_header), PA(__image_start), PA(__load_end), PA(__image_end), PA(boot_entry)

    .balign 8
mb2_header:
    .long MB2_MAGIC, 0, mb2_header_end - mb2_header, -(MB2_MAGIC + (mb2_header_end - mb2_header))
    .short 3, 0 /* entry address */
    .long 12, PA(boot_entry)
    .balign 8
    .short 6, 0 /* modules begin on a page */
    .long 8
    .balign 8
    .short 0, 0
    .long 8
mb2_header_end:

    .section .note.xen, "a", @note
    .balign 4
    .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad PA(pvh_entry)

    .section .head, "ax"
    .globl boot_entry
pvh_entry:
    movl $PVH_MAGIC, %eax
boot_entry:
    cli
    cld
    movl %eax, %ebp /* ebp: magic, ebx: information, both until C */

    /* Not every loader clears what is behind the file's bytes. */
    xorl %eax, %eax
    movl $PA(__load_end), %edi
    movl $PA(__image_end), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    rep stosl
    movl $PA(boot_stack + 0x4000), %esp

    /* CPUID is there if the ID flag can be changed (SDM vol. 1, 20.1.2). */
    pushfl
    popl %eax
    movl %eax, %edx
    xorl $0x200000, %eax
    pushl %eax
    popfl
    pushfl
    popl %eax
    xorl %edx, %eax
    movl $PA(text_no_long_mode), %esi
    testl $0x200000, %eax
    jz say_and_halt
    pushl %ebx
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb 1f
    movl $0x80000001, %eax
    cpuid
    testl $(1 << 29), %edx
1:  popl %ebx
    jbe say_and_halt /* below, or LM clear (test clears CF and sets ZF) */
    movl $PA(text_no_nx), %esi
    testl $(1 << 20), %edx
    jz say_and_halt

    /* Four L2 tables map 4 GiB; one L3 table over them serves three L4 slots. */
    movl $PA(early_l2), %edi
    movl $PT_LARGE, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl $PA(early_l2 + PT_TABLE), %eax
    movl $PA(early_l3), %edi
    movl $4, %ecx
    movl $0x1000, %edx
    call fill
    movl $PA(early_l3 + PT_TABLE), %eax
    movl %eax, PA(early_l4)
    movl %eax, PA(early_l4 + 8 * L4_SLOT(IMAGE_VIRT_BASE))
    movl %eax, PA(early_l4 + 8 * L4_SLOT(DIRECTMAP_START))

    /* The boot CPU's area: descriptors, data, exception stacks, main stack. */
    movl $PA(cpu0_l3 + PT_TABLE), PA(early_l4 + 8 * L4_SLOT(PERCPU_AREA_BASE))
    movl $PA(cpu0_l2 + PT_TABLE), PA(cpu0_l3)
    movl $PA(cpu0_l1 + PT_TABLE), PA(cpu0_l2)
    movl $PA(__syscall_page + 1), PA(cpu0_l1 + 8 * (PCPU_TRAMPOLINE_OFFSET >> 12))
    movl $PA(boot_gdt_page + PT_PAGE), %eax
    movl $PA(cpu0_l1 + 8 * (PCPU_GDT_OFFSET >> 12) + 8 * GDT_GUEST_PAGES), %edi
    movl $1, %ecx
    call fill
    movl $PA(boot_percpu + PT_PAGE), %eax
    movl $PA(cpu0_l1 + 8 * (PCPU_DATA_OFFSET >> 12)), %edi
    movl $2, %ecx
    call fill
    movl $PA(boot_ist + PT_PAGE), %eax
    movl $PA(cpu0_l1 + 8 * (PCPU_IST_OFFSET >> 12) + 8), %edi
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $16, %edi
    loop 1b
    movl $PA(boot_stack + PT_PAGE), %eax
    movl $PA(cpu0_l1 + 8 * (PCPU_STACK_TOP >> 12) - 32), %edi
    movl $4, %ecx
    call fill

    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $PA(early_l4), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_SCE_LME_NXE, %eax
    wrmsr
    movl $(CR0_PG | CR0_WP | 0x33), %eax /* and NE, ET, MP, PE */
    movl %eax, %cr0
    lgdt PA(early_gdt_desc)
    ljmp $8, $PA(1f)

    .code64
1:  movabsq $2f, %rax
    jmp *%rax
2:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movabsq $(PERCPU_AREA_BASE + PCPU_STACK_TOP), %rsp
    movl %ebp, %edi
    movl %ebx, %esi
    xorl %ebp, %ebp
    call boot_start
    ud2

    .code32
/* edi: first entry, eax: its value, ecx: how many, edx: step (0x1000) */
fill:
    movl %eax, (%edi)
    addl %edx, %eax
    addl $8, %edi
    loop fill
    ret

/* esi: text; the serial line is set to 115200 8n1, for the firmware may have left it alone */
say_and_halt:
    movl $PA(uart_setup), %edi
1:  movzwl (%edi), %eax
    testl %eax, %eax
    jz 2f
    movzbl %al, %edx
    addl $COM1, %edx
    movb %ah, %al
    outb %al, %dx
    addl $2, %edi
    jmp 1b
2:  lodsb
    testb %al, %al
    jz 4f
    movb %al, %ah
    movl $(COM1 + 5), %edx
    movl $100000, %ecx
3:  inb %dx, %al
    testb $0x20, %al
    loopz 3b
    movl $COM1, %edx
    movb %ah, %al
    outb %al, %dx
    jmp 2b
4:  cli
    hlt
    jmp 4b

text_no_long_mode:
    .asciz "Xenolith: this CPU has no long mode (a 64-bit x86 CPU is needed)\r\n"
text_no_nx:
    .asciz "Xenolith: this CPU has no NX bit, or the firmware hides it (execute-disable must be on)\r\n"
    .balign 2
uart_setup: /* register, value: divisor latch, divisor 1, 8n1, FIFO, modem lines; ends with 0 */
    .byte 3, 0x80, 0, 1, 1, 0, 3, 3, 2, 7, 4, 3, 0, 0
    .balign 8
early_gdt:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
early_gdt_desc:
    .short 23
    .long PA(early_gdt), 0

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
early_l4: .skip 4096
early_l3: .skip 4096
early_l2: .skip 4 * 4096
cpu0_l3: .skip 4096
cpu0_l2: .skip 4096
cpu0_l1: .skip 4096
    /* What of the boot CPU's area the final tables take over (x86/percpu.c). */
    .globl boot_gdt_page, boot_percpu, boot_ist, boot_stack
boot_gdt_page: .skip 4096
boot_percpu: .skip 2 * 4096
boot_ist: .skip 4 * 4096
boot_stack: .skip 4 * 4096
