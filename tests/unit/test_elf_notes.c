/* SPDX-License-Identifier: MIT */
/* SOURCES: common/elf.c common/elf_notes.c common/pv_error.c tests/unit/elf_maker.c */
/*
 * PV images made in memory: the three places where notes may be, every reason for a refusal, every cut and many bent
 * files (in memory that ends where the file does), and the project's own guests and Debian's kernel where they are there.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>
#include <xen/features.h>

#include "common/compiler.h"
#include "common/elf_notes.h"
#include "tests/unit/elf_maker.h"

#define BASE  0xffffffff80000000ul
#define START (1ul << 20)

static struct elf_maker m;
static struct pv_image img;
static uint8_t code[8192];

static void make(void)
{
    em_kernel(&m, BASE, code, sizeof(code), 12288);
}

/* In memory of exactly its size, so that ASan sees a read behind it. */
static enum pv_error read_bytes(const void *file, size_t size)
{
    void *exact = malloc(size ? size : 1);
    enum pv_error e;

    memcpy(exact, file, size);
    e = pv_image_read(&img, exact, size);
    free(exact);
    img.file.data = NULL;
    return e;
}

static enum pv_error read_made(void)
{
    return read_bytes(m.file, m.size);
}

static void expect_common(void)
{
    ck_assert_uint_eq(img.virt_base, BASE);
    ck_assert_uint_eq(img.entry, BASE + START);
    ck_assert_uint_eq(img.kernel_start, START);
    ck_assert_uint_eq(img.kernel_end, START + sizeof(code) + 4096 + 12288);
    ck_assert(img.has_hypercall_page);
    ck_assert_uint_eq(img.hypercall_page, BASE + START + sizeof(code));
    ck_assert_str_eq(img.xen_version, "xen-3.0");
}

START_TEST(a_usual_kernel)
{
    make();
    ck_assert_int_eq(read_made(), PV_OK);
    expect_common();
    ck_assert_str_eq(img.guest_os, "maker");
    ck_assert_uint_eq(img.features_required, 1ul << XENFEAT_writable_page_tables);
    ck_assert_uint_eq(img.features_supported, 1ul << XENFEAT_writable_page_tables | 1ul << XENFEAT_pae_pgdir_above_4gb);
    ck_assert(!img.legacy && !img.says_features && !img.dom0_support && !img.has_init_p2m && !img.mod_start_pfn);
}
END_TEST

START_TEST(every_note_arrives)
{
    uint32_t half = 0x12345000;

    em_begin(&m, 0);
    em_load(&m, 0, 0x5000, code, sizeof(code), sizeof(code));
    em_note(&m, "GNU", 3, "build id", 8);
    em_note(&m, "Xen", XEN_ELFNOTE_INIT_P2M, &half, sizeof(half)); /* 4 bytes are a number as well */
    em_note_number(&m, XEN_ELFNOTE_VIRT_BASE, 0x400000);
    em_note_number(&m, XEN_ELFNOTE_PADDR_OFFSET, 0x4000);
    em_note_number(&m, XEN_ELFNOTE_ENTRY, 0x401234);
    em_note_number(&m, XEN_ELFNOTE_MOD_START_PFN, 1);
    em_note_number(&m, XEN_ELFNOTE_SUSPEND_CANCEL, 1);
    em_note_number(&m, XEN_ELFNOTE_SUPPORTED_FEATURES, 1ul << XENFEAT_dom0);
    em_note_text(&m, XEN_ELFNOTE_LOADER, "generic");
    em_note_text(&m, XEN_ELFNOTE_GUEST_VERSION, "a version longer than the field that it is copied to");
    em_note_text(&m, 4711, "a note that nobody knows");
    em_finish(&m, EM_PT_NOTE);
    ck_assert_int_eq(read_made(), PV_OK);
    ck_assert(img.has_init_p2m && img.mod_start_pfn && img.suspend_cancel && img.says_features && img.dom0_support);
    ck_assert_uint_eq(img.init_p2m, half);
    ck_assert_uint_eq(img.virt_base, 0x400000);
    ck_assert_uint_eq(img.entry, 0x401234);
    ck_assert_uint_eq(img.kernel_start, 0x1000);
    ck_assert_uint_eq(img.kernel_end, 0x3000);
    ck_assert(!img.has_hypercall_page);
    ck_assert_str_eq(img.loader, "generic");
    ck_assert_uint_eq(strlen(img.guest_version), sizeof(img.guest_version) - 1);
}
END_TEST

