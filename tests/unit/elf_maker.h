/* SPDX-License-Identifier: MIT */
/*
 * ELF images of PV kernels made in memory, byte by byte over the C library's <elf.h>, so that the reader is tested
 * against layouts that it does not define itself. Offsets are 0 until em_finish() has laid out the file.
 */
#ifndef TESTS_UNIT_ELF_MAKER_H
#define TESTS_UNIT_ELF_MAKER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define EM_MAX_PHDRS 8
#define EM_BYTES     (1u << 20)

enum em_notes { EM_NO_NOTES, EM_PT_NOTE, EM_SHT_NOTE, EM_XEN_GUEST };

struct elf_maker {
    uint8_t file[EM_BYTES];
    size_t size;
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdr[EM_MAX_PHDRS];
    const void *content[EM_MAX_PHDRS];
    uint8_t notes[4096];
    size_t notes_size;
    Elf64_Shdr shdr[3]; /* null, notes or __xen_guest, names; written where e_shnum says so */
};

void em_begin(struct elf_maker *m, uint64_t entry);
/* A PT_LOAD of mem_size bytes, the first file_size of them from content (which stays the caller's). */
void em_load(struct elf_maker *m, uint64_t vaddr, uint64_t paddr, const void *content, uint64_t file_size, uint64_t mem_size);
void em_note(struct elf_maker *m, const char *owner, uint32_t type, const void *desc, uint32_t size);
void em_note_number(struct elf_maker *m, uint32_t type, uint64_t value);
void em_note_text(struct elf_maker *m, uint32_t type, const char *text);
/* The __xen_guest string instead of notes. */
void em_guest_text(struct elf_maker *m, const char *text);
/* Lay out and write the file; afterwards em_write_headers() brings changes of ehdr, phdr, shdr into it. */
void em_finish(struct elf_maker *m, enum em_notes form);
void em_write_headers(struct elf_maker *m);

/* A kernel at virt_base + 1 MiB: `code`, a page for hypercall stubs behind it, bss; the notes of a usual PV kernel. */
void em_kernel(struct elf_maker *m, uint64_t virt_base, const void *code, size_t code_size, size_t bss);

#endif
