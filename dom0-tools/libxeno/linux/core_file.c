/* SPDX-License-Identifier: MIT */
/* Sections are laid out in the order of their headers; the file's names and note types are the format's, so order is free. */
#include "libxeno/linux/core_file.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include <xen/elfnote.h>
#include <xen/xen.h>

#include "common/compiler.h"

#define PAGE           4096u
#define MAGIC_PV       0xf00febedu
#define FORMAT_VERSION 1u /* 0.1: major in the upper half */

enum section {
    S_NULL,
    S_STRINGS,
    S_NOTES,
    S_CONTEXTS,
    S_SHARED,
    S_FRAMES,
    S_PAGES,
    NR_SECTIONS
};

/* Each name begins behind the zero of the one before. */
static const char names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0.xen_shared_info\0.xen_p2m\0.xen_pages";

struct header_note {
    uint64_t magic, nr_vcpus, nr_pages, page_size;
};

static size_t add_note(uint8_t *at, uint32_t type, const void *desc, uint32_t bytes)
{
    const Elf64_Nhdr n = {.n_namesz = 4, .n_descsz = bytes, .n_type = type};

    memcpy(at, &n, sizeof(n));
    memcpy(at + sizeof(n), "Xen", 4);
    memcpy(at + sizeof(n) + 4, desc, bytes); /* every descriptor here is a multiple of four bytes */
    return sizeof(n) + 4 + bytes;
}

static size_t add_notes(uint8_t *at, const struct core_version *v, const struct header_note *h)
{
    const uint64_t format = FORMAT_VERSION;
    size_t n = add_note(at, XEN_ELFNOTE_DUMPCORE_NONE, "", 0);

    n += add_note(at + n, XEN_ELFNOTE_DUMPCORE_HEADER, h, sizeof(*h));
    n += add_note(at + n, XEN_ELFNOTE_DUMPCORE_XEN_VERSION, v, sizeof(*v));
    return n + add_note(at + n, XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, &format, sizeof(format));
}

static uint32_t name_of(enum section s)
{
    size_t at = 0;

    for (unsigned int i = 0; i < s; i++) {
        at += strlen(names + at) + 1;
    }
    return (uint32_t)at;
}

void core_file_head(const struct core_version *v, uint64_t nr_vcpus, uint64_t nr_frames,
                    uint8_t *buf, struct core_layout *out)
{
    const struct header_note h = {MAGIC_PV, nr_vcpus, nr_frames, PAGE};
    const Elf64_Ehdr e = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = sizeof(e),
        .e_ehsize = sizeof(e),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = NR_SECTIONS,
        .e_shstrndx = S_STRINGS};
    Elf64_Shdr s[NR_SECTIONS] = {
        [S_STRINGS] = {.sh_type = SHT_STRTAB, .sh_size = sizeof(names), .sh_addralign = 1},
        [S_NOTES] = {.sh_type = SHT_NOTE, .sh_addralign = 4},
        [S_CONTEXTS] = {.sh_size = nr_vcpus * sizeof(vcpu_guest_context_t),
                        .sh_entsize = sizeof(vcpu_guest_context_t)},
        [S_SHARED] = {.sh_size = PAGE, .sh_entsize = PAGE},
        [S_FRAMES] = {.sh_size = nr_frames * sizeof(struct core_frame),
                      .sh_entsize = sizeof(struct core_frame)},
        [S_PAGES] = {.sh_size = nr_frames * PAGE, .sh_entsize = PAGE, .sh_addralign = PAGE}};
    uint64_t at = sizeof(e) + sizeof(s);

    memset(buf, 0, CORE_HEAD_MAX);
    for (enum section i = S_STRINGS; i < NR_SECTIONS; i++) {
        s[i].sh_name = name_of(i);
        s[i].sh_type = s[i].sh_type ? s[i].sh_type : SHT_PROGBITS;
        s[i].sh_addralign = s[i].sh_addralign ? s[i].sh_addralign : 8;
        at = ALIGN_UP(at, s[i].sh_addralign);
        s[i].sh_offset = at;
        if (i == S_NOTES) {
            s[i].sh_size = add_notes(buf + at, v, &h);
        }
        at += s[i].sh_size;
    }
    memcpy(buf, &e, sizeof(e));
    memcpy(buf + sizeof(e), s, sizeof(s));
    memcpy(buf + s[S_STRINGS].sh_offset, names, sizeof(names));
    *out = (struct core_layout){.head_bytes = s[S_NOTES].sh_offset + s[S_NOTES].sh_size,
                                .contexts = s[S_CONTEXTS].sh_offset,
                                .shared_info = s[S_SHARED].sh_offset,
                                .frames = s[S_FRAMES].sh_offset,
                                .pages = s[S_PAGES].sh_offset,
                                .end = at};
}
