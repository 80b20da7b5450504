/* SPDX-License-Identifier: MIT */
/*
 * What a PV kernel says of itself: its Xen ELF notes, or the older __xen_guest string. Result: one struct pv_image whose
 * addresses are checked for overflow and for the hypervisor's range, so that a plan can compute with them freely.
 */
#ifndef COMMON_ELF_NOTES_H
#define COMMON_ELF_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/elf.h"

struct pv_image {
    struct elf_file file;
    uint64_t virt_base;      /* virtual address of PFN 0 */
    uint64_t paddr_offset;   /* ELF p_paddr minus pseudo-physical address */
    uint64_t entry;          /* virtual address of the first instruction */
    uint64_t hypercall_page; /* virtual address, valid if has_hypercall_page */
    uint64_t init_p2m;       /* virtual address, valid if has_init_p2m */
    uint64_t kernel_start, kernel_end; /* pseudo-physical bytes, [start, end), page-aligned outward */
    uint64_t features_required;  /* bits of features.h */
    uint64_t features_supported;
    bool has_hypercall_page, has_init_p2m, has_entry;
    bool mod_start_pfn;      /* the ramdisk may stay unmapped */
    bool suspend_cancel;
    bool legacy;             /* described by __xen_guest */
    bool says_features; /* it has a SUPPORTED_FEATURES note: what that does not name is not supported */
    bool dom0_support;
    char guest_os[32], guest_version[32], xen_version[16], loader[16];
};

enum pv_error pv_image_read(struct pv_image *img, const void *data, size_t size);

#endif
