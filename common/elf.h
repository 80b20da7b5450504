/* SPDX-License-Identifier: MIT */
/*
 * A bounds-checked reader of 64-bit x86-64 executables in memory. The file is hostile: every offset is checked against
 * the file's size before use, and nothing is read through a cast (headers may lie unaligned).
 */
#ifndef COMMON_ELF_H
#define COMMON_ELF_H

#include <stddef.h>
#include <stdint.h>

#include "common/pv_error.h"

struct elf_file {
    const uint8_t *data;
    size_t size;
    uint64_t entry;
    uint64_t phoff, shoff;
    uint16_t phnum, phentsize, shnum, shentsize, shstrndx;
};

/* A PT_LOAD or PT_NOTE program header whose file range lies inside the file. */
struct elf_segment {
    uint32_t type, flags;
    uint64_t vaddr, paddr;
    uint64_t offset, file_size; /* bytes in the file */
    uint64_t mem_size;          /* bytes in memory, >= file_size for PT_LOAD */
};

struct elf_section {
    uint32_t name, type;
    uint64_t offset, size; /* inside the file; size 0 for SHT_NOBITS */
};

#define ELF_PT_LOAD 1u
#define ELF_PT_NOTE 4u
#define ELF_SHT_NOTE 7u

enum pv_error elf_open(struct elf_file *f, const void *data, size_t size);

/* Program header i < phnum: PV_OK and *out, or why not. Other types than LOAD and NOTE are not range-checked. */
enum pv_error elf_segment(const struct elf_file *f, unsigned int i, struct elf_segment *out);

/* Section header i < shnum; a broken one gives PV_TRUNCATED. */
enum pv_error elf_section(const struct elf_file *f, unsigned int i, struct elf_section *out);

/* Does section s bear this name? */
int elf_section_named(const struct elf_file *f, const struct elf_section *s, const char *name);

/* Lowest and highest address of all PT_LOAD p_paddr ranges, [*start, *end). */
enum pv_error elf_load_span(const struct elf_file *f, uint64_t *start, uint64_t *end);

#endif
