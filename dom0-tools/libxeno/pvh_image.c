/* SPDX-License-Identifier: MIT */
/* The reader of pvh_image.h: segments below 4 GiB, the entry among them. */
#include "libxeno/pvh_image.h"

#include <stdbool.h>
#include <xen/elfnote.h>

#include "common/string.h"

struct note_head {
    uint32_t name_size, desc_size, type;
};

static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* The entry note in one segment of notes. */
static bool entry_in(const uint8_t *at, size_t left, uint64_t *entry)
{
    struct note_head h;

    while (left >= sizeof(h)) {
        const uint8_t *name = at + sizeof(h);
        size_t total;

        memcpy(&h, at, sizeof(h));
        if (h.name_size > left || h.desc_size > left) {
            return false;
        }
        total = sizeof(h) + padded(h.name_size) + padded(h.desc_size);
        if (total > left) {
            return false;
        }
        if (h.type == XEN_ELFNOTE_PHYS32_ENTRY && h.name_size == 4 && memcmp(name, "Xen", 4) == 0 &&
            (h.desc_size == 4 || h.desc_size == 8)) {
            *entry = 0;
            memcpy(entry, name + padded(h.name_size), h.desc_size);
            return true;
        }
        at += total;
        left -= total;
    }
    return false;
}

enum pvh_error pvh_image_read(struct pvh_image *img, const void *data, size_t size,
                              enum pv_error *elf_error)
{
    uint64_t entry = 0;
    bool found = false;

    *elf_error = elf_open(&img->file, data, size);
    if (*elf_error == PV_OK) {
        *elf_error = elf_load_span(&img->file, &img->start, &img->end);
    }
    for (unsigned int i = 0; *elf_error == PV_OK && i < img->file.phnum && !found; i++) {
        struct elf_segment s;

        *elf_error = elf_segment(&img->file, i, &s);
        if (*elf_error == PV_OK && s.type == ELF_PT_NOTE) {
            found = entry_in(img->file.data + s.offset, s.file_size, &entry);
        }
    }
    if (*elf_error != PV_OK) {
        return PVH_BAD_ELF;
    }
    if (!found) {
        return PVH_NO_ENTRY;
    }
    if (img->end > UINT32_MAX || entry < img->start || entry >= img->end) {
        return PVH_BAD_ADDRESS;
    }
    img->entry = (uint32_t)entry;
    return PVH_OK;
}
