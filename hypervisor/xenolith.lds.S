/* SPDX-License-Identifier: MIT */
/*
 * The image: linked at its physical load address plus IMAGE_VIRT_BASE, one segment a protection, nothing else.
 * Invariant: bytes in the file are as far apart as in memory (the multiboot1 address header copies one range), and only
 * .text holds symbols that the symbol table lists, so that the table's size moves no address in it.
 */
#include "x86/layout.h"

OUTPUT_FORMAT(elf64-x86-64)
OUTPUT_ARCH(i386:x86-64)
ENTRY(boot_entry) /* GRUB wants it inside a segment by virtual address, and then goes by the header's tag */

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
}

SECTIONS
{
    . = IMAGE_VIRT_BASE + IMAGE_PHYS_START;
    __image_start = .;
    .text : AT(ADDR(.text) - IMAGE_VIRT_BASE) {
        KEEP(*(.head))
        *(.text .text.*)
        . = ALIGN(4096);
        __syscall_page = .;
        KEEP(*(.syscall_page))
        . = ALIGN(4096);
    } :text
    __text_end = .;

    .rodata ALIGN(4096) : AT(ADDR(.rodata) - IMAGE_VIRT_BASE) {
        *(.rodata .rodata.*)
        *(.data.rel.ro .data.rel.ro.*)
        . = ALIGN(8);
        __extable_start = .;
        KEEP(*(.extable))
        __extable_end = .;
        __patch_sites_start = .;
        KEEP(*(.patch_sites))
        __patch_sites_end = .;
        . = ALIGN(8);
        __domain_units_start = .;
        KEEP(*(SORT_BY_INIT_PRIORITY(.domain_units.*)))
        __domain_units_end = .;
    } :rodata
    .note.gnu.build-id : AT(ADDR(.note.gnu.build-id) - IMAGE_VIRT_BASE) {
        __build_id_start = .;
        KEEP(*(.note.gnu.build-id))
        __build_id_end = .;
    } :rodata :note
    .note.xen : AT(ADDR(.note.xen) - IMAGE_VIRT_BASE) {
        KEEP(*(.note.xen))
    } :rodata :note
    . = ALIGN(4096);
    __rodata_end = .;

    .data : AT(ADDR(.data) - IMAGE_VIRT_BASE) {
        *(.data .data.*)
        . = ALIGN(4096);
    } :data
    __load_end = .;

    .bss (NOLOAD) : AT(ADDR(.bss) - IMAGE_VIRT_BASE) {
        *(.bss.page_aligned)
        *(.bss .bss.*)
        *(COMMON)
        . = ALIGN(4096);
    } :data
    __image_end = .;

    /DISCARD/ : {
        *(.comment)
        *(.eh_frame .eh_frame_hdr)
        *(.note.GNU-stack)
        *(.note.gnu.property)
    }
}