START_TEST(notes_in_a_section)
{
    make();
    m.ehdr.e_phnum--;
    em_finish(&m, EM_SHT_NOTE);
    ck_assert_int_eq(read_made(), PV_OK);
    expect_common();
    ck_assert(!img.legacy);
}
END_TEST

static void make_legacy(const char *text)
{
    em_begin(&m, BASE + START);
    em_load(&m, BASE + START, BASE + START, code, sizeof(code), sizeof(code) + 4096 + 12288);
    em_guest_text(&m, text);
    em_finish(&m, EM_XEN_GUEST);
}

START_TEST(the_old_string)
{
    make_legacy("GUEST_OS=old,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=0x102,"
                "FEATURES=writable_page_tables|!pae_pgdir_above_4gb,LOADER=generic,PAE=yes,BSD_SYMTAB");
    ck_assert_int_eq(read_made(), PV_OK);
    expect_common();
    ck_assert(img.legacy);
    ck_assert_str_eq(img.guest_os, "old");
    ck_assert_str_eq(img.guest_version, "2.6");
    ck_assert_str_eq(img.loader, "generic");
    ck_assert_uint_eq(img.features_required, 1ul << XENFEAT_pae_pgdir_above_4gb);
    make_legacy("VIRT_BASE=18446744071562067968,ELF_PADDR_OFFSET=0xFFFFFFFF80000000,VIRT_ENTRY=0xffffffff80100010");
    ck_assert_int_eq(read_made(), PV_OK);
    ck_assert_uint_eq(img.entry, BASE + START + 0x10);
    ck_assert_uint_eq(img.paddr_offset, BASE);
}
END_TEST

START_TEST(numbers_in_the_old_string)
{
    static const char *const bad[] = {"VIRT_BASE=", "VIRT_BASE=0x", "VIRT_BASE", "VIRT_BASE=12g", "VIRT_BASE=0x1g", "VIRT_BASE=-1",
                                      "VIRT_BASE=0x10000000000000000", "VIRT_BASE=18446744073709551616", "VIRT_ENTRY=x"};

    make_legacy(bad[_i]);
    ck_assert_int_eq(read_made(), PV_BAD_NOTE);
}
END_TEST

/* A section of no bytes in the file (SHT_NOBITS) has no text, whatever its name and size say. */
START_TEST(the_old_string_must_be_in_the_file)
{
    make_legacy("VIRT_BASE=0");
    m.shdr[1].sh_type = SHT_NOBITS;
    m.shdr[1].sh_offset = 1ul << 40;
    m.shdr[1].sh_size = 1ul << 40;
    em_write_headers(&m);
    ck_assert_int_eq(read_made(), PV_NO_NOTES);
}
END_TEST

START_TEST(broken_names_are_no_names)
{
    make_legacy("VIRT_BASE=0xffffffff80000000");
    for (int i = 0; i < 4; i++) {
        struct elf_maker was = m;

        switch (i) {
        case 0:
            m.ehdr.e_shstrndx = 3;
            break;
        case 1:
            m.shdr[1].sh_name = 0xffffffff;
            break;
        case 2:
            m.shdr[2].sh_type = SHT_NOBITS;
            break;
        default:
            m.shdr[1].sh_name = 28; /* its end: "b" and the terminator are left */
            break;
        }
        em_write_headers(&m);
        ck_assert_int_eq(read_made(), PV_NO_NOTES);
        m = was;
    }
}
END_TEST

/* ---- refusals: a change of a usual kernel and the reason that it must give ---- */

