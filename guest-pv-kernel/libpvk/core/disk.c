/* SPDX-License-Identifier: MIT */
/*
 * The disk: opened once, one request at a time, in pieces that the back end takes.
 * Invariant: what reaches the back end lies on the disk.
 */
#include "libpvk/core/disk.h"

#include <errno.h>

#include "pvk/thread.h"

static struct mutex mutex = MUTEX_INIT(mutex);
static struct disk_info disk; /* lock: mutex */
static bool tried;
static int state; /* what opening it came to */

int disk_open(struct disk_info *info)
{
    int rc;

    mutex_lock(&mutex);
    if (!tried) {
        tried = true;
        state = backend_disk_open(&disk);
    }
    rc = state;
    *info = disk;
    mutex_unlock(&mutex);
    return rc;
}

/* Is the request one that the disk can carry out? Lock held. */
static int check(uint64_t first, uint32_t nr, bool write)
{
    if (!tried || state != 0) {
        return tried ? state : -ENODEV;
    }
    if (nr > disk.sectors || first > disk.sectors - nr) {
        return -ENXIO;
    }
    return write && disk.read_only ? -EROFS : 0;
}

int disk_read(uint64_t first, uint32_t nr, void *to)
{
    char *at = to;
    int rc;

    mutex_lock(&mutex);
    rc = check(first, nr, false);
    while (rc == 0 && nr > 0) {
        uint32_t part = MIN(nr, BACKEND_DISK_SECTORS);

        rc = backend_disk_read(first, part, at);
        first += part;
        nr -= part;
        at += (size_t)part * DISK_SECTOR;
    }
    mutex_unlock(&mutex);
    return rc;
}

int disk_write(uint64_t first, uint32_t nr, const void *from)
{
    const char *at = from;
    int rc;

    mutex_lock(&mutex);
    rc = check(first, nr, true);
    while (rc == 0 && nr > 0) {
        uint32_t part = MIN(nr, BACKEND_DISK_SECTORS);

        rc = backend_disk_write(first, part, at);
        first += part;
        nr -= part;
        at += (size_t)part * DISK_SECTOR;
    }
    mutex_unlock(&mutex);
    return rc;
}

int disk_flush(void)
{
    int rc;

    mutex_lock(&mutex);
    rc = check(0, 0, false);
    rc = rc != 0 ? rc : backend_disk_flush();
    mutex_unlock(&mutex);
    return rc;
}
