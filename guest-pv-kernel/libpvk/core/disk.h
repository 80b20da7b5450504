/* SPDX-License-Identifier: MIT */
/*
 * What disk.c asks of the back end. All are called with its mutex held, in a thread, and return 0 or -errno; disk is below DISK_MAX.
 */
#ifndef PVK_CORE_DISK_H
#define PVK_CORE_DISK_H

#include "pvk/disk.h"

int backend_disk_open(unsigned int disk, struct disk_info *info);
/* At most BACKEND_DISK_SECTORS at a time, which are there. */
#define BACKEND_DISK_SECTORS 64u
int backend_disk_read(unsigned int disk, uint64_t first, uint32_t nr, void *to);
int backend_disk_write(unsigned int disk, uint64_t first, uint32_t nr, const void *from);
int backend_disk_flush(unsigned int disk);

#endif
