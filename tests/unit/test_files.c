/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/linux/files.c dom0-tools/libxeno/linux/file_view.c common/elf.c common/elf_notes.c common/pv_error.c */
/* SOURCES: tests/unit/elf_maker.c */
/* DEFINES: _GNU_SOURCE=1 */
/*
 * Of a large file the headers alone are read: an image that is described by them is the one that the whole file is, whatever has been
 * done to the file; what lies in its segments is not read; its bytes are the file's, or known not to be if it has been cut.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/elf_notes.h"
#include "libxeno/linux/file_view.h"
#include "libxeno/linux/files.h"
#include "tests/unit/elf_maker.h"

#define BASE  0xffffffff80000000ul
#define BYTES (2u << 20)

static struct elf_maker m;
static uint8_t code[600000], sparse[EM_BYTES], big[BYTES];
static struct xeno_linux l;
static uint32_t random_state;

static uint32_t pick(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static int file_of(const void *data, size_t size)
{
    int fd = memfd_create("file", 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    return fd;
}

static void setup(void)
{
    memset(code, 0xcc, sizeof(code));
    random_state = 1;
    l = (struct xeno_linux){.privcmd = -1};
}

/* The image by its headers is the image by the whole file, or is refused for the same reason. */
static enum pv_error expect_same(void)
{
    static struct pv_image whole, part;
    int fd = file_of(m.file, m.size);
    enum pv_error e, expected;

    memset(sparse, 0, sizeof(sparse));
    memset(&whole, 0, sizeof(whole));
    memset(&part, 0, sizeof(part));
    ck_assert_int_eq(linux_file_headers(fd, sparse, m.size), 0);
    close(fd);
    expected = pv_image_read(&whole, m.file, m.size);
    e = pv_image_read(&part, sparse, m.size);
    ck_assert_int_eq(e, expected);
    if (e == PV_OK) {
        whole.file.data = part.file.data = NULL;
        ck_assert_mem_eq(&whole, &part, sizeof(whole));
    }
    return e;
}

static void make(enum em_notes form)
{
    em_kernel(&m, BASE, code, sizeof(code), 12288);
    if (form != EM_PT_NOTE) {
        m.ehdr.e_phnum--; /* its notes */
        if (form == EM_XEN_GUEST) {
            m.notes_size = 0;
            em_guest_text(&m, "GUEST_OS=linux,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0");
        }
        em_finish(&m, form);
    }
}

START_TEST(all_places_of_notes)
{
    static const enum em_notes forms[] = {EM_PT_NOTE, EM_SHT_NOTE, EM_XEN_GUEST};

    make(forms[_i]);
    ck_assert_int_eq(expect_same(), PV_OK);
    /* One page or so of headers; what lies in the segment has not been read. */
    ck_assert_ptr_null(memmem(sparse, sizeof(sparse), "\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc", 8));
}
END_TEST

/* Bent in any way: in its headers mostly. */
START_TEST(bent_files)
{
    unsigned int refused = 0;

    for (unsigned int round = 0; round < 400; round++) {
        make((enum em_notes)(EM_PT_NOTE + round % 3));
        for (uint32_t n = 1 + pick(4); n; n--) {
            uint32_t at = pick(4) ? pick(64 + 4 * 56) : pick(2) ? (uint32_t)m.size - 1 - pick(512) : pick((uint32_t)m.size);

            m.file[at] = (uint8_t)(pick(2) ? pick(256) : 0xff);
        }
        refused += expect_same() != PV_OK;
    }
    ck_assert_uint_gt(refused, 20);
    ck_assert_uint_lt(refused, 400);
}
END_TEST

/* Headers that ask for the whole file again and again: it is read once. */
START_TEST(greedy_headers)
{
    make(EM_PT_NOTE);
    m.ehdr.e_phnum = 8;
    for (unsigned int i = 0; i < 8; i++) {
        m.phdr[i] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = 0, .p_filesz = m.size};
    }
    em_write_headers(&m);
    expect_same();
}
END_TEST

START_TEST(small_and_large)
{
    const void *data;
    size_t size;
    char path[64];
    int fd = file_of("config", 6);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ck_assert_int_eq(linux_file_open(&l, path, &data, &size), 0);
    ck_assert_uint_eq(size, 6);
    ck_assert_str_eq(data, "config");
    ck_assert_ptr_eq(linux_file_bytes(&l, data), data);
    ck_assert_int_eq(linux_file_intact(&l, data), 0);
    linux_file_close(&l, data, size);
    close(fd);
    ck_assert_int_eq(linux_file_open(&l, "/", &data, &size), -EISDIR);
    ck_assert_int_eq(linux_file_open(&l, "/nowhere", &data, &size), -ENOENT);
}
END_TEST

