/* SPDX-License-Identifier: MIT */
/*
 * The machine's disks, in sectors of 512 bytes, by their numbers: 0 is the first one. Thread context; one call at a time is worked on, others wait.
 * All return 0 or -errno: -ENODEV without a disk, -ENXIO for sectors that are not there, -EROFS, -EIO.
 */
#ifndef PVK_DISK_H
#define PVK_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"

#define DISK_SECTOR 512u
#define DISK_MAX    4u

struct disk_info {
    uint64_t sectors;
    bool read_only;
};

/* Find it and make it ready, at the first call; what it is, at each. Before all others. */
int disk_open(unsigned int disk, struct disk_info *info) __must_check;

int disk_read(unsigned int disk, uint64_t first, uint32_t nr, void *to) __must_check;
int disk_write(unsigned int disk, uint64_t first, uint32_t nr, const void *from) __must_check;
/* What has been written is on the medium afterwards. */
int disk_flush(unsigned int disk) __must_check;

#endif
