/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/linux/records.c dom0-tools/libxeno/cfg/cfg.c dom0-tools/libxeno/cfg/disk_cfg.c dom0-tools/libxeno/cfg/vif_cfg.c */
/* SOURCES: dom0-tools/libxeno/cfg/domain_cfg.c common/format.c */
/* DEFINES: _GNU_SOURCE=1 rename=killing_rename write=killing_write */
/*
 * The files of domains: the folder's entries are the list of names, a record comes, changes, takes another name and goes in one step,
 * and a writer that is killed before any of its system calls leaves one of the two states, and nothing that the next one trips over.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxeno/linux/registry.h"

static char dir[32];

/* What transport.c has: the whole file, terminated. */
int xeno_linux_read_file(const char *path, size_t limit, void **data, size_t *size)
{
    int fd = open(path, O_RDONLY);
    char *buf = fd < 0 ? NULL : malloc(limit + 1);
    ssize_t n = buf ? read(fd, buf, limit) : -1;

    if (fd >= 0) {
        close(fd);
    }
    if (n < 0) {
        free(buf);
        return -ENOENT;
    }
    buf[n] = '\0';
    *data = buf;
    *size = (size_t)n;
    return 0;
}

/* Which of the system calls that change something is the one that never happens: 0: all do. */
static unsigned int die_at;

static void step(void)
{
    if (die_at && --die_at == 0) {
        _exit(0);
    }
}

