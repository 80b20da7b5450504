/* SPDX-License-Identifier: MIT */
/* What a domain's disks have been asked for. A device model keeps it where others may look while it counts. */
#ifndef DEVICE_MODEL_COUNTS_H
#define DEVICE_MODEL_COUNTS_H

#include <stdint.h>

struct disk_counts {
    uint64_t disks;
    uint64_t reads, writes;
    uint64_t sectors_read, sectors_written;
    uint64_t starved; /* requests that had to wait for memory of the back end's: blkback's alone */
};

#endif
