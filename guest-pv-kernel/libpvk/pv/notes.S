/* SPDX-License-Identifier: MIT */
/*
 * What the image tells the domain builder about itself: one ELF note a fact (types: <xen/elfnote.h>). The build switches
 * PVK_NO_HYPERCALL_PAGE and PVK_INIT_P2M=addr make the variants that the builder's tests need; PVK_XEN_GUEST_STRING gives the
 * older form, one string of NAME=value in a section, and no notes.
 */
#include <xen/elfnote.h>

/* One note: name "Xen", the type, and the bytes of `value` as laid down by the directive `kind`. */
.macro ELF_NOTE type, kind, value:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4
    .long 8881f - 8880f
    .long \type
    .asciz "Xen"
8880:
    \kind \value
8881:
    .balign 4
    .popsection
.endm

/* Bit 0: writable page tables are not used; bit 11: may be the initial domain (numbers: <xen/features.h>). */
#define SUPPORTED_FEATURES ((1 << 0) | (1 << 11))

#ifndef PVK_XEN_GUEST_STRING
ELF_NOTE XEN_ELFNOTE_GUEST_OS, .asciz, "pvk"
ELF_NOTE XEN_ELFNOTE_XEN_VERSION, .asciz, "xen-3.0"
ELF_NOTE XEN_ELFNOTE_LOADER, .asciz, "generic"
ELF_NOTE XEN_ELFNOTE_VIRT_BASE, .quad, __virt_base
ELF_NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad, 0
ELF_NOTE XEN_ELFNOTE_ENTRY, .quad, pvk_start
ELF_NOTE XEN_ELFNOTE_FEATURES, .asciz, "!writable_page_tables|pae_pgdir_above_4gb"
ELF_NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .quad, SUPPORTED_FEATURES
ELF_NOTE XEN_ELFNOTE_MOD_START_PFN, .quad, 1
#ifndef PVK_NO_HYPERCALL_PAGE
ELF_NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad, hypercall_page
#endif
#ifdef PVK_INIT_P2M
ELF_NOTE XEN_ELFNOTE_INIT_P2M, .quad, PVK_INIT_P2M
#endif
#else
    .section __xen_guest, "a"
    /* The hypercall page is given as a frame number relative to the image's base; it is the image's second page. */
    .ascii "GUEST_OS=pvk,XEN_VER=xen-3.0,LOADER=generic,VIRT_BASE="
    .ascii PVK_VIRT_BASE_STRING
    .ascii ",ELF_PADDR_OFFSET=0,HYPERCALL_PAGE=0x1,FEATURES=!writable_page_tables|pae_pgdir_above_4gb"
    .byte 0
#endif

    .section .note.GNU-stack, "", @progbits
