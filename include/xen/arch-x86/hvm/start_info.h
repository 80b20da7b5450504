/* SPDX-License-Identifier: MIT */
/*
 * What a kernel finds that was entered by its PVH entry (XEN_ELFNOTE_PHYS32_ENTRY): ebx holds the
 * physical address of the start information. The CPU is in 32-bit protected mode without paging, all
 * segments flat, interrupts off.
 */
#ifndef XEN_PUBLIC_ARCH_X86_HVM_START_INFO_H
#define XEN_PUBLIC_ARCH_X86_HVM_START_INFO_H

#include "../../xen.h"

#define XEN_HVM_START_MAGIC_VALUE 0x336ec578 /* "xEn3", bit 7 of the E set */

/* hvm_memmap_table_entry.type: the numbers of E820 */
#define XEN_HVM_MEMMAP_TYPE_RAM      1
#define XEN_HVM_MEMMAP_TYPE_RESERVED 2
#define XEN_HVM_MEMMAP_TYPE_ACPI     3
#define XEN_HVM_MEMMAP_TYPE_NVS      4
#define XEN_HVM_MEMMAP_TYPE_UNUSABLE 5
#define XEN_HVM_MEMMAP_TYPE_DISABLED 6
#define XEN_HVM_MEMMAP_TYPE_PMEM     7

#ifndef __ASSEMBLY__

/* All addresses are physical. */
struct hvm_start_info {
    uint32_t magic;
    uint32_t version; /* 1 */
    uint32_t flags;   /* SIF_* */
    uint32_t nr_modules;
    uint64_t modlist_paddr; /* struct hvm_modlist_entry[nr_modules] */
    uint64_t cmdline_paddr; /* a string, 0: none */
    uint64_t rsdp_paddr;    /* of the ACPI tables, 0: none */
    uint64_t memmap_paddr;  /* from here on since version 1 */
    uint32_t memmap_entries;
    uint32_t reserved; /* 0 */
};

struct hvm_modlist_entry {
    uint64_t paddr;
    uint64_t size; /* bytes */
    uint64_t cmdline_paddr;
    uint64_t reserved;
};

struct hvm_memmap_table_entry {
    uint64_t addr;
    uint64_t size; /* bytes */
    uint32_t type;
    uint32_t reserved; /* 0 */
};

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_ARCH_X86_HVM_START_INFO_H */
