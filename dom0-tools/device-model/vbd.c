/* SPDX-License-Identifier: MIT */
/* The disk's backend, see vbd.h. */
#include "device-model/vbd.h"

#include <stdlib.h>
#include <xen/io/xenbus.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/format.h"
#include "common/string.h"

#define PAGE_BYTES   4096u
#define PAGE_SECTORS (PAGE_BYTES / BLOCK_SECTOR)

/* ---- requests ---- */

static int transfer_page(const struct vbd *v, const struct blkif_request_segment *s, uint64_t first,
                         bool write)
{
    const struct xeno_transport *t = v->x->t;
    const struct block *disk = v->cfg.disk;
    uint32_t nr = s->last_sect - s->first_sect + 1u;
    char *page = t->map_grant(t->ctx, v->cfg.domid, s->gref, !write), *at;
    int rc;

    if (!page) {
        return -EFAULT;
    }
    at = page + s->first_sect * BLOCK_SECTOR;
    rc = write ? disk->write(disk->ctx, first, nr, at) : disk->read(disk->ctx, first, nr, at);
    t->unmap_grant(t->ctx, page);
    return rc;
}

static void count(const struct vbd *v, uint64_t sectors, bool write)
{
    struct disk_counts *c = v->cfg.counts;

    if (c) {
        c->reads += !write;
        c->writes += write;
        c->sectors_read += write ? 0 : sectors;
        c->sectors_written += write ? sectors : 0;
    }
}

/* All of it is checked before anything is done: an answer of "error" without I/O errors means that nothing has been. */
static int16_t transfer(const struct vbd *v, const struct blkif_request *r, bool write)
{
    uint64_t total = 0, at = r->sector_number;

    if (r->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST || (write && v->cfg.disk->read_only)) {
        return BLKIF_RSP_ERROR;
    }
    for (unsigned int i = 0; i < r->nr_segments; i++) {
        const struct blkif_request_segment *s = &r->seg[i];

        if (s->first_sect > s->last_sect || s->last_sect >= PAGE_SECTORS) {
            return BLKIF_RSP_ERROR;
        }
        total += s->last_sect - s->first_sect + 1u;
    }
    if (!block_has(v->cfg.disk, at, total)) {
        return BLKIF_RSP_ERROR;
    }
    for (unsigned int i = 0; i < r->nr_segments; i++) {
        if (transfer_page(v, &r->seg[i], at, write)) {
            return BLKIF_RSP_ERROR;
        }
        at += r->seg[i].last_sect - r->seg[i].first_sect + 1u;
    }
    count(v, total, write);
    return BLKIF_RSP_OKAY;
}

static int16_t carry_out(const struct vbd *v, const struct blkif_request *r)
{
    switch (r->operation) {
    case BLKIF_OP_READ:
        return transfer(v, r, false);
    case BLKIF_OP_WRITE:
        return transfer(v, r, true);
    case BLKIF_OP_FLUSH_DISKCACHE:
        if (r->nr_segments && transfer(v, r, true) != BLKIF_RSP_OKAY) {
            return BLKIF_RSP_ERROR;
        }
        return v->cfg.disk->flush(v->cfg.disk->ctx) ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY;
    default:
        return BLKIF_RSP_EOPNOTSUPP;
    }
}

/* One turn is at most a ring's worth; a frontend that goes on asking is told by its next event. */
static void event(void *arg)
{
    struct vbd *v = arg;
    struct blkif_request r;
    struct blkif_response *answer;
    unsigned int turns = RING_SIZE(&v->ring);
    bool more = true, notify;

    while (more && turns) {
        while (turns && RING_HAS_UNCONSUMED_REQUESTS(&v->ring)) {
            RING_COPY_REQUEST(&v->ring, v->ring.req_cons, &r);
            v->ring.req_cons++;
            turns--;
            answer = RING_GET_RESPONSE(&v->ring, v->ring.rsp_prod_pvt);
            *answer = (struct blkif_response){r.id, r.operation, carry_out(v, &r)};
            v->ring.rsp_prod_pvt++;
            RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&v->ring, notify);
            if (notify) {
                v->x->t->event_notify(v->x->t->ctx, v->port);
            }
        }
        RING_FINAL_CHECK_FOR_REQUESTS(&v->ring, more);
    }
}

/* ---- the store ---- */

static int put(const struct vbd *v, const char *folder, const char *name, const char *value)
{
    char path[VBD_PATH + 32];

    format(path, sizeof(path), "%s/%s", folder, name);
    return v->store->write(v->store->ctx, path, value);
}

static int put_number(const struct vbd *v, const char *folder, const char *name, uint64_t value)
{
    char text[24];

    format(text, sizeof(text), "%lu", value);
    return put(v, folder, name, text);
}

/* A number below a folder; 0 if there is none that fits. */
static uint32_t number(const struct vbd *v, const char *folder, const char *name)
{
    char path[VBD_PATH + 32], text[24], *end;
    unsigned long value;

    format(path, sizeof(path), "%s/%s", folder, name);
    if (v->store->read(v->store->ctx, path, text, sizeof(text)) <= 0) {
        return 0;
    }
    value = strtoul(text, &end, 10);
    return *end || value > UINT32_MAX ? 0 : (uint32_t)value;
}

