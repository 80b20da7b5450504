/* SPDX-License-Identifier: MIT */
/*
 * Block devices: a frontend sends requests for sectors of 512 bytes, with the pages for the data as
 * grants, over a ring of io/ring.h; the backend answers each with its id and a status.
 */
#ifndef XEN_PUBLIC_IO_BLKIF_H
#define XEN_PUBLIC_IO_BLKIF_H

#include "ring.h"

#include "../grant_table.h"

#ifndef blkif_vdev_t
#define blkif_vdev_t uint16_t /* virtual device number */
#endif
#define blkif_sector_t uint64_t /* in units of 512 bytes, whatever the device has */

/* operation */
#define BLKIF_OP_READ            0
#define BLKIF_OP_WRITE           1
#define BLKIF_OP_WRITE_BARRIER   2 /* after all before it, before all after it */
#define BLKIF_OP_FLUSH_DISKCACHE 3 /* make everything acknowledged durable */
#define BLKIF_OP_RESERVED_1      4
#define BLKIF_OP_DISCARD         5 /* blkif_request_discard */
#define BLKIF_OP_INDIRECT        6 /* blkif_request_indirect */

/* Segments in a request, and pages of segments of an indirect one. */
#define BLKIF_MAX_SEGMENTS_PER_REQUEST       11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8

/* blkif_request_discard.flag */
#define BLKIF_DISCARD_SECURE (1 << 0)

/* blkif_response.status */
#define BLKIF_RSP_EOPNOTSUPP -2 /* operation not offered */
#define BLKIF_RSP_ERROR      -1
#define BLKIF_RSP_OKAY       0

/* Bits of the backend's xenstore node "info". */
#define VDISK_CDROM     0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY  0x4

/* A page and the part of it that takes part. */
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect, last_sect; /* sectors of the page, 0..7, both inclusive */
};

struct blkif_request {
    uint8_t operation;            /* BLKIF_OP_* */
    uint8_t nr_segments;          /* used entries of seg */
    blkif_vdev_t handle;          /* device; reads and writes only */
    uint64_t id;                  /* the frontend's, repeated in the response */
    blkif_sector_t sector_number; /* first sector on the device */
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
typedef struct blkif_request blkif_request_t;

/* Takes the slot of a blkif_request. */
struct blkif_request_discard {
    uint8_t operation;            /* BLKIF_OP_DISCARD */
    uint8_t flag;                 /* BLKIF_DISCARD_* or 0 */
    blkif_vdev_t handle;          /* device */
    uint64_t id;                  /* as above */
    blkif_sector_t sector_number; /* first sector */
    uint64_t nr_sectors;
};
typedef struct blkif_request_discard blkif_request_discard_t;

/* Takes the slot of a blkif_request: the segments stand in pages of their own. */
struct blkif_request_indirect {
    uint8_t operation;   /* BLKIF_OP_INDIRECT */
    uint8_t indirect_op; /* BLKIF_OP_READ or BLKIF_OP_WRITE */
    uint16_t nr_segments;
    uint64_t id;                  /* as above */
    blkif_sector_t sector_number; /* first sector on the device */
    blkif_vdev_t handle;          /* device */
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST]; /* pages full of segments */
};
typedef struct blkif_request_indirect blkif_request_indirect_t;

struct blkif_response {
    uint64_t id;       /* of the request */
    uint8_t operation; /* of the request */
    int16_t status;    /* BLKIF_RSP_* */
};
typedef struct blkif_response blkif_response_t;

DEFINE_RING_TYPES(blkif, struct blkif_request, struct blkif_response);

#endif /* XEN_PUBLIC_IO_BLKIF_H */