struct refusal {
    void (*change)(void);
    enum pv_error wanted;
    unsigned int line;
};

#define REFUSAL(name, ...)                                                                                                         \
    static void name(void)                                                                                                         \
    {                                                                                                                              \
        __VA_ARGS__;                                                                                                               \
        em_write_headers(&m);                                                                                                      \
    }

/* The notes of a usual kernel are there already; a later note of the same type wins. */
static void again(uint32_t type, const void *desc, uint32_t size)
{
    m.ehdr.e_phnum--;
    em_note(&m, "Xen", type, desc, size);
    em_finish(&m, EM_PT_NOTE);
}

static void again_number(uint32_t type, uint64_t v)
{
    again(type, &v, sizeof(v));
}

static void notes_cut(size_t n)
{
    m.phdr[1].p_filesz -= n;
}

/* A new image with these notes alone. */
static void only_note(const char *owner, uint32_t type)
{
    uint64_t v = 0x100000;

    em_begin(&m, BASE);
    em_load(&m, 0, 0, code, sizeof(code), sizeof(code));
    em_note(&m, owner, type, &v, sizeof(v));
    em_finish(&m, EM_PT_NOTE);
}

REFUSAL(no_magic, m.ehdr.e_ident[0] = 'E')
REFUSAL(class_32, m.ehdr.e_ident[EI_CLASS] = ELFCLASS32)
REFUSAL(big_endian, m.ehdr.e_ident[EI_DATA] = ELFDATA2MSB)
REFUSAL(machine_arm, m.ehdr.e_machine = EM_AARCH64)
REFUSAL(an_object, m.ehdr.e_type = ET_REL)
REFUSAL(a_core, m.ehdr.e_type = ET_CORE)
REFUSAL(no_phdrs, m.ehdr.e_phnum = 0)
REFUSAL(short_phdrs, m.ehdr.e_phentsize = 55)
REFUSAL(phdrs_outside, m.ehdr.e_phoff = m.size - 8)
REFUSAL(phdrs_wrap, m.ehdr.e_phoff = UINT64_MAX - 7)
REFUSAL(many_phdrs, m.ehdr.e_phnum = 65535; m.ehdr.e_phentsize = 65535)
REFUSAL(load_outside, m.phdr[0].p_offset = m.size)
REFUSAL(load_wraps, m.phdr[0].p_offset = UINT64_MAX)
REFUSAL(note_outside, m.phdr[1].p_filesz = m.size)
REFUSAL(file_over_memory, m.phdr[0].p_memsz = m.phdr[0].p_filesz - 1)
REFUSAL(memory_wraps, m.phdr[0].p_memsz = UINT64_MAX - 4096)
REFUSAL(no_load, m.phdr[0].p_type = PT_NULL)
REFUSAL(empty_load, m.phdr[0].p_memsz = m.phdr[0].p_filesz = 0)
REFUSAL(no_notes, m.phdr[1].p_type = PT_NULL)
REFUSAL(other_notes, only_note("Linux", XEN_ELFNOTE_ENTRY))
REFUSAL(unknown_notes, only_note("Xen", 999))
REFUSAL(pvh_only, only_note("Xen", XEN_ELFNOTE_PHYS32_ENTRY))
REFUSAL(number_of_3, again(XEN_ELFNOTE_ENTRY, "abc", 3))
REFUSAL(number_of_16, again(XEN_ELFNOTE_INIT_P2M, "0123456789abcdef", 16))
REFUSAL(features_of_2, again(XEN_ELFNOTE_SUPPORTED_FEATURES, "ab", 2))
REFUSAL(note_text_cut, notes_cut(32))
REFUSAL(note_name_cut, notes_cut(4 + 44))
REFUSAL(version_2, again(XEN_ELFNOTE_XEN_VERSION, "xen-2.0", 8))
REFUSAL(unknown_feature, again(XEN_ELFNOTE_FEATURES, "a|!b", 5))
REFUSAL(wants_supervisor, again(XEN_ELFNOTE_FEATURES, "!supervisor_mode_kernel", 23))
REFUSAL(wants_translation, again(XEN_ELFNOTE_FEATURES, "|!auto_translated_physmap|", 26))
REFUSAL(entry_below, again_number(XEN_ELFNOTE_ENTRY, BASE + START - 1))
REFUSAL(entry_behind, again_number(XEN_ELFNOTE_ENTRY, BASE + START + sizeof(code) + 4096 + 12288))
REFUSAL(stubs_odd, again_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + START + 8))
REFUSAL(stubs_outside, again_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE))
REFUSAL(base_odd, again_number(XEN_ELFNOTE_VIRT_BASE, BASE + 8))
REFUSAL(base_ours, again_number(XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000ul); again_number(XEN_ELFNOTE_ENTRY, 0xffff800000100000ul))
REFUSAL(base_noncanonical, again_number(XEN_ELFNOTE_VIRT_BASE, 1ul << 47))
REFUSAL(base_near_hole, again_number(XEN_ELFNOTE_VIRT_BASE, (1ul << 47) - 4096); again_number(XEN_ELFNOTE_ENTRY, (1ul << 47) - 4096 + START))
REFUSAL(base_at_top, again_number(XEN_ELFNOTE_VIRT_BASE, UINT64_MAX - 4095))
REFUSAL(offset_too_high, again_number(XEN_ELFNOTE_PADDR_OFFSET, START + 1))
REFUSAL(p2m_odd, again_number(XEN_ELFNOTE_INIT_P2M, 0x8000000001ul))
REFUSAL(p2m_ours, again_number(XEN_ELFNOTE_INIT_P2M, 0xffff800000000000ul))
REFUSAL(p2m_noncanonical, again_number(XEN_ELFNOTE_INIT_P2M, 1ul << 47))