int killing_rename(const char *from, const char *to)
{
    step();
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

ssize_t killing_write(int fd, const void *buf, size_t n)
{
    step();
    return syscall(SYS_write, fd, buf, n);
}

static struct domain_cfg cfg;
static struct managed domain;

static void setup(void)
{
    die_at = 0;
    strcpy(dir, "/tmp/records-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    cfg = (struct domain_cfg){.name = "web", .kernel = "/vmlinuz", .memory_mib = 8, .vcpus = 1};
    domain = (struct managed){.name = "web",
                              .cfg = &cfg,
                              .domid = 5,
                              .last_domid = 5,
                              .started = 1234,
                              .built = {.console_port = 2, .store_port = 1, .console_mfn = 77, .store_mfn = 78}};
}

static void teardown(void)
{
    char path[512];
    DIR *folder = opendir(dir);
    const struct dirent *e;

    while ((e = readdir(folder)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        unlink(path);
    }
    closedir(folder);
    rmdir(dir);
}

struct seen {
    unsigned int nr;
    char names[4096];
};

static void see(void *ctx, uint32_t domid, const char *name)
{
    struct seen *s = ctx;

    s->nr++;
    if (strlen(s->names) < sizeof(s->names) - 100) {
        sprintf(s->names + strlen(s->names), "%u=%s ", domid, name);
    }
}

static struct seen look(void)
{
    struct seen s = {.nr = 0};

    ck_assert_int_eq(record_each(dir, see, &s), 0);
    return s;
}

/* The record as a reader without the lock sees it; dies if there are two, none, or one that is not whole. */
static struct registry_head head_of(const char *either, const char *or)
{
    struct seen s = look();
    const char *name = strcmp(s.names, either) == 0 ? strchr(either, '=') + 1 : strchr(or, '=') + 1;
    struct registry_head h;
    char called[64], *text;

    ck_assert_msg(strcmp(s.names, either) == 0 || strcmp(s.names, or) == 0, "%s", s.names);
    snprintf(called, sizeof(called), "%.*s", (int)strcspn(name, " "), name);
    ck_assert_int_eq(record_read(dir, 5, called, &h, &text), 0);
    ck_assert_ptr_nonnull(strstr(text, "kernel = \"/vmlinuz\""));
    free(text);
    return h;
}

START_TEST(a_record_is_what_was_written)
{
    struct registry_head h;

    ck_assert_int_eq(record_write(dir, &domain, domain.name), 0);
    h = head_of("5=web ", "5=web ");
    ck_assert_str_eq(h.name, "web");
    ck_assert_uint_eq(h.domid, 5);
    ck_assert_uint_eq(h.ended, END_NOT);
    ck_assert_uint_eq(h.console_mfn, 77);
    ck_assert_uint_eq(h.store_mfn, 78);
    ck_assert_uint_eq(h.console_port, 2);
    ck_assert_uint_eq(h.store_port, 1);
    ck_assert_int_eq(h.started, 1234);
    ck_assert_int_gt(record_time(dir, 5, "web"), 0);
    record_forget(dir, 5, "web");
    ck_assert_uint_eq(look().nr, 0);
    ck_assert_int_eq(record_time(dir, 5, "web"), 0);
}
END_TEST

/* Hundreds of names of the greatest length: more than the first buffer for the folder's entries has room for. */
START_TEST(all_that_are_there)
{
    for (uint32_t i = 0; i < 600; i++) {
        snprintf(domain.name, sizeof(domain.name), "%0*u", DOMAIN_NAME_MAX - 1, i);
        domain.last_domid = i;
        ck_assert_int_eq(record_write(dir, &domain, domain.name), 0);
    }
    ck_assert_uint_eq(look().nr, 600);
}
END_TEST

START_TEST(names_with_anything_in_them)
{
    static const char *const names[] = {"a:b", "1", "-", ".new", "x=\"y\"", "~!@#$%^&*()"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct registry_head h;
        char *text;

        snprintf(domain.name, sizeof(domain.name), "%s", names[i]);
        ck_assert_int_eq(record_write(dir, &domain, domain.name), 0);
        ck_assert_int_eq(record_read(dir, 5, names[i], &h, &text), 0);
        free(text);
        ck_assert_uint_eq(look().nr, 1);
        record_forget(dir, 5, names[i]);
    }
}
END_TEST

START_TEST(other_files_are_none)
{
    static const char *const names[] = {"5",     "5:",      ":web",       ".new",
                                        "x5:w",  "+5:web",  "40000:web",  "-1:web",
                                        " 5:web", "5 :web", "5:0123456789012345678901234567890123456789012345678901234567890123"};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        ck_assert_int_ge(creat(path, 0600), 0);
    }
    ck_assert_uint_eq(look().nr, 0);
    ck_assert_int_eq(record_each("/nowhere", see, NULL), -ENOENT);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    static const char *const texts[] = {"", "#xeno-1 5 0 1 2 3 4 5 web\n", "#xeno-2 0 1 2 3 4\n", "kernel = \"x\"\n"};
    struct registry_head h;
    char path[64], *text;

    snprintf(path, sizeof(path), "%s/5:web", dir);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FILE *f = fopen(path, "w");

        fputs(texts[i], f);
        fclose(f);
        ck_assert_int_eq(record_read(dir, 5, "web", &h, &text), -EBADMSG);
    }
    ck_assert_int_eq(record_read(dir, 5, "other", &h, &text), -ENOENT);
}
END_TEST

/* A child writes, and dies before a step; there are three at most. */
static void write_and_die(const char *was, int at)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        die_at = (unsigned int)at;
        _exit(record_write(dir, &domain, was) ? 1 : 0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

#define STEPS 4

START_TEST(killed_while_it_makes_one)
{
    write_and_die("web", _i);
    if (look().nr) {
        head_of("5=web ", "5=web ");
        ck_assert_int_ge(_i, 3);
    }
    ck_assert_int_eq(record_write(dir, &domain, "web"), 0);
    head_of("5=web ", "5=web ");
}
END_TEST

START_TEST(killed_while_it_changes_one)
{
    struct registry_head h;

    ck_assert_int_eq(record_write(dir, &domain, "web"), 0);
    domain.ended = END_CRASH;
    write_and_die("web", _i);
    h = head_of("5=web ", "5=web ");
    ck_assert_uint_eq(h.ended, _i >= 3 ? END_CRASH : END_NOT);
}
END_TEST

/* The old name or the new one, never both and never neither; and the next to be made is not misled. */
START_TEST(killed_while_it_renames_one)
{
    ck_assert_int_eq(record_write(dir, &domain, "web"), 0);
    strcpy(domain.name, "www");
    write_and_die("web", _i);
    head_of("5=web ", "5=www ");
    ck_assert_str_eq(look().names, _i >= STEPS ? "5=www " : "5=web ");
    strcpy(domain.name, "next");
    domain.last_domid = 6;
    ck_assert_int_eq(record_write(dir, &domain, "next"), 0);
    ck_assert_uint_eq(look().nr, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("records");
    TCase *t = tcase_create("records");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120); /* machines may be slow */
    tcase_add_test(t, a_record_is_what_was_written);
    tcase_add_test(t, all_that_are_there);
    tcase_add_test(t, names_with_anything_in_them);
    tcase_add_test(t, other_files_are_none);
    tcase_add_test(t, what_is_no_record_is_refused);
    tcase_add_loop_test(t, killed_while_it_makes_one, 1, STEPS + 1);
    tcase_add_loop_test(t, killed_while_it_changes_one, 1, STEPS + 1);
    tcase_add_loop_test(t, killed_while_it_renames_one, 1, STEPS + 1);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
