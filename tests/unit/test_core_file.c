/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/linux/core_file.c */
/* A core file's head, read back by the rules of ELF: sections by name, notes by type, nothing overlaps. */
#include <check.h>
#include <elf.h>
#include <string.h>

#include <xen/elfnote.h>
#include <xen/xen.h>

#include "libxeno/linux/core_file.h"

#define PAGE 4096u

static uint8_t head[CORE_HEAD_MAX];
static struct core_layout at;
static const Elf64_Ehdr *e = (const Elf64_Ehdr *)head;

static void make(uint64_t nr_vcpus, uint64_t nr_frames)
{
    struct core_version v = {.major = 4, .minor = 17, .extra = ".x", .page_size = PAGE};

    memset(head, 0xaa, sizeof(head));
    core_file_head(&v, nr_vcpus, nr_frames, head, &at);
}

static const Elf64_Shdr *section(unsigned int i)
{
    return (const Elf64_Shdr *)(head + e->e_shoff) + i;
}

static const Elf64_Shdr *named(const char *name)
{
    const char *strings = (const char *)head + section(e->e_shstrndx)->sh_offset;

    for (unsigned int i = 1; i < e->e_shnum; i++) {
        if (strcmp(strings + section(i)->sh_name, name) == 0) {
            return section(i);
        }
    }
    ck_abort_msg("no section %s", name);
    return NULL;
}

/* The descriptor of the note of that type. */
static const void *note(uint32_t type, uint32_t bytes)
{
    const Elf64_Shdr *s = named(".note.Xen");

    for (uint64_t o = 0; o < s->sh_size;) {
        const Elf64_Nhdr *n = (const Elf64_Nhdr *)(head + s->sh_offset + o);

        ck_assert_uint_eq(n->n_namesz, 4);
        ck_assert_str_eq((const char *)(n + 1), "Xen");
        if (n->n_type == type) {
            ck_assert_uint_eq(n->n_descsz, bytes);
            return (const uint8_t *)(n + 1) + 4;
        }
        o += sizeof(*n) + 4 + n->n_descsz;
        ck_assert_uint_le(o, s->sh_size);
    }
    ck_abort_msg("no note %x", type);
    return NULL;
}

START_TEST(head_is_a_core_without_segments)
{
    make(2, 300);
    ck_assert_int_eq(memcmp(e->e_ident, "\177ELF\2\1\1\0", 8), 0);
    ck_assert_uint_eq(e->e_type, ET_CORE);
    ck_assert_uint_eq(e->e_machine, EM_X86_64);
    ck_assert_uint_eq(e->e_phnum, 0);
    ck_assert_uint_le(e->e_shoff + e->e_shnum * sizeof(Elf64_Shdr), at.head_bytes);
}
END_TEST

START_TEST(sections_are_those_of_the_format)
{
    make(2, 300);
    ck_assert_uint_eq(named(".xen_prstatus")->sh_offset, at.contexts);
    ck_assert_uint_eq(named(".xen_prstatus")->sh_size, 2 * sizeof(vcpu_guest_context_t));
    ck_assert_uint_eq(named(".xen_shared_info")->sh_offset, at.shared_info);
    ck_assert_uint_eq(named(".xen_shared_info")->sh_size, PAGE);
    ck_assert_uint_eq(named(".xen_p2m")->sh_offset, at.frames);
    ck_assert_uint_eq(named(".xen_p2m")->sh_size, 300 * 16);
    ck_assert_uint_eq(named(".xen_pages")->sh_offset, at.pages);
    ck_assert_uint_eq(named(".xen_pages")->sh_size, 300 * PAGE);
    ck_assert_uint_eq(at.pages % PAGE, 0);
    ck_assert_uint_eq(at.end, at.pages + 300 * PAGE);
}
END_TEST

START_TEST(sections_do_not_overlap)
{
    uint64_t end;

    make(8, 524288);
    end = sizeof(*e) + e->e_shnum * sizeof(Elf64_Shdr);
    for (unsigned int i = 1; i < e->e_shnum; i++) {
        ck_assert_uint_ge(section(i)->sh_offset, end);
        end = section(i)->sh_offset + section(i)->sh_size;
    }
    ck_assert_uint_eq(end, at.end);
}
END_TEST

START_TEST(notes_say_what_the_pages_are)
{
    const uint64_t *h, *format;
    const struct core_version *v;

    make(3, 77);
    note(XEN_ELFNOTE_DUMPCORE_NONE, 0);
    h = note(XEN_ELFNOTE_DUMPCORE_HEADER, 32);
    ck_assert_uint_eq(h[0], 0xf00febed);
    ck_assert_uint_eq(h[1], 3);
    ck_assert_uint_eq(h[2], 77);
    ck_assert_uint_eq(h[3], PAGE);
    v = note(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, 1280);
    ck_assert_uint_eq(v->minor, 17);
    ck_assert_str_eq(v->extra, ".x");
    format = note(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, 8);
    ck_assert_uint_eq(*format, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("core_file");
    TCase *t = tcase_create("core_file");
    SRunner *r;
    int failed;

    tcase_add_test(t, head_is_a_core_without_segments);
    tcase_add_test(t, sections_are_those_of_the_format);
    tcase_add_test(t, sections_do_not_overlap);
    tcase_add_test(t, notes_say_what_the_pages_are);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
