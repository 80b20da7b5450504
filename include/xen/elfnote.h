/* SPDX-License-Identifier: MIT */
/*
 * ELF notes by which a guest kernel tells a domain builder how to load it (owner name "Xen"), and
 * the types of notes in dump files. "number": 4 or 8 bytes, little endian. "string":
 * zero-terminated.
 */
#ifndef XEN_PUBLIC_ELFNOTE_H
#define XEN_PUBLIC_ELFNOTE_H

#define XEN_ELFNOTE_INFO               0  /* string of the old __xen_guest section */
#define XEN_ELFNOTE_ENTRY              1  /* number: virtual address of the first instruction */
#define XEN_ELFNOTE_HYPERCALL_PAGE     2  /* number: virtual address of a page to fill with stubs */
#define XEN_ELFNOTE_VIRT_BASE          3  /* number: virtual address that belongs to offset 0 */
#define XEN_ELFNOTE_PADDR_OFFSET       4  /* number: what to take off the ELF physical addresses */
#define XEN_ELFNOTE_XEN_VERSION        5  /* string: "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS           6  /* string: name of the system */
#define XEN_ELFNOTE_GUEST_VERSION      7  /* string: its version */
#define XEN_ELFNOTE_LOADER             8  /* string: "generic" */
#define XEN_ELFNOTE_PAE_MODE           9  /* string: 32-bit kernels only */
#define XEN_ELFNOTE_FEATURES           10 /* string: features used and (with !) demanded, by '|' */
#define XEN_ELFNOTE_BSD_SYMTAB         11 /* string "yes": load the symbol table behind the image */
#define XEN_ELFNOTE_HV_START_LOW       12 /* number: lowest address the hypervisor may use */
#define XEN_ELFNOTE_L1_MFN_VALID       13 /* pairs of mask and value: entries that are present */
#define XEN_ELFNOTE_SUSPEND_CANCEL     14 /* number 1: a suspend call may return "cancelled" */
#define XEN_ELFNOTE_INIT_P2M           15 /* number: virtual address at which the P2M shall be */
#define XEN_ELFNOTE_MOD_START_PFN      16 /* number 1: the module need not be mapped */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17 /* number: bit per XENFEAT_* the kernel knows */
#define XEN_ELFNOTE_PHYS32_ENTRY       18 /* number: 32-bit physical entry (fully virtualized) */
#define XEN_ELFNOTE_MAX                XEN_ELFNOTE_PHYS32_ENTRY

/* In a crash dump of the hypervisor. */
#define XEN_ELFNOTE_CRASH_INFO 0x1000001
#define XEN_ELFNOTE_CRASH_REGS 0x1000002

/* In a dump of a domain. */
#define XEN_ELFNOTE_DUMPCORE_NONE           0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER         0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION    0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif /* XEN_PUBLIC_ELFNOTE_H */
