/* SPDX-License-Identifier: MIT */
/* A disk of a domain over a file or a block device of the control domain's. */
#ifndef DEVICE_MODEL_LINUX_DISK_H
#define DEVICE_MODEL_LINUX_DISK_H

#include "device-model/block.h"
#include "libxeno/cfg/disk_cfg.h"
#include "libxeno/xeno.h"

struct disk {
    struct block block;
    int fd;
};

/* 0, or -1 with err. It stays where it is. One that may be written to is locked: a second domain cannot have it. */
int disk_open(struct disk *d, const struct domain_disk *disk, struct xeno_error *err);

#endif
