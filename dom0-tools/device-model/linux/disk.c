/* SPDX-License-Identifier: MIT */
/* Disks over files, see disk.h. The descriptor stays open, and so locked, until the process ends. */
#include "device-model/linux/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a block device's size is asked by (linux/fs.h). */
#define BLKGETSIZE64 _IOR(0x12, 114, size_t)

static int do_read(void *ctx, uint64_t first, uint32_t nr, void *to)
{
    const int *fd = ctx;
    size_t bytes = (size_t)nr * BLOCK_SECTOR, done = 0;

    while (done < bytes) {
        ssize_t n =
            pread(*fd, (char *)to + done, bytes - done, (off_t)(first * BLOCK_SECTOR + done));

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            memset((char *)to + done, 0, bytes - done); /* the file has become shorter */
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int do_write(void *ctx, uint64_t first, uint32_t nr, const void *from)
{
    const int *fd = ctx;
    size_t bytes = (size_t)nr * BLOCK_SECTOR, done = 0;

    while (done < bytes) {
        ssize_t n = pwrite(*fd, (const char *)from + done, bytes - done,
                           (off_t)(first * BLOCK_SECTOR + done));

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n == 0) {
            return -EIO; /* a device that takes nothing and does not say why */
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int do_flush(void *ctx)
{
    const int *fd = ctx;

    return fdatasync(*fd) && errno != EINVAL ? -errno : 0;
}

static int size_of(int fd, uint64_t *bytes)
{
    struct stat st;

    if (fstat(fd, &st)) {
        return -errno;
    }
    if (S_ISBLK(st.st_mode)) {
        return ioctl(fd, BLKGETSIZE64, bytes) ? -errno : 0;
    }
    *bytes = (uint64_t)st.st_size;
    return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

static int fail(const struct domain_disk *disk, struct xeno_error *err, const char *what)
{
    return xeno_fail(err, "disk %s: %s", disk->target, what);
}

int disk_open(struct disk *d, const struct domain_disk *disk, struct xeno_error *err)
{
    uint64_t bytes;
    int rc;

    d->fd = open(disk->target, (disk->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (d->fd < 0) {
        return fail(disk, err, strerror(errno));
    }
    if (flock(d->fd, (disk->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
        return fail(disk, err, "another domain has it: give each its own, or all of them access r");
    }
    rc = size_of(d->fd, &bytes);
    if (rc) {
        return fail(disk, err,
                    rc == -EINVAL ? "it is neither a file nor a block device" : strerror(-rc));
    }
    if (bytes < BLOCK_SECTOR) {
        return fail(disk, err, "it is smaller than a sector of 512 bytes");
    }
    d->block = (struct block){.ctx = &d->fd,
                              .sectors = bytes / BLOCK_SECTOR,
                              .read_only = disk->read_only,
                              .read = do_read,
                              .write = do_write,
                              .flush = do_flush};
    return 0;
}
