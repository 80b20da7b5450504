/* SPDX-License-Identifier: MIT */
/*
 * Kernels as they were unpacked: files named by all that tells one packed file from another, and from itself before it was changed.
 * Invariant: a file gets its name when it is complete and nobody can write to it any more, so whatever dies on the way leaves nothing;
 * any of them may be removed at any time. What is in one is looked at as distrustfully as any kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/compiler.h"
#include "libxeno/linux/files.h"

#define FOLDER    "/var/cache/xeno/kernels"
#define KEPT      4u /* those that were used last */
#define NAME_MOST 128u
#define RATIO     16u /* more than any kernel shrinks to by packing */
#define SETTLED_S                                                                                  \
    2 /* a file that has just changed may change again without a sign of it in its times */
#define NS_A_SECOND 1000000000

static void make_folder(void)
{
    static const char *const folders[] = {"/var", "/var/cache", "/var/cache/xeno", FOLDER};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        mkdir(folders[i], i < 2 ? 0755 : 0700);
    }
}

/* Ours alone, or -1: nothing is kept, and nothing that is there is believed. */
static int open_folder(bool make)
{
    const char *path = getenv("XENO_KERNEL_CACHE");
    struct stat st;
    int fd;

    if (path && strcmp(path, "off") == 0) {
        return -1;
    }
    if (!path && make) {
        make_folder();
    }
    fd = open(path ? path : FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 022))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void name_of(const struct stat *st, char *name)
{
    snprintf(name, NAME_MOST, "%lx-%lx-%lx-%lx.%lx-%lx.%lx", (unsigned long)st->st_dev,
             (unsigned long)st->st_ino, (unsigned long)st->st_size,
             (unsigned long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
             (unsigned long)st->st_ctim.tv_sec, (unsigned long)st->st_ctim.tv_nsec);
}

int kernel_cache_find(const struct stat *packed)
{
    int folder = open_folder(false), fd;
    char name[NAME_MOST];
    struct stat st;

    if (folder < 0) {
        return -1;
    }
    name_of(packed, name);
    fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    close(folder);
    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
                    (st.st_mode & 022) || futimens(fd, NULL))) {
        close(fd);
        return -1;
    }
    return fd;
}

bool kernel_cache_settle(const struct stat *packed)
{
    time_t last = MAX(packed->st_mtime, packed->st_ctime);

    if (last > time(NULL)) {
        return false;
    }
    while (last >= time(NULL) - SETTLED_S) {
        usleep(100000);
    }
    return true;
}

/* Does the folder's file system have so much room left? One that does not say has none. */
static bool has_room(int fd, uint64_t bytes)
{
    struct statvfs v;

    return fstatvfs(fd, &v) == 0 && v.f_bavail >= bytes / v.f_frsize;
}

int kernel_cache_begin(const struct stat *packed, const char **why)
{
    int folder = open_folder(true), fd = -1;
    time_t settled = time(NULL) - SETTLED_S;

    if (folder < 0) {
        *why = "the folder of kept kernels is off, cannot be opened, or is not the caller's alone";
        return -1;
    }
    if (!S_ISREG(packed->st_mode)) {
        *why = "not a file";
    } else if (packed->st_mtime >= settled || packed->st_ctime >= settled) {
        *why = "it has changed just now, or its times lie ahead of the clock";
    } else if (!has_room(folder, (uint64_t)packed->st_size * RATIO)) {
        *why = "not kept: sixteen times its size has to be free where kernels are kept";
    } else {
        fd = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        *why = strerror(errno);
    }
    close(folder);
    return fd;
}

/* All but the KEPT - 1 youngest go. */
static void make_room(int folder)
{
    unsigned int nr;

    do {
        DIR *d = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        char oldest[NAME_MOST] = "";
        int64_t when = INT64_MAX;
        const struct dirent *e;

        nr = 0;
        while (d && (e = readdir(d)) != NULL) {
            struct stat st;
            int64_t used;

            if (e->d_name[0] == '.' || strlen(e->d_name) >= NAME_MOST ||
                fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
                continue;
            }
            used = st.st_mtim.tv_sec * NS_A_SECOND + st.st_mtim.tv_nsec;
            nr++;
            if (used < when) {
                when = used;
                snprintf(oldest, sizeof(oldest), "%.*s", (int)NAME_MOST - 1, e->d_name);
            }
        }
        if (d) {
            closedir(d);
        }
        if (nr >= KEPT && unlinkat(folder, oldest, 0)) {
            return;
        }
    } while (nr > KEPT);
}

int kernel_cache_keep(int fd, const struct stat *packed, const char **why)
{
    int folder = open_folder(false), rc = -1;
    char name[NAME_MOST], self[32];
    struct stat st;

    *why = "the folder of kept kernels has gone";
    if (folder < 0) {
        return -1;
    }
    /* As much again has to stay free: the room is the operator's, and on a RAM disk it is memory. */
    if (fstat(fd, &st) || !has_room(folder, (uint64_t)st.st_size)) {
        *why = "not kept: as much again as it unpacks to has to stay free where kernels are kept";
    } else if (fchmod(fd, 0400) || fsync(fd)) {
        *why = strerror(errno);
    } else {
        make_room(folder);
        name_of(packed, name);
        snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        rc = linkat(AT_FDCWD, self, folder, name, AT_SYMLINK_FOLLOW) && errno != EEXIST ? -1 : 0;
        *why = strerror(errno);
    }
    close(folder);
    return rc;
}

int kernel_cache_forget(const struct stat *packed)
{
    int folder = open_folder(false), rc = -ENOENT;
    char name[NAME_MOST];

    if (folder >= 0) {
        name_of(packed, name);
        rc = unlinkat(folder, name, 0) ? -errno : 0;
        close(folder);
    }
    return rc;
}
