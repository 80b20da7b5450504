/* SPDX-License-Identifier: MIT */
/*
 * The files of domains, NUMBER:NAME each, so that a folder's entries are the list of names and no file has to be opened for it.
 * Invariant: a file appears, changes, takes another name and goes by one rename or unlink each, made by the holder of the
 * transport's lock; who has been killed on the way leaves a file that no name points to, which the next one writes over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libxeno/linux/registry.h"

#define FILE_MAX   65536u
#define HEAD       "#xeno-2"
#define ROOM       16384u /* for a folder's entries, to begin with: memory that is not written to costs nothing */
#define ENTRY_MOST 280u  /* an entry of the longest name that there is */
#define NAME_MOST  128u

/* What the kernel writes. */
struct entry {
    uint64_t inode, offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

/*
 * The kernel holds a folder's lock for the whole of one call and nobody renames meanwhile, so what one call returns was all there at one
 * moment: a list that were read in pieces could miss a file that takes another name. Bytes, or -errno.
 */
static long read_folder(int fd, char **buf)
{
    for (size_t room = ROOM;; room *= 2) {
        char *more = realloc(*buf, room);
        long got;

        if (!more) {
            return -ENOMEM;
        }
        *buf = more;
        got = lseek(fd, 0, SEEK_SET) ? -1 : syscall(SYS_getdents64, fd, *buf, room);
        if (got < 0) {
            return -errno;
        }
        if ((size_t)got + ENTRY_MOST <= room) {
            return got;
        }
    }
}

static bool entry_parse(const char *text, uint32_t *domid, const char **name)
{
    const char *at = text;
    uint32_t n = 0;

    while (*at >= '0' && *at <= '9' && n < DOMID_FIRST_RESERVED) {
        n = n * 10 + (uint32_t)(*at++ - '0');
    }
    *domid = n;
    *name = at + 1;
    return at > text && *at == ':' && n < DOMID_FIRST_RESERVED && at[1] &&
           strlen(at + 1) < DOMAIN_NAME_MAX;
}

int record_each(const char *dir, void (*fn)(void *ctx, uint32_t domid, const char *name), void *ctx)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *buf = NULL;
    long n = fd < 0 ? -errno : read_folder(fd, &buf);

    if (fd >= 0) {
        close(fd);
    }
    for (long at = 0; at < n;) {
        const struct entry *e = (const struct entry *)(const void *)(buf + at);
        const char *name;
        uint32_t domid;

        if (entry_parse(e->name, &domid, &name)) {
            fn(ctx, domid, name);
        }
        at += e->size;
    }
    free(buf);
    return n < 0 ? (int)n : 0;
}

static void file_path(char *path, const char *dir, uint32_t domid, const char *name)
{
    snprintf(path, NAME_MOST, "%s/%u:%s", dir, domid, name);
}

static int head_parse(const char *text, struct registry_head *h)
{
    return sscanf(text, HEAD " %u %lu %u %lu %u %ld", &h->ended, &h->console_mfn, &h->console_port,
                  &h->store_mfn, &h->store_port, &h->started) == 6
               ? 0
               : -EBADMSG;
}

int record_read(const char *dir, uint32_t domid, const char *name, struct registry_head *h,
                char **text)
{
    char path[NAME_MOST];
    void *data;
    size_t size;
    int rc;

    file_path(path, dir, domid, name);
    rc = xeno_linux_read_file(path, FILE_MAX, &data, &size);
    if (rc) {
        return rc;
    }
    *text = data; /* read_file() terminates it */
    h->domid = domid;
    snprintf(h->name, sizeof(h->name), "%s", name);
    rc = head_parse(*text, h);
    if (rc) {
        free(data);
    }
    return rc;
}

struct search {
    uint32_t domid;
    char name[DOMAIN_NAME_MAX];
};

static void search_one(void *ctx, uint32_t domid, const char *name)
{
    struct search *s = ctx;

    if (domid == s->domid) {
        snprintf(s->name, sizeof(s->name), "%s", name);
    }
}

int registry_read(uint32_t domid, struct registry_head *h, char **text)
{
    struct search s = {.domid = domid};
    int rc = record_each(REGISTRY_LIVING, search_one, &s);

    if (rc || !s.name[0]) {
        return rc ? rc : -ENOENT;
    }
    return record_read(REGISTRY_LIVING, domid, s.name, h, text);
}

/* The one file that is being written: the lock's holder writes one at a time. */
static int write_new(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc = 0;

    if (fd < 0) {
        return -errno;
    }
    errno = 0;
    if (write(fd, text, size) != (ssize_t)size) {
        rc = errno ? -errno : -ENOSPC;
    }
    if (close(fd) && rc == 0) {
        rc = -errno;
    }
    return rc;
}

int record_write(const char *dir, const struct managed *d, const char *was)
{
    char *text = malloc(FILE_MAX), new[NAME_MOST], path[NAME_MOST], old[NAME_MOST];
    int n, rc;

    if (!text) {
        return -ENOMEM;
    }
    n = snprintf(text, FILE_MAX, HEAD " %u %lu %u %lu %u %ld\n", (unsigned int)d->ended,
                 d->built.console_mfn, d->built.console_port, d->built.store_mfn,
                 d->built.store_port, d->started);
    n += domain_cfg_write(d->cfg, text + n, FILE_MAX - (size_t)n);
    snprintf(new, sizeof(new), "%s/.new", dir);
    file_path(path, dir, d->last_domid, d->name);
    file_path(old, dir, d->last_domid, was);
    rc = (size_t)n < FILE_MAX ? write_new(new, text, (size_t)n) : -E2BIG;
    free(text);
    /* What it says first, what it is called afterwards: at no moment are there two, or none. */
    if (rc == 0 && (rename(new, old) || (strcmp(was, d->name) != 0 && rename(old, path)))) {
        rc = -errno;
    }
    if (rc) {
        unlink(new);
    }
    return rc;
}

void record_forget(const char *dir, uint32_t domid, const char *name)
{
    char path[NAME_MOST];

    file_path(path, dir, domid, name);
    unlink(path);
}

int64_t record_time(const char *dir, uint32_t domid, const char *name)
{
    char path[NAME_MOST];
    struct stat st;

    file_path(path, dir, domid, name);
    return stat(path, &st) ? 0 : st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}
