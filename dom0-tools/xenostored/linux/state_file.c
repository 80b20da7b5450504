/* SPDX-License-Identifier: MIT */
/*
 * The arena as a shared mapping of a file in memory (/run is a tmpfs): what a process has stored there stays when it is
 * killed, without a system call for it. The undo log is a second file.
 * Invariant: pages are allocated before they are touched, so a full file system is -ENOMEM for a client and no SIGBUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenostored/linux/daemon.h"

#define STATE_MAX  (8ull << 30) /* address space only */
#define UNDO_MAX   (1ull << 30)
#define STATE_STEP (1ull << 20)
#define UNDO_STEP  (64ull << 10)
/* An undo log of more than this is given back when it is empty. */
#define UNDO_KEEP (1ull << 20)
#define BOOT_ID   "/proc/sys/kernel/random/boot_id"

static int complain(const char *what, const char *name)
{
    fprintf(stderr, "xenostored: %s %s: %s\n", what, name, strerror(errno));
    return -1;
}

static int open_in(const char *dir, const char *name, char *path, size_t size)
{
    int fd;

    snprintf(path, size, "%s/%s", dir, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? complain("cannot open", path) : fd;
}

/* A file system without that call has no tmpfs's problem with sparse files either, or fails where it must. */
static int extend(int fd, uint64_t from, uint64_t to)
{
    int rc;

    do {
        rc = fallocate(fd, 0, (off_t)from, (off_t)(to - from));
    } while (rc && errno == EINTR);
    return rc && errno == EOPNOTSUPP ? ftruncate(fd, (off_t)to) : rc;
}

static bool grow_state(struct xs_arena *arena, uint64_t bytes)
{
    struct state_file *file = arena->ctx;
    uint64_t want = ALIGN_UP(bytes, STATE_STEP);

    if (want > STATE_MAX || extend(file->fd, arena->bytes, want)) {
        return false;
    }
    arena->bytes = want;
    return true;
}

static bool grow_undo(struct xs_arena *arena, uint32_t entries)
{
    struct state_file *file = arena->ctx;
    uint64_t want = ALIGN_UP((uint64_t)entries * sizeof(struct xs_undo), UNDO_STEP);

    if (want > UNDO_MAX ||
        extend(file->undo_fd, (uint64_t)arena->undo_length * sizeof(struct xs_undo), want)) {
        return false;
    }
    arena->undo_length = (uint32_t)(want / sizeof(struct xs_undo));
    return true;
}

/* Is the state that of a domain 0 that does not run any more? Then it tells of guests that are gone. */
static bool of_this_boot(const char *dir)
{
    char now[64] = "", then[64] = "", path[256];
    int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    bool same;

    if (fd < 0 || read(fd, now, sizeof(now) - 1) < 0) {
        now[0] = '\0';
    }
    if (fd >= 0) {
        close(fd);
    }
    fd = open_in(dir, "xenostored.boot", path, sizeof(path));
    if (fd < 0 || read(fd, then, sizeof(then) - 1) < 0) {
        then[0] = '\0';
    }
    same = now[0] && strcmp(now, then) == 0;
    if (fd >= 0) {
        if (!same && (ftruncate(fd, 0) || pwrite(fd, now, strlen(now), 0) < 0)) {
            complain("cannot write", path);
        }
        close(fd);
    }
    return same;
}

static void *map_file(int fd, uint64_t most, uint64_t least, uint64_t *bytes)
{
    struct stat st;

    if (fstat(fd, &st)) {
        return MAP_FAILED;
    }
    *bytes = (uint64_t)st.st_size;
    if (*bytes < least) {
        if (extend(fd, *bytes, least)) {
            return MAP_FAILED;
        }
        *bytes = least;
    }
    if (*bytes > most) {
        errno = EFBIG;
        return MAP_FAILED;
    }
    return mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
}

int state_open(struct daemon *d, const char *dir, bool fresh)
{
    char path[256], undo_path[256];
    uint64_t undo_bytes = 0;

    d->file.fd = open_in(dir, "xenostored.state", path, sizeof(path));
    if (d->file.fd < 0) {
        return -1;
    }
    if (flock(d->file.fd, LOCK_EX | LOCK_NB)) {
        fprintf(stderr, "xenostored: another one runs with %s\n", path);
        return -1;
    }
    d->file.undo_fd = open_in(dir, "xenostored.undo", undo_path, sizeof(undo_path));
    if (d->file.undo_fd < 0) {
        return -1;
    }
    if ((!of_this_boot(dir) || fresh) &&
        (ftruncate(d->file.fd, 0) || ftruncate(d->file.undo_fd, 0))) {
        return complain("cannot empty", path);
    }
    d->arena = (struct xs_arena){.grow = grow_state, .grow_undo = grow_undo, .ctx = &d->file};
    d->arena.head = map_file(d->file.fd, STATE_MAX, STATE_STEP, &d->arena.bytes);
    if (d->arena.head == MAP_FAILED) {
        return complain("cannot map", path);
    }
    d->arena.undo = map_file(d->file.undo_fd, UNDO_MAX, UNDO_STEP, &undo_bytes);
    if (d->arena.undo == MAP_FAILED) {
        return complain("cannot map", undo_path);
    }
    d->arena.undo_length = (uint32_t)(undo_bytes / sizeof(struct xs_undo));
    if (xs_arena_attach(&d->arena)) {
        fprintf(stderr,
                "xenostored: %s is not a state of this program: --fresh begins without it\n", path);
        return -1;
    }
    return 0;
}

void state_trim(struct daemon *d)
{
    if (d->arena.head->nr_undo == 0 &&
        (uint64_t)d->arena.undo_length * sizeof(struct xs_undo) > UNDO_KEEP &&
        ftruncate(d->file.undo_fd, (off_t)UNDO_STEP) == 0) {
        d->arena.undo_length = (uint32_t)(UNDO_STEP / sizeof(struct xs_undo));
    }
}
