/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/linux/kernel_cache.c */
/* DEFINES: _GNU_SOURCE=1 */
/*
 * Unpacked kernels are found again for the very file that they were unpacked from, and for no other; few are kept; a folder or a file
 * that others could have written to is not believed; nothing has a name before it is complete.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libxeno/linux/files.h"

static char dir[32];
static const char *why;

static void setup(void)
{
    strcpy(dir, "/tmp/kernels-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    setenv("XENO_KERNEL_CACHE", dir, 1);
}

/* How many files there are; all: and take them out. */
static unsigned int files(bool remove)
{
    DIR *folder = opendir(dir);
    const struct dirent *e;
    unsigned int nr = 0;

    while ((e = readdir(folder)) != NULL) {
        if (e->d_name[0] != '.') {
            nr++;
            if (remove) {
                unlinkat(dirfd(folder), e->d_name, 0);
            }
        }
    }
    closedir(folder);
    return nr;
}

static void teardown(void)
{
    files(true);
    rmdir(dir);
}

static struct stat packed(unsigned int inode)
{
    return (struct stat){.st_mode = S_IFREG | 0644,
                         .st_dev = 1,
                         .st_ino = inode,
                         .st_size = 4096,
                         .st_mtim = {.tv_sec = 1000, .tv_nsec = 5},
                         .st_ctim = {.tv_sec = 1001, .tv_nsec = 6}};
}

static void keep(const struct stat *of, const char *text)
{
    int fd = kernel_cache_begin(of, &why);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(kernel_cache_keep(fd, of, &why), 0);
    close(fd);
}

static bool holds(const struct stat *of, const char *text)
{
    int fd = kernel_cache_find(of);
    char buf[64];
    ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf)) : -1;

    if (fd >= 0) {
        close(fd);
    }
    return n == (ssize_t)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

START_TEST(found_again)
{
    struct stat a = packed(1), b = packed(2);

    ck_assert_int_eq(kernel_cache_find(&a), -1);
    keep(&a, "kernel a");
    keep(&b, "kernel b");
    ck_assert(holds(&a, "kernel a"));
    ck_assert(holds(&b, "kernel b"));
    keep(&a, "another"); /* somebody was quicker: the first stays */
    ck_assert(holds(&a, "kernel a"));
}
END_TEST

START_TEST(not_for_a_file_that_has_changed)
{
    struct stat a = packed(1), other[6];

    keep(&a, "kernel");
    for (unsigned int i = 0; i < 6; i++) {
        other[i] = a;
    }
    other[0].st_dev++;
    other[1].st_size++;
    other[2].st_mtim.tv_sec++;
    other[3].st_mtim.tv_nsec++;
    other[4].st_ctim.tv_sec++;
    other[5].st_ctim.tv_nsec++;
    for (unsigned int i = 0; i < 6; i++) {
        ck_assert_int_eq(kernel_cache_find(&other[i]), -1);
    }
}
END_TEST

START_TEST(not_for_a_file_that_may_still_change)
{
    struct stat a = packed(1);

    a.st_ctim.tv_sec = time(NULL);
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    a = packed(1);
    a.st_mtim.tv_sec = time(NULL);
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    a = packed(1);
    a.st_mode = S_IFIFO | 0644;
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    a = packed(1);
    a.st_size = INT64_MAX / 32; /* no disk has room for it */
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
}
END_TEST

START_TEST(given_up_on_the_way)
{
    struct stat a = packed(1);
    int fd = kernel_cache_begin(&a, &why);

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(files(false), 0);
    close(fd); /* as when the process is killed */
    ck_assert_uint_eq(files(false), 0);
    ck_assert_int_eq(kernel_cache_find(&a), -1);
}
END_TEST