static const uint8_t *open_large(int fd, const void **data)
{
    char path[64];
    size_t size;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ck_assert_int_eq(linux_file_open(&l, path, data, &size), 0);
    ck_assert_uint_eq(size, BYTES);
    return linux_file_bytes(&l, *data);
}

static int large_file(void)
{
    for (size_t i = 0; i < BYTES; i++) {
        big[i] = (uint8_t)(pick(255) + 1);
    }
    return file_of(big, BYTES);
}

START_TEST(seen_where_they_lie)
{
    const void *data[4], *more;
    int fd = large_file();
    char path[64];
    size_t size;

    for (unsigned int i = 0; i < 4; i++) {
        const uint8_t *bytes = open_large(fd, &data[i]);

        ck_assert_mem_eq(data[i], big, 64);
        ck_assert_mem_eq(bytes, big, BYTES);
        ck_assert_int_eq(linux_file_intact(&l, data[i]), 0);
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ck_assert_int_eq(linux_file_open(&l, path, &more, &size), -EMFILE);
    for (unsigned int i = 0; i < 4; i++) {
        linux_file_close(&l, data[i], BYTES);
        ck_assert_ptr_null(l.files[i].data);
    }
    close(fd);
}
END_TEST

/* Cut by a byte, by some pages, to nothing, and grown again: its reader lives, reads zeros where there is nothing, and knows it. */
START_TEST(cut_while_it_is_read)
{
    static const off_t left[] = {BYTES - 1, BYTES - 100000, 4096, 1, 0};
    const void *data, *other;
    int fd = large_file(), fd2 = large_file();
    const uint8_t *bytes = open_large(fd, &data), *whole = open_large(fd2, &other);

    ck_assert_int_eq(ftruncate(fd, left[_i]), 0);
    for (off_t i = 0; i < BYTES; i += 511) {
        ck_assert_int_eq(bytes[i] == 0, i >= left[_i]);
    }
    ck_assert_int_eq(bytes[BYTES - 1], 0);
    ck_assert_int_eq(linux_file_intact(&l, data), -ETXTBSY);
    ck_assert_int_eq(ftruncate(fd, BYTES), 0);
    ck_assert_int_eq(linux_file_intact(&l, data), left[_i] < BYTES - 4096 ? -EIO : 0);
    ck_assert_mem_eq(whole, big, BYTES);
    ck_assert_int_eq(linux_file_intact(&l, other), 0);
    linux_file_close(&l, data, BYTES);
    linux_file_close(&l, other, BYTES);
    close(fd);
    close(fd2);
}
END_TEST

/* What is no view's is nobody's business. */
START_TEST(a_bus_error_of_another_kind)
{
    const void *data;
    int fd = large_file(), fd2 = file_of("x", 1);
    const volatile uint8_t *foreign = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd2, 0);

    open_large(fd, &data);
    ck_assert_int_eq(foreign[0], 'x');
    (void)foreign[4096];
    exit(EXIT_SUCCESS); /* the fixture expects a signal */
}
END_TEST

/* Where no view is to be had, it is read whole. */
START_TEST(a_file_that_cannot_be_mapped)
{
    const void *data;
    const uint8_t *bytes;
    int fd = large_file();

    for (unsigned int i = 0; i < 8; i++) {
        ck_assert_ptr_nonnull(file_view_open(fd, BYTES)); /* as many as there can be */
    }
    bytes = open_large(fd, &data);
    ck_assert_ptr_eq(bytes, data);
    ck_assert_mem_eq(bytes, big, BYTES);
    ck_assert_int_eq(linux_file_intact(&l, data), 0);
    linux_file_close(&l, data, BYTES);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("files");
    TCase *t = tcase_create("files");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, all_places_of_notes, 0, 3);
    tcase_add_test(t, bent_files);
    tcase_add_test(t, greedy_headers);
    tcase_add_test(t, small_and_large);
    tcase_add_test(t, seen_where_they_lie);
    tcase_add_loop_test(t, cut_while_it_is_read, 0, 5);
    tcase_add_test_raise_signal(t, a_bus_error_of_another_kind, SIGBUS);
    tcase_add_test(t, a_file_that_cannot_be_mapped);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
