/* SPDX-License-Identifier: MIT */
/*
 * What went through the back ends of domains' devices: those of Linux's drivers out of /sys, those of device models out of the file that
 * each keeps. Nothing is asked of anybody, so it may be looked at as often as one likes.
 */
#ifndef LIBXENO_LINUX_IO_COUNTS_H
#define LIBXENO_LINUX_IO_COUNTS_H

#include "device-model/counts.h"

struct io_counts {
    uint32_t nets, vbds;
    uint64_t sent, received; /* bytes, as the domain sees them */
    struct disk_counts disk;
};

/* fn(ctx, domid, counts) for each device that Linux serves. */
void io_counts_each(void (*fn)(void *ctx, uint32_t domid, const struct io_counts *counts),
                    void *ctx);

/* Add what the domain's device model has counted, if it has one. */
void io_counts_add_model(uint32_t domid, struct io_counts *counts);
void io_counts_add(struct io_counts *to, const struct io_counts *more);

#endif
