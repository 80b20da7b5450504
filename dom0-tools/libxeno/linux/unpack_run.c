/* SPDX-License-Identifier: MIT */
/*
 * Runs xeno-unpack, unless it has unpacked the same file before: the kernel's file is its input, a file without a name its output, what
 * it complains about one line. It has given up all rights, and what it leaves behind is looked at only after it has ended: nobody can
 * change it then.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxeno/linux/files.h"

#define PROGRAM "/xeno-unpack"
#define NO_ROOM 2 /* xeno-unpack's status when its output has none */
#define CROWDED (-2)

static void say(char *said, size_t size, const char *text)
{
    snprintf(said, size, "%s", text);
}

static int failed(char *why, size_t size, const char *text)
{
    say(why, size, text);
    return -1;
}

/* The program that lies beside this one. */
static void program_path(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - sizeof(PROGRAM));
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    strcpy(slash ? slash : path, PROGRAM);
}

/* Start it; its process id, or -errno. */
static int start(int in, int out, int complaints)
{
    char path[512], *const words[] = {(char *)"xeno-unpack", NULL}, *const nothing[] = {NULL};
    posix_spawn_file_actions_t files;
    pid_t pid;
    int rc;

    program_path(path, sizeof(path));
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, complaints, STDERR_FILENO);
    rc = posix_spawn(&pid, path, &files, NULL, words, nothing);
    posix_spawn_file_actions_destroy(&files);
    return rc ? -rc : pid;
}

/* One line, without its end. */
static void read_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    ssize_t got;

    while (n + 1 < size && (got = read(fd, line + n, size - 1 - n)) != 0) {
        if (got < 0 && errno != EINTR) {
            break;
        }
        n += got > 0 ? (size_t)got : 0;
    }
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* 0, -1, or CROWDED: there may be more room elsewhere. */
static int run(int in, int out, char *why, size_t why_size)
{
    int ends[2], status = -1, pid;

    if (pipe2(ends, O_CLOEXEC)) {
        return failed(why, why_size, strerror(errno));
    }
    pid = start(in, out, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return failed(why, why_size,
                      pid == -ENOENT ? "it is packed, and xeno-unpack is not installed beside xeno"
                                     : strerror(-pid));
    }
    read_line(ends[0], why, why_size);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_ROOM) {
        return CROWDED;
    }
    if (!*why) {
        failed(why, why_size,
               "the program that unpacks it was killed: out of memory, or the image is an attack");
        return CROWDED;
    }
    return -1;
}

static bool unchanged(int in, const struct stat *st)
{
    struct stat now;

    return fstat(in, &now) == 0 && now.st_size == st->st_size &&
           now.st_mtim.tv_sec == st->st_mtim.tv_sec && now.st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
           now.st_ctim.tv_sec == st->st_ctim.tv_sec && now.st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

/* Its kernel, read only from now on: in memory, or in a file that will be kept. */
static int unpack(int in, const struct stat *st, char *why, size_t why_size)
{
    const char *not_kept;
    int out = kernel_cache_begin(st, &not_kept), rc = -1;
    bool keep = out >= 0;

    for (;; keep = false) {
        if (out < 0) {
            out = memfd_create("kernel", MFD_CLOEXEC);
        }
        rc = out < 0 ? failed(why, why_size, strerror(errno)) : run(in, out, why, why_size);
        if (rc != CROWDED || !keep) {
            break;
        }
        close(out); /* there was less room than it seemed: memory may have more */
        out = -1;
    }
    if (rc == 0 && keep && unchanged(in, st)) {
        kernel_cache_keep(out, st, &not_kept);
    }
    if (rc && out >= 0) {
        close(out);
    }
    return rc ? -1 : out;
}

/* Into a file that is kept, or not at all. */
static int unpack_kept(int in, const struct stat *st, char *why, size_t why_size)
{
    const char *not_kept = "it changes";
    int out = kernel_cache_begin(st, &not_kept), rc;

    if (out < 0) {
        return failed(why, why_size, not_kept);
    }
    rc = run(in, out, why, why_size);
    if (rc == 0 && (!unchanged(in, st) || kernel_cache_keep(out, st, &not_kept))) {
        rc = failed(why, why_size, not_kept);
    }
    close(out);
    return rc ? -1 : 0;
}

void linux_files_init(struct xeno_linux *l)
{
    l->t.file_open = linux_file_open;
    l->t.file_bytes = linux_file_bytes;
    l->t.file_intact = linux_file_intact;
    l->t.file_close = linux_file_close;
    l->t.kernel_unpack = linux_kernel_unpack;
}

static int open_packed(const char *path, struct stat *st, char *why, size_t why_size)
{
    int in = open(path, O_RDONLY | O_CLOEXEC);

    if (in < 0 || fstat(in, st)) {
        failed(why, why_size, strerror(errno));
        if (in >= 0) {
            close(in);
        }
        return -1;
    }
    return in;
}

int linux_kernel_unpack(void *ctx, const char *path, const void **data, size_t *size, char *why,
                        size_t why_size)
{
    struct stat st;
    int in = open_packed(path, &st, why, why_size), out, rc;

    if (in < 0) {
        return -1;
    }
    out = kernel_cache_find(&st);
    out = out >= 0 ? out : unpack(in, &st, why, why_size);
    close(in);
    rc = out < 0 ? 0 : linux_file_adopt(ctx, out, data, size);
    return rc ? failed(why, why_size, xeno_errno_text(rc)) : out < 0 ? -1 : 0;
}

int linux_kernel_keep(const char *path, char *said, size_t size)
{
    struct stat st;
    char magic[4];
    int in = open_packed(path, &st, said, size), out, rc = 0;

    if (in < 0) {
        return -1;
    }
    out = kernel_cache_find(&st);
    if (out >= 0) {
        close(out);
        say(said, size, "is kept already");
    } else if (pread(in, magic, sizeof(magic), 0) == sizeof(magic) &&
               memcmp(magic, "\177ELF", sizeof(magic)) == 0) {
        say(said, size, "is not packed: nothing to do");
    } else {
        rc = kernel_cache_settle(&st) ? unpack_kept(in, &st, said, size)
                                      : failed(said, size, "its times lie ahead of the clock");
        if (rc == 0) {
            say(said, size, "is kept now");
        }
    }
    close(in);
    return rc;
}

int linux_kernel_forget(const char *path, char *said, size_t size)
{
    struct stat st;
    int in = open_packed(path, &st, said, size), rc;

    if (in < 0) {
        return -1;
    }
    close(in);
    rc = kernel_cache_forget(&st);
    say(said, size,
        rc == 0         ? "is not kept any more"
        : rc == -ENOENT ? "is not kept"
                        : xeno_errno_text(rc));
    return rc && rc != -ENOENT ? -1 : 0;
}