static void state_set(struct vbd *v, unsigned int state)
{
    v->state = state;
    (void)put_number(v, v->back, "state", state);
}

static int front_nodes(const struct vbd *v)
{
    uint32_t own = v->x->t->own_domid;
    char perms[32];
    int rc;

    format(perms, sizeof(perms), "n%u r0", v->cfg.domid);
    rc = v->store->write(v->store->ctx, v->front, "");
    rc = rc ? rc : v->store->perms(v->store->ctx, v->front, perms);
    rc = rc ? rc : put(v, v->front, "backend", v->back);
    rc = rc ? rc : put_number(v, v->front, "backend-id", own);
    rc = rc ? rc : put_number(v, v->front, "virtual-device", v->cfg.device);
    rc = rc ? rc : put(v, v->front, "device-type", "disk");
    return rc ? rc : put_number(v, v->front, "state", XenbusStateInitialising);
}

static int back_nodes(const struct vbd *v)
{
    const struct block *disk = v->cfg.disk;
    char perms[32];
    int rc;

    format(perms, sizeof(perms), "n0 r%u", v->cfg.domid);
    rc = v->store->write(v->store->ctx, v->back, "");
    rc = rc ? rc : v->store->perms(v->store->ctx, v->back, perms);
    rc = rc ? rc : put(v, v->back, "frontend", v->front);
    rc = rc ? rc : put_number(v, v->back, "frontend-id", v->cfg.domid);
    rc = rc ? rc : put(v, v->back, "online", "1");
    rc = rc ? rc : put(v, v->back, "removable", "0");
    rc = rc ? rc : put(v, v->back, "dev", v->cfg.name);
    rc = rc ? rc : put(v, v->back, "mode", disk->read_only ? "r" : "w");
    rc = rc ? rc : put(v, v->back, "feature-flush-cache", "1");
    rc = rc ? rc : put_number(v, v->back, "sectors", disk->sectors);
    rc = rc ? rc : put_number(v, v->back, "sector-size", BLOCK_SECTOR);
    rc = rc ? rc : put_number(v, v->back, "info", disk->read_only ? VDISK_READONLY : 0);
    return rc ? rc : put_number(v, v->back, "state", XenbusStateInitWait);
}

/* ---- the conversation ---- */

static void disconnect(struct vbd *v)
{
    const struct xeno_transport *t = v->x->t;

    if (v->port) {
        t->event_unbind(t->ctx, v->port);
        v->port = 0;
    }
    if (v->ring.sring) {
        t->unmap_grant(t->ctx, v->ring.sring);
        v->ring.sring = NULL;
    }
}

static void connect(struct vbd *v)
{
    const struct xeno_transport *t = v->x->t;
    uint32_t ref = number(v, v->front, "ring-ref"), port = number(v, v->front, "event-channel");
    struct blkif_sring *page = ref ? t->map_grant(t->ctx, v->cfg.domid, ref, true) : NULL;
    long rc = -EINVAL;

    if (page) {
        /* What has not been answered is asked: by a frontend that begins, or of a backend that is no more. */
        BACK_RING_ATTACH(&v->ring, page, XEN_RING_LOAD_(page->rsp_prod), PAGE_BYTES);
        rc = t->event_bind(t->ctx, v->cfg.domid, port, event, v);
    }
    if (rc < 0) {
        disconnect(v);
        state_set(v, XenbusStateClosed);
        return;
    }
    v->port = (uint32_t)rc;
    state_set(v, XenbusStateConnected);
    event(v); /* what was asked before there was anybody to hear it */
}

void vbd_front_changed(struct vbd *v)
{
    unsigned int front = number(v, v->front, "state");

    switch (front) {
    case XenbusStateInitialising:
        if (v->state == XenbusStateClosed) { /* it starts anew */
            state_set(v, XenbusStateInitWait);
        }
        break;
    case XenbusStateInitialised:
    case XenbusStateConnected:
        if (v->state == XenbusStateInitWait) {
            connect(v);
        }
        break;
    case XenbusStateClosing:
    case XenbusStateClosed:
        if (v->state != XenbusStateClosed) {
            disconnect(v);
            state_set(v, XenbusStateClosed);
        }
        break;
    default:
        break;
    }
}

void vbd_watch_path(const struct vbd *v, char *path)
{
    format(path, VBD_PATH, "%s/state", v->front);
}

int vbd_start(struct vbd *v, struct xeno *x, const struct vbd_store *store,
              const struct vbd_config *cfg)
{
    int rc;

    *v = (struct vbd){.x = x, .store = store, .cfg = *cfg, .state = XenbusStateInitWait};
    format(v->front, sizeof(v->front), "/local/domain/%u/device/vbd/%u", cfg->domid, cfg->device);
    format(v->back, sizeof(v->back), "/local/domain/%u/backend/vbd/%u/%u", x->t->own_domid,
           cfg->domid, cfg->device);
    if (number(v, v->back, "state") == XenbusStateConnected) {
        connect(v); /* somebody's who is no more */
        return v->state == XenbusStateConnected ? 0 : -EIO;
    }
    rc = back_nodes(v);
    /* A frontend that is there already, and may have gone on meanwhile, was somebody's who is no more: it is found as it is. */
    return rc ? rc : number(v, v->front, "state") ? 0 : front_nodes(v);
}

void vbd_stop(struct vbd *v)
{
    disconnect(v);
}
