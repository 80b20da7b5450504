/* SPDX-License-Identifier: MIT */
/* The file is: header, program headers, contents, notes, section names, section headers. */
#include "tests/unit/elf_maker.h"

#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#include "common/compiler.h"

static const char names[] = "\0.notes\0__xen_guest\0.shstrtab";
#define NAME_NOTES     1
#define NAME_XEN_GUEST 8
#define NAME_NAMES     20

static void need(int ok)
{
    if (!ok) {
        abort(); /* a test asked for more than the maker holds */
    }
}

void em_begin(struct elf_maker *m, uint64_t entry)
{
    memset(m, 0, sizeof(*m));
    memcpy(m->ehdr.e_ident, ELFMAG, SELFMAG);
    m->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    m->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    m->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
    m->ehdr.e_type = ET_EXEC;
    m->ehdr.e_machine = EM_X86_64;
    m->ehdr.e_version = EV_CURRENT;
    m->ehdr.e_entry = entry;
    m->ehdr.e_ehsize = sizeof(Elf64_Ehdr);
    m->ehdr.e_phentsize = sizeof(Elf64_Phdr);
    m->ehdr.e_shentsize = sizeof(Elf64_Shdr);
}

void em_load(struct elf_maker *m, uint64_t vaddr, uint64_t paddr, const void *content, uint64_t file_size, uint64_t mem_size)
{
    unsigned int i = m->ehdr.e_phnum++;

    need(i < EM_MAX_PHDRS);
    m->phdr[i] = (Elf64_Phdr){.p_type = PT_LOAD,
                              .p_flags = PF_R | PF_W | PF_X,
                              .p_vaddr = vaddr,
                              .p_paddr = paddr,
                              .p_filesz = file_size,
                              .p_memsz = mem_size};
    m->content[i] = content;
}

static void put(struct elf_maker *m, const void *data, size_t n)
{
    need(n <= sizeof(m->notes) - m->notes_size);
    memcpy(m->notes + m->notes_size, data, n);
    m->notes_size += n;
}

static void put_padding(struct elf_maker *m)
{
    while (m->notes_size % 4) {
        put(m, "", 1);
    }
}

void em_note(struct elf_maker *m, const char *owner, uint32_t type, const void *desc, uint32_t size)
{
    Elf64_Nhdr h = {.n_namesz = (uint32_t)strlen(owner) + 1, .n_descsz = size, .n_type = type};

    put(m, &h, sizeof(h));
    put(m, owner, h.n_namesz);
    put_padding(m);
    put(m, desc, size);
    put_padding(m);
}

void em_note_number(struct elf_maker *m, uint32_t type, uint64_t value)
{
    em_note(m, "Xen", type, &value, sizeof(value));
}

void em_note_text(struct elf_maker *m, uint32_t type, const char *text)
{
    em_note(m, "Xen", type, text, (uint32_t)strlen(text) + 1);
}

void em_guest_text(struct elf_maker *m, const char *text)
{
    put(m, text, strlen(text) + 1);
}

static size_t append(struct elf_maker *m, const void *data, size_t n)
{
    size_t at = m->size;

    need(n <= EM_BYTES - at);
    if (n) {
        memcpy(m->file + at, data, n);
    }
    m->size = ALIGN_UP(at + n, 8);
    return at;
}

void em_write_headers(struct elf_maker *m)
{
    memcpy(m->file, &m->ehdr, sizeof(m->ehdr));
    memcpy(m->file + sizeof(m->ehdr), m->phdr, sizeof(m->phdr));
    if (m->ehdr.e_shoff && m->ehdr.e_shoff < m->size && sizeof(m->shdr) <= m->size - m->ehdr.e_shoff) {
        memcpy(m->file + m->ehdr.e_shoff, m->shdr, sizeof(m->shdr));
    }
}

static void add_sections(struct elf_maker *m, enum em_notes form, size_t notes_at)
{
    size_t names_at = append(m, names, sizeof(names));

    m->shdr[1] = (Elf64_Shdr){.sh_name = form == EM_XEN_GUEST ? NAME_XEN_GUEST : NAME_NOTES,
                              .sh_type = form == EM_XEN_GUEST ? SHT_PROGBITS : SHT_NOTE,
                              .sh_offset = notes_at,
                              .sh_size = m->notes_size};
    m->shdr[2] = (Elf64_Shdr){.sh_name = NAME_NAMES, .sh_type = SHT_STRTAB, .sh_offset = names_at, .sh_size = sizeof(names)};
    m->ehdr.e_shnum = 3;
    m->ehdr.e_shstrndx = 2;
    m->ehdr.e_shoff = append(m, m->shdr, sizeof(m->shdr));
}

void em_finish(struct elf_maker *m, enum em_notes form)
{
    size_t notes_at;

    m->size = sizeof(m->ehdr) + sizeof(m->phdr);
    m->ehdr.e_phoff = sizeof(m->ehdr);
    for (unsigned int i = 0; i < m->ehdr.e_phnum; i++) {
        m->phdr[i].p_offset = append(m, m->content[i], m->phdr[i].p_filesz);
    }
    notes_at = append(m, m->notes, m->notes_size);
    if (form == EM_PT_NOTE) {
        need(m->ehdr.e_phnum < EM_MAX_PHDRS);
        m->phdr[m->ehdr.e_phnum++] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = notes_at, .p_filesz = m->notes_size};
    } else if (form != EM_NO_NOTES) {
        add_sections(m, form, notes_at);
    }
    em_write_headers(m);
}

void em_kernel(struct elf_maker *m, uint64_t virt_base, const void *code, size_t code_size, size_t bss)
{
    const uint64_t start = 1ul << 20;
    uint64_t stubs = ALIGN_UP(start + code_size, 4096);

    em_begin(m, virt_base + start);
    em_load(m, virt_base + start, start, code, code_size, stubs + 4096 - start + bss);
    em_note_text(m, XEN_ELFNOTE_GUEST_OS, "maker");
    em_note_text(m, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    em_note_number(m, XEN_ELFNOTE_VIRT_BASE, virt_base);
    em_note_number(m, XEN_ELFNOTE_PADDR_OFFSET, 0);
    em_note_number(m, XEN_ELFNOTE_ENTRY, virt_base + start);
    em_note_number(m, XEN_ELFNOTE_HYPERCALL_PAGE, virt_base + stubs);
    em_note_text(m, XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb");
    em_finish(m, EM_PT_NOTE);
}