START_TEST(those_that_were_used_last)
{
    struct stat of[7];
    char text[16];

    for (unsigned int i = 0; i < 7; i++) {
        of[i] = packed(i);
        snprintf(text, sizeof(text), "kernel %u", i);
        usleep(20000); /* times of files have the kernel's ticks */
        keep(&of[i], text);
        ck_assert(holds(&of[0], "kernel 0"));
        ck_assert_uint_le(files(false), 4);
    }
    ck_assert(holds(&of[6], "kernel 6"));
    ck_assert(holds(&of[5], "kernel 5"));
    ck_assert(holds(&of[4], "kernel 4"));
    ck_assert_int_eq(kernel_cache_find(&of[1]), -1);
}
END_TEST

START_TEST(forgotten)
{
    struct stat a = packed(1), b = packed(2);

    ck_assert_int_eq(kernel_cache_forget(&a), -ENOENT);
    keep(&a, "kernel a");
    keep(&b, "kernel b");
    ck_assert_int_eq(kernel_cache_forget(&a), 0);
    ck_assert_int_eq(kernel_cache_find(&a), -1);
    ck_assert(holds(&b, "kernel b"));
    setenv("XENO_KERNEL_CACHE", "off", 1);
    ck_assert_int_eq(kernel_cache_forget(&b), -ENOENT);
}
END_TEST

START_TEST(settled)
{
    struct stat a = packed(1);

    ck_assert(kernel_cache_settle(&a));
    a.st_ctim.tv_sec =
        time(NULL); /* whatever the clock does until then: it is old enough afterwards */
    ck_assert(kernel_cache_settle(&a));
    keep(&a, "kernel a");
    a.st_mtim.tv_sec = time(NULL) + 1000;
    ck_assert(!kernel_cache_settle(&a));
}
END_TEST

START_TEST(why_not)
{
    struct stat a = packed(1);

    a.st_mtim.tv_sec = time(NULL);
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    ck_assert_ptr_nonnull(strstr(why, "changed"));
    a.st_mtim.tv_sec = 1000;
    a.st_size = INT64_MAX / 32;
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    ck_assert_ptr_nonnull(strstr(why, "free"));
    setenv("XENO_KERNEL_CACHE", "off", 1);
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    ck_assert_ptr_nonnull(strstr(why, "off"));
}
END_TEST

START_TEST(what_others_can_write_to)
{
    struct stat a = packed(1);
    char path[300];
    DIR *folder;
    const struct dirent *e;

    keep(&a, "kernel");
    ck_assert_int_eq(chmod(dir, 0777), 0);
    ck_assert_int_eq(kernel_cache_find(&a), -1);
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    ck_assert_int_eq(chmod(dir, 0700), 0);
    ck_assert(holds(&a, "kernel"));
    folder = opendir(dir);
    while ((e = readdir(folder)) != NULL && e->d_name[0] == '.') {
    }
    ck_assert_ptr_nonnull(e);
    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
    closedir(folder);
    ck_assert_int_eq(chmod(path, 0622), 0);
    ck_assert_int_eq(kernel_cache_find(&a), -1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/etc/hostname", path), 0);
    ck_assert_int_eq(kernel_cache_find(&a), -1);
}
END_TEST

START_TEST(off)
{
    struct stat a = packed(1);

    keep(&a, "kernel");
    setenv("XENO_KERNEL_CACHE", "off", 1);
    ck_assert_int_eq(kernel_cache_find(&a), -1);
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
    setenv("XENO_KERNEL_CACHE", "/nowhere", 1);
    ck_assert_int_eq(kernel_cache_begin(&a, &why), -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kernel_cache");
    TCase *t = tcase_create("kernel_cache");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120); /* machines may be slow */
    tcase_add_test(t, found_again);
    tcase_add_test(t, not_for_a_file_that_has_changed);
    tcase_add_test(t, not_for_a_file_that_may_still_change);
    tcase_add_test(t, given_up_on_the_way);
    tcase_add_test(t, those_that_were_used_last);
    tcase_add_test(t, what_others_can_write_to);
    tcase_add_test(t, off);
    tcase_add_test(t, forgotten);
    tcase_add_test(t, settled);
    tcase_add_test(t, why_not);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
