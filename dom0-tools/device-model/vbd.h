/* SPDX-License-Identifier: MIT */
/*
 * A disk of a paravirtualized domain: the backend of <xen/io/blkif.h> over one ring, and its part of the conversation in xenstore.
 * The place it runs in brings the store and tells when the frontend's state has changed.
 * Invariant: a request is copied once, checked, carried out and answered within one event; the frontend is never waited for.
 */
#ifndef DEVICE_MODEL_VBD_H
#define DEVICE_MODEL_VBD_H

#include <xen/io/blkif.h>

#include "device-model/block.h"
#include "device-model/counts.h"
#include "libxeno/xeno.h"

#define VBD_PATH 96u

struct vbd_store {
    void *ctx;
    /* The value, terminated: its length or -errno. */
    long (*read)(void *ctx, const char *path, char *buf, size_t size);
    /* 0 or -errno; perms: "n0" or "n0 r5", kept by what is made below. */
    int (*write)(void *ctx, const char *path, const char *value);
    int (*perms)(void *ctx, const char *path, const char *perms);
};

struct vbd_config {
    uint32_t domid;
    uint32_t device;  /* the number that the guest sees: 768 for hda, 51712 for xvda */
    const char *name; /* as the operator calls it */
    const struct block *disk;
    struct disk_counts *counts; /* NULL: nobody counts */
};

struct vbd {
    struct xeno *x;
    const struct vbd_store *store;
    struct vbd_config cfg;
    char front[VBD_PATH], back[VBD_PATH]; /* folders in the store */
    unsigned int state;                   /* ours: enum xenbus_state */
    struct blkif_back_ring ring;          /* while connected */
    uint32_t port;
};

/* Make the nodes of both ends, or go on where a backend stopped that is no more. 0 or -errno. */
int vbd_start(struct vbd *v, struct xeno *x, const struct vbd_store *store,
              const struct vbd_config *cfg);
/* The path of the node to look out for changes of: VBD_PATH bytes. */
void vbd_watch_path(const struct vbd *v, char *path);
/* That node may have changed. */
void vbd_front_changed(struct vbd *v);
/* Let go of the ring; the domain may have gone. The frontend's nodes go with the domain's, the backend's are removed by the place. */
void vbd_stop(struct vbd *v);

#endif
