/* SPDX-License-Identifier: MIT */
/*
 * ELF-64 headers by their offsets (System V gABI, "Object Files"; x86-64 psABI for the machine number). Each header is
 * copied out before it is looked at.
 */
#include "common/elf.h"

#include <stdbool.h>

#include "common/string.h"

#define EM_X86_64 62
#define ET_EXEC   2
#define ET_DYN    3
#define SHT_NOBITS 8u

struct ehdr {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct shdr {
    uint32_t name, type;
    uint64_t flags, addr, offset, size;
    uint32_t link, info;
    uint64_t addralign, entsize;
};

static bool in_file(const struct elf_file *f, uint64_t offset, uint64_t bytes)
{
    return offset <= f->size && bytes <= f->size - offset;
}

enum pv_error elf_open(struct elf_file *f, const void *data, size_t size)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    struct ehdr h;

    if (size < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0) {
        return PV_NOT_ELF;
    }
    if (size < sizeof(h)) {
        return PV_TRUNCATED;
    }
    memcpy(&h, data, sizeof(h));
    if (h.ident[4] != 2 /* ELFCLASS64 */) {
        return PV_NOT_64BIT;
    }
    if (h.ident[5] != 1 /* little-endian */ || h.machine != EM_X86_64) {
        return PV_WRONG_ARCH;
    }
    if (h.type != ET_EXEC && h.type != ET_DYN) {
        return PV_NOT_EXECUTABLE;
    }
    *f = (struct elf_file){.data = data, .size = size, .entry = h.entry, .phoff = h.phoff, .shoff = h.shoff, .phnum = h.phnum,
                           .phentsize = h.phentsize, .shnum = h.shnum, .shentsize = h.shentsize, .shstrndx = h.shstrndx};
    if (h.phnum == 0 || h.phentsize < sizeof(struct phdr)) {
        return PV_NO_SEGMENTS;
    }
    if (!in_file(f, h.phoff, (uint64_t)h.phnum * h.phentsize)) {
        return PV_TRUNCATED;
    }
    /* Sections are optional (a stripped kernel); without them only PT_NOTE is searched. */
    if (h.shentsize < sizeof(struct shdr) || !in_file(f, h.shoff, (uint64_t)h.shnum * h.shentsize)) {
        f->shnum = 0;
    }
    return PV_OK;
}

enum pv_error elf_segment(const struct elf_file *f, unsigned int i, struct elf_segment *out)
{
    struct phdr h;

    memcpy(&h, f->data + f->phoff + (uint64_t)i * f->phentsize, sizeof(h));
    *out = (struct elf_segment){.type = h.type, .flags = h.flags, .vaddr = h.vaddr, .paddr = h.paddr, .offset = h.offset,
                                .file_size = h.filesz, .mem_size = h.memsz};
    if (h.type != ELF_PT_LOAD && h.type != ELF_PT_NOTE) {
        return PV_OK;
    }
    /* One without bytes in the file (a bss of its own) may say anything about where they begin. */
    if (h.filesz == 0) {
        out->offset = 0;
    } else if (!in_file(f, h.offset, h.filesz)) {
        return PV_TRUNCATED;
    }
    if (h.type == ELF_PT_LOAD && (h.memsz < h.filesz || h.paddr + h.memsz < h.paddr)) {
        return PV_BAD_SEGMENT;
    }
    return PV_OK;
}

enum pv_error elf_section(const struct elf_file *f, unsigned int i, struct elf_section *out)
{
    struct shdr h;

    memcpy(&h, f->data + f->shoff + (uint64_t)i * f->shentsize, sizeof(h));
    *out = (struct elf_section){.name = h.name, .type = h.type, .offset = h.offset, .size = h.size};
    if (h.type == SHT_NOBITS) {
        out->offset = out->size = 0;
        return PV_OK;
    }
    return in_file(f, h.offset, h.size) ? PV_OK : PV_TRUNCATED;
}

int elf_section_named(const struct elf_file *f, const struct elf_section *s, const char *name)
{
    struct elf_section strings;
    size_t n = strlen(name) + 1;

    if (f->shstrndx >= f->shnum || elf_section(f, f->shstrndx, &strings) != PV_OK) {
        return 0;
    }
    if (s->name >= strings.size || n > strings.size - s->name) {
        return 0;
    }
    return memcmp(f->data + strings.offset + s->name, name, n) == 0;
}

enum pv_error elf_load_span(const struct elf_file *f, uint64_t *start, uint64_t *end)
{
    *start = UINT64_MAX;
    *end = 0;
    for (unsigned int i = 0; i < f->phnum; i++) {
        struct elf_segment s;
        enum pv_error e = elf_segment(f, i, &s);

        if (e != PV_OK) {
            return e;
        }
        if (s.type == ELF_PT_LOAD && s.mem_size) {
            *start = s.paddr < *start ? s.paddr : *start;
            *end = s.paddr + s.mem_size > *end ? s.paddr + s.mem_size : *end;
        }
    }
    return *start < *end ? PV_OK : PV_NO_SEGMENTS;
}
