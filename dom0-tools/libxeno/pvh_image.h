/* SPDX-License-Identifier: MIT */
/*
 * A kernel that is entered in 32-bit mode without paging: an ELF64 with the note XEN_ELFNOTE_PHYS32_ENTRY. Pure; the file is
 * hostile.
 */
#ifndef LIBXENO_PVH_IMAGE_H
#define LIBXENO_PVH_IMAGE_H

#include "common/elf.h"

struct pvh_image {
    struct elf_file file;
    uint64_t start, end; /* physical addresses of its segments, [start, end) */
    uint32_t entry;
};

enum pvh_error {
    PVH_OK,
    PVH_BAD_ELF,
    PVH_NO_ENTRY,
    PVH_BAD_ADDRESS
};

/* *elf_error says more where the answer is PVH_BAD_ELF. */
enum pvh_error pvh_image_read(struct pvh_image *img, const void *data, size_t size,
                              enum pv_error *elf_error);

#endif
