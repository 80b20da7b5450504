/* SPDX-License-Identifier: MIT */
/*
 * The disks: each opened once, one request at a time, in pieces that the back end takes.
 * Invariant: what reaches the back end lies on the disk.
 */
#include "libpvk/core/disk.h"

#include <errno.h>

#include "pvk/thread.h"

static struct mutex mutex = MUTEX_INIT(mutex);
static struct {
    struct disk_info info;
    bool tried;
    int state;     /* what opening it came to */
} disks[DISK_MAX]; /* lock: mutex */

int disk_open(unsigned int disk, struct disk_info *info)
{
    int rc;

    if (disk >= DISK_MAX) {
        return -ENODEV;
    }
    mutex_lock(&mutex);
    if (!disks[disk].tried) {
        disks[disk].tried = true;
        disks[disk].state = backend_disk_open(disk, &disks[disk].info);
    }
    rc = disks[disk].state;
    *info = disks[disk].info;
    mutex_unlock(&mutex);
    return rc;
}

/* Is the request one that the disk can carry out? Lock held. */
static int check(unsigned int disk, uint64_t first, uint32_t nr, bool write)
{
    const struct disk_info *info = &disks[disk % DISK_MAX].info;

    if (disk >= DISK_MAX || !disks[disk].tried || disks[disk].state != 0) {
        return disk < DISK_MAX && disks[disk].tried ? disks[disk].state : -ENODEV;
    }
    if (nr > info->sectors || first > info->sectors - nr) {
        return -ENXIO;
    }
    return write && info->read_only ? -EROFS : 0;
}

int disk_read(unsigned int disk, uint64_t first, uint32_t nr, void *to)
{
    char *at = to;
    int rc;

    mutex_lock(&mutex);
    rc = check(disk, first, nr, false);
    while (rc == 0 && nr > 0) {
        uint32_t part = MIN(nr, BACKEND_DISK_SECTORS);

        rc = backend_disk_read(disk, first, part, at);
        first += part;
        nr -= part;
        at += (size_t)part * DISK_SECTOR;
    }
    mutex_unlock(&mutex);
    return rc;
}

int disk_write(unsigned int disk, uint64_t first, uint32_t nr, const void *from)
{
    const char *at = from;
    int rc;

    mutex_lock(&mutex);
    rc = check(disk, first, nr, true);
    while (rc == 0 && nr > 0) {
        uint32_t part = MIN(nr, BACKEND_DISK_SECTORS);

        rc = backend_disk_write(disk, first, part, at);
        first += part;
        nr -= part;
        at += (size_t)part * DISK_SECTOR;
    }
    mutex_unlock(&mutex);
    return rc;
}

int disk_flush(unsigned int disk)
{
    int rc;

    mutex_lock(&mutex);
    rc = check(disk, 0, 0, false);
    rc = rc != 0 ? rc : backend_disk_flush(disk);
    mutex_unlock(&mutex);
    return rc;
}
