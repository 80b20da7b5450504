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
#define KILLED  (-2)

static int failed(char *why, size_t size, const char *text)
{
    snprintf(why, size, "%s", text);
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
    if (!*why) {
        failed(why, why_size,
               "the program that unpacks it was killed: out of memory, or the image is an attack");
        return KILLED;
    }
    return -1;
}

/* Its kernel, read only from now on: in memory, or in a file that will be kept. */
static int unpack(int in, const struct stat *st, char *why, size_t why_size)
{
    int out = kernel_cache_begin(st), rc = -1;
    bool keep = out >= 0;
    struct stat now;

    for (;; keep = false) {
        if (out < 0) {
            out = memfd_create("kernel", MFD_CLOEXEC);
        }
        rc = out < 0 ? failed(why, why_size, strerror(errno)) : run(in, out, why, why_size);
        if (rc != KILLED || !keep) {
            break;
        }
        close(out); /* there was less room than it seemed: memory may have more */
        out = -1;
    }
    if (rc == 0 && keep && fstat(in, &now) == 0 && now.st_size == st->st_size &&
        now.st_mtim.tv_sec == st->st_mtim.tv_sec && now.st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
        now.st_ctim.tv_sec == st->st_ctim.tv_sec && now.st_ctim.tv_nsec == st->st_ctim.tv_nsec) {
        kernel_cache_keep(out, st);
    }
    if (rc && out >= 0) {
        close(out);
    }
    return rc ? -1 : out;
}

void linux_files_init(struct xeno_linux *l)
{
    l->t.file_open = linux_file_open;
    l->t.file_bytes = linux_file_bytes;
    l->t.file_intact = linux_file_intact;
    l->t.file_close = linux_file_close;
    l->t.kernel_unpack = linux_kernel_unpack;
}

int linux_kernel_unpack(void *ctx, const char *path, const void **data, size_t *size, char *why,
                        size_t why_size)
{
    int in = open(path, O_RDONLY | O_CLOEXEC), out, rc;
    struct stat st;

    if (in < 0 || fstat(in, &st)) {
        failed(why, why_size, strerror(errno));
        if (in >= 0) {
            close(in);
        }
        return -1;
    }
    out = kernel_cache_find(&st);
    out = out >= 0 ? out : unpack(in, &st, why, why_size);
    close(in);
    rc = out < 0 ? 0 : linux_file_adopt(ctx, out, data, size);
    return rc ? failed(why, why_size, xeno_errno_text(rc)) : out < 0 ? -1 : 0;
}