#define R(f, e) {f, e, __LINE__}
static const struct refusal refusals[] = {
    R(no_magic, PV_NOT_ELF),
    R(class_32, PV_NOT_64BIT),
    R(big_endian, PV_WRONG_ARCH),
    R(machine_arm, PV_WRONG_ARCH),
    R(an_object, PV_NOT_EXECUTABLE),
    R(a_core, PV_NOT_EXECUTABLE),
    R(no_phdrs, PV_NO_SEGMENTS),
    R(short_phdrs, PV_NO_SEGMENTS),
    R(phdrs_outside, PV_TRUNCATED),
    R(phdrs_wrap, PV_TRUNCATED),
    R(many_phdrs, PV_TRUNCATED),
    R(load_outside, PV_TRUNCATED),
    R(load_wraps, PV_TRUNCATED),
    R(note_outside, PV_TRUNCATED),
    R(file_over_memory, PV_BAD_SEGMENT),
    R(memory_wraps, PV_BAD_SEGMENT),
    R(no_load, PV_NO_SEGMENTS),
    R(empty_load, PV_NO_SEGMENTS),
    R(no_notes, PV_NO_NOTES),
    R(other_notes, PV_NO_NOTES),
    R(unknown_notes, PV_NO_NOTES),
    R(pvh_only, PV_NOT_PV),
    R(number_of_3, PV_BAD_NOTE),
    R(number_of_16, PV_BAD_NOTE),
    R(features_of_2, PV_BAD_NOTE),
    R(note_text_cut, PV_BAD_NOTE),
    R(note_name_cut, PV_BAD_NOTE),
    R(version_2, PV_BAD_XEN_VERSION),
    R(unknown_feature, PV_UNKNOWN_FEATURE),
    R(wants_supervisor, PV_UNKNOWN_FEATURE),
    R(wants_translation, PV_UNKNOWN_FEATURE),
    R(entry_below, PV_BAD_ADDRESS),
    R(entry_behind, PV_BAD_ADDRESS),
    R(stubs_odd, PV_BAD_ADDRESS),
    R(stubs_outside, PV_BAD_ADDRESS),
    R(base_odd, PV_BAD_ADDRESS),
    R(base_ours, PV_BAD_ADDRESS),
    R(base_noncanonical, PV_BAD_ADDRESS),
    R(base_near_hole, PV_BAD_ADDRESS),
    R(base_at_top, PV_BAD_ADDRESS),
    R(offset_too_high, PV_BAD_ADDRESS),
    R(p2m_odd, PV_BAD_ADDRESS),
    R(p2m_ours, PV_BAD_ADDRESS),
    R(p2m_noncanonical, PV_BAD_ADDRESS),
};

