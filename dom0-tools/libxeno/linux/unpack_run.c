/* SPDX-License-Identifier: MIT */
/*
 * Runs xeno-unpack: the kernel's file is its input, a file in memory its output, what it complains about one line. It has given up
 * all rights, and what it leaves behind is looked at only after it has ended: nobody can change it then.
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

#include "libxeno/linux/transport.h"

#define PROGRAM "/xeno-unpack"

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
    return *why
               ? -1
               : failed(
                     why, why_size,
                     "the program that unpacks it was killed: out of memory, or the image is an attack");
}

int linux_kernel_unpack(void *ctx, const char *path, const void **data, size_t *size, char *why,
                        size_t why_size)
{
    struct xeno_linux *l = ctx;
    int in = open(path, O_RDONLY | O_CLOEXEC), out = -1, rc = -1;
    struct stat st;
    void *va;

    if (in < 0 || (out = memfd_create("kernel", MFD_CLOEXEC)) < 0) {
        failed(why, why_size, strerror(errno));
    } else if (run(in, out, why, why_size) == 0) {
        va = fstat(out, &st)
                 ? MAP_FAILED
                 : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, out, 0);
        if (va == MAP_FAILED) {
            failed(why, why_size, strerror(errno));
        } else {
            *data = l->unpacked = va;
            *size = (size_t)st.st_size;
            rc = 0;
        }
    }
    if (out >= 0) {
        close(out);
    }
    if (in >= 0) {
        close(in);
    }
    return rc;
}
