/* SPDX-License-Identifier: MIT */
/*
 * NAME.log and NAME.log.1 hold one domain's output, at most twice the limit; NAME.log.old is what the last domain of the name
 * had said. The note of the write in hand is set before the write and makes it exactly once, whenever the process dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/compiler.h"
#include "xenoconsoled/consoled.h"

#define NOTES XENO_RUN_DIR "/console"

static void note_name(char *path, size_t size, uint32_t domid)
{
    snprintf(path, size, NOTES "/%u", domid);
}

/* Open or make a file; the folders that it lies in, each below the one before, are made if one is missing. The descriptor, or -errno. */
static int open_below(const char *path, int flags, const char *const *folders, size_t nr)
{
    int fd = open(path, flags | O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0 || errno != ENOENT) {
        return fd < 0 ? -errno : fd;
    }
    for (size_t i = 0; i < nr; i++) {
        if (mkdir(folders[i], 0700) && errno != EEXIST) {
            return -errno;
        }
    }
    fd = open(path, flags | O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

static int note_open(struct history *h, uint32_t domid, bool fresh)
{
    static const char *const folder[] = {NOTES};
    char path[64];
    int fd, rc = 0;

    note_name(path, sizeof(path), domid);
    fd = open_below(path, fresh ? O_TRUNC : 0, folder, ARRAY_SIZE(folder));
    if (fd < 0) {
        return fd;
    }
    if (ftruncate(fd, sizeof(*h->note))) {
        rc = -errno;
    }
    h->note =
        rc ? MAP_FAILED : mmap(NULL, sizeof(*h->note), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (h->note == MAP_FAILED) {
        h->note = NULL;
        rc = rc ? rc : -errno;
    }
    close(fd);
    return rc;
}

static void other_name(const struct history *h, const char *suffix, char *path, size_t size)
{
    snprintf(path, size, "%s%s", h->path, suffix);
}

static uint64_t size_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) ? 0 : (uint64_t)st.st_size;
}

int history_open(struct history *h, const char *name, uint32_t domid, uint64_t limit, bool fresh)
{
    static const char *const folders[] = {"/var", "/var/log", "/var/log/xeno", CONSOLE_LOGS};
    char prev[176], old[176];
    bool rotated;
    int rc;

    *h = (struct history){.log = -1, .prev = -1, .limit = limit};
    snprintf(h->path, sizeof(h->path), CONSOLE_LOGS "/%s.log", name);
    other_name(h, ".1", prev, sizeof(prev));
    other_name(h, ".old", old, sizeof(old));
    rc = note_open(h, domid, fresh);
    if (rc) {
        return rc;
    }
    if (fresh) {
        rename(h->path, old);
        unlink(prev);
    } else {
        h->prev = open(prev, O_RDONLY | O_CLOEXEC);
    }
    /* Killed between the renaming and the note of it: the log that is missing is the rotated one. */
    rotated = h->prev >= 0 && access(h->path, F_OK);
    if (rotated) {
        h->note->prev_base = h->note->base;
        h->note->base += size_of(h->prev);
        h->note->size = 0;
    }
    h->log = rc = open_below(h->path, O_APPEND, folders, ARRAY_SIZE(folders));
    if (rc < 0) {
        history_close(h);
        return rc;
    }
    h->size = size_of(h->log);
    return 0;
}

void history_close(struct history *h)
{
    if (h->log >= 0) {
        close(h->log);
    }
    if (h->prev >= 0) {
        close(h->prev);
    }
    if (h->note) {
        munmap(h->note, sizeof(*h->note));
    }
    h->log = h->prev = -1;
    h->note = NULL;
}

void history_forget(uint32_t domid)
{
    char path[64];

    note_name(path, sizeof(path), domid);
    unlink(path);
}

uint32_t history_unfinished(const struct history *h, uint32_t cons, uint32_t prod)
{
    uint64_t written = h->size - h->note->size;

    return h->note->cons == cons && h->size > h->note->size && written <= prod - cons
               ? (uint32_t)written
               : 0;
}

static void rotate(struct history *h)
{
    char prev[176];
    int fd;

    other_name(h, ".1", prev, sizeof(prev));
    if (rename(h->path, prev)) {
        return;
    }
    fd = open(h->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        rename(prev, h->path);
        return;
    }
    if (h->prev >= 0) {
        close(h->prev);
    }
    h->prev = h->log;
    h->log = fd;
    h->note->prev_base = h->note->base;
    h->note->base += h->size;
    h->note->size = h->size = 0;
}

void history_add(struct history *h, uint32_t cons, const char *text, size_t n)
{
    ssize_t done;

    if (h->size >= h->limit) {
        if (h->orphan) {
            return;
        }
        rotate(h);
    }
    h->note->size = h->size;
    h->note->cons = cons;
    __atomic_signal_fence(
        __ATOMIC_SEQ_CST); /* the note before the write: a kill comes between instructions */
    done = write(h->log, text, n);
    h->size += done > 0 ? (uint64_t)done : 0; /* a full disk loses what is said while it is full */
}

size_t history_read(const struct history *h, uint64_t *pos, char *buf, size_t n)
{
    const struct note *note = h->note;
    ssize_t got;

    if (*pos < note->base && (h->prev < 0 || *pos < note->prev_base)) {
        *pos = h->prev < 0 ? note->base : note->prev_base;
    }
    if (*pos < note->base) {
        uint64_t left = note->base - *pos;

        got = pread(h->prev, buf, MIN((uint64_t)n, left), (off_t)(*pos - note->prev_base));
    } else {
        got = pread(h->log, buf, n, (off_t)(*pos - note->base));
    }
    if (got <= 0) {
        return 0;
    }
    *pos += (uint64_t)got;
    return (size_t)got;
}