START_TEST(every_reason_to_refuse)
{
    const struct refusal *r = &refusals[_i];
    enum pv_error e;

    make();
    r->change();
    e = read_made();
    ck_assert_msg(e == r->wanted, "line %u: '%s' instead of '%s'", r->line, pv_error_text(e), pv_error_text(r->wanted));
}
END_TEST

/* pv_plan.h's own reasons are the plan's tests' business. */
START_TEST(no_reason_is_left_out)
{
    for (int e = PV_NOT_ELF; e <= PV_BAD_ADDRESS; e++) {
        bool seen = false;

        for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
            seen |= refusals[i].wanted == (enum pv_error)e;
        }
        ck_assert_msg(seen, "nothing gives '%s'", pv_error_text((enum pv_error)e));
    }
    for (int e = PV_OK; e <= PV_NO_DOM0_SUPPORT; e++) {
        ck_assert_str_ne(pv_error_text((enum pv_error)e), "unknown error");
        ck_assert_ptr_null(strchr(pv_error_text((enum pv_error)e), '\n'));
    }
    ck_assert_str_eq(pv_error_text((enum pv_error)(PV_NO_DOM0_SUPPORT + 1)), "unknown error");
    ck_assert_str_eq(pv_error_text((enum pv_error)-1), "unknown error");
}
END_TEST

/* Sections that are broken do not matter where segments say all. */
START_TEST(broken_sections_of_a_good_kernel)
{
    make();
    m.ehdr.e_shoff = UINT64_MAX - 3;
    m.ehdr.e_shnum = 3;
    em_write_headers(&m);
    ck_assert_int_eq(read_made(), PV_OK);
    m.ehdr.e_shoff = 0;
    m.ehdr.e_shentsize = 1;
    em_write_headers(&m);
    ck_assert_int_eq(read_made(), PV_OK);
}
END_TEST

/* A segment that has no bytes in the file may say that they begin anywhere. */
START_TEST(bss_of_its_own_may_begin_behind_the_file)
{
    make();
    m.ehdr.e_phnum--;
    em_load(&m, BASE + 2 * START, 2 * START, NULL, 0, 4096);
    em_finish(&m, EM_PT_NOTE);
    m.phdr[1].p_offset = m.size + 4096;
    em_write_headers(&m);
    ck_assert_int_eq(read_made(), PV_OK);
    ck_assert_uint_eq(img.kernel_end, 2 * START + 4096);
}
END_TEST

START_TEST(the_last_note_may_lack_its_padding)
{
    make();
    ck_assert_uint_eq(m.notes_size % 4, 0);
    notes_cut(2); /* 42 characters with the terminator, padded to 44 */
    em_write_headers(&m);
    ck_assert_int_eq(read_made(), PV_OK);
    ck_assert_uint_eq(img.features_required, 1ul << XENFEAT_writable_page_tables);
}
END_TEST

/* What an accepted image promises to whoever plans with it. */
static unsigned int broken_promises(void)
{
    bool low = img.virt_base < 1ul << 47;
    uint64_t end = img.virt_base + img.kernel_end;

    return (img.virt_base % 4096 || img.kernel_start % 4096 || img.kernel_end % 4096) + (img.kernel_start >= img.kernel_end) +
           (end < img.virt_base) + (low ? end > 1ul << 47 : img.virt_base < 0xffff880000000000ul) +
           (img.entry - img.virt_base < img.kernel_start || img.entry - img.virt_base >= img.kernel_end) +
           !memchr(img.guest_os, 0, sizeof(img.guest_os)) + !memchr(img.xen_version, 0, sizeof(img.xen_version));
}

START_TEST(cut_files_are_refused)
{
    unsigned int wrong = 0;
    size_t notes_end;

    make();
    notes_end = m.phdr[1].p_offset + m.phdr[1].p_filesz;
    for (size_t n = 0; n < notes_end; n += n > 600 && n + 600 < notes_end ? 97 : 1) {
        enum pv_error e = read_bytes(m.file, n);

        wrong += e != (n < 4 ? PV_NOT_ELF : PV_TRUNCATED);
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

START_TEST(bent_files_do_no_harm)
{
    static const uint8_t others[] = {0, 1, 0x7f, 0x80, 0xff};
    unsigned int wrong = 0, accepted = 0;
    static uint8_t tiny[64];

    for (int form = EM_PT_NOTE; form <= EM_XEN_GUEST; form++) {
        em_kernel(&m, BASE, tiny, sizeof(tiny), 0);
        m.ehdr.e_phnum--;
        if (form == EM_XEN_GUEST) {
            m.notes_size = 0;
            em_guest_text(&m, "GUEST_OS=old,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0,HYPERCALL_PAGE=0x101,FEATURES=a|b");
        }
        em_finish(&m, (enum em_notes)form);
        for (size_t at = 0; at < m.size; at++) {
            uint8_t was = m.file[at];

            for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                m.file[at] = others[i];
                if (read_made() == PV_OK) {
                    accepted++;
                    wrong += broken_promises();
                }
            }
            m.file[at] = was;
        }
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(accepted, 100);
}
END_TEST

/* ---- images that others have linked ---- */

static uint8_t *load_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;

    if (f) {
        data = malloc(64u << 20);
        *size = fread(data, 1, 64u << 20, f);
        fclose(f);
    }
    return data;
}

START_TEST(our_own_guests)
{
    static const char *const paths[] = {"build/guests/hello", "build/guests/boot-domain", "../build/guests/hello", "../build/guests/boot-domain",
                                        "../../../build/guests/hello", "../../../build/guests/boot-domain"};

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        size_t size = 0;
        uint8_t *data = load_file(paths[i], &size);

        if (data) {
            ck_assert_msg(read_bytes(data, size) == PV_OK, "%s", paths[i]);
            ck_assert_uint_eq(broken_promises(), 0);
            ck_assert(img.says_features || img.features_supported || img.guest_os[0]);
            free(data);
        }
    }
}
END_TEST

/* A host program is ELF-64 for x86-64 and has notes, none of them Xen's. */
START_TEST(a_host_program_is_no_kernel)
{
    size_t size = 0;
    uint8_t *data = load_file("/proc/self/exe", &size);

    ck_assert_ptr_nonnull(data);
    ck_assert_int_eq(read_bytes(data, size), PV_NO_NOTES);
    free(data);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("elf_notes");
    TCase *t = tcase_create("images");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_usual_kernel);
    tcase_add_test(t, every_note_arrives);
    tcase_add_test(t, notes_in_a_section);
    tcase_add_test(t, the_old_string);
    tcase_add_loop_test(t, numbers_in_the_old_string, 0, 9);
    tcase_add_test(t, the_old_string_must_be_in_the_file);
    tcase_add_test(t, broken_names_are_no_names);
    tcase_add_loop_test(t, every_reason_to_refuse, 0, (int)ARRAY_SIZE(refusals));
    tcase_add_test(t, no_reason_is_left_out);
    tcase_add_test(t, broken_sections_of_a_good_kernel);
    tcase_add_test(t, bss_of_its_own_may_begin_behind_the_file);
    tcase_add_test(t, the_last_note_may_lack_its_padding);
    tcase_add_test(t, cut_files_are_refused);
    tcase_add_test(t, bent_files_do_no_harm);
    tcase_add_test(t, our_own_guests);
    tcase_add_test(t, a_host_program_is_no_kernel);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
