/* SPDX-License-Identifier: MIT */
/*
 * The virtual disks, frontends of <xen/io/blkif.h>: a ring each, one request at a time, data through eight pages that stay granted
 * to the backend. Found and connected through xenstore.
 * Invariant: the backend may write to the ring and to these pages only; an answer is copied once, and believed in its status alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/blkif.h>
#include <xen/io/xenbus.h>

#include "libpvk/core/disk.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/pv/events.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/xenbus.h"
#include "pvk/thread.h"

#define DATA_ORDER   3u
#define DATA_PAGES   (1u << DATA_ORDER)
#define PAGE_SECTORS (PAGE_SIZE / DISK_SECTOR)
#define PATIENCE_NS  (30 * NS_PER_S)
_Static_assert(DATA_PAGES <= BLKIF_MAX_SEGMENTS_PER_REQUEST &&
                   DATA_PAGES * PAGE_SECTORS >= BACKEND_DISK_SECTORS,
               "a request takes what core/disk.c sends");

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);

static struct blkfront {
    struct blkif_front_ring ring;
    uint32_t ring_port;
    char *data;
    uint32_t data_ref[DATA_PAGES];
    char front[48];      /* our folder in the store */
    char back[128];      /* the backend's */
    uint32_t back_state; /* as its watch saw it last */
    blkif_vdev_t device;
    bool can_flush;
    uint64_t next_id;
} fronts[DISK_MAX];

/* ---- the store ---- */

/* A number below a folder; otherwise, if there is none. */
static uint64_t read_number(const char *folder, const char *name, uint64_t otherwise)
{
    char path[192];
    char *value;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (xenbus_read(XENBUS_NO_TX, path, &value, &len) != 0) {
        return otherwise;
    }
    otherwise = strtoul(value, NULL, 10);
    free(value);
    return otherwise;
}

static int write_number(const struct blkfront *f, const char *name, uint64_t value)
{
    char path[64];
    char text[24];

    snprintf(path, sizeof(path), "%s/%s", f->front, name);
    snprintf(text, sizeof(text), "%lu", value);
    return xenbus_write(XENBUS_NO_TX, path, text);
}

static blkif_vdev_t device_of(const char *name)
{
    return (blkif_vdev_t)strtoul(name, NULL, 10);
}

/* The disk of that number is the one that so many others have smaller devices than. */
static int find(struct blkfront *f, unsigned disk)
{
    char **names;
    char *value;
    char path[64];
    unsigned count;
    size_t len;
    int rc = xenbus_list(XENBUS_NO_TX, "device/vbd", &names, &count);

    if (rc != 0) {
        return -ENODEV;
    }
    f->front[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        unsigned smaller = 0;

        for (unsigned j = 0; j < count; j++) {
            smaller += device_of(names[j]) < device_of(names[i]);
        }
        if (smaller == disk) {
            snprintf(f->front, sizeof(f->front), "device/vbd/%s", names[i]);
            f->device = device_of(names[i]);
        }
    }
    free(names);
    snprintf(path, sizeof(path), "%s/backend", f->front);
    if (f->front[0] == '\0' || xenbus_read(XENBUS_NO_TX, path, &value, &len) != 0) {
        return -ENODEV;
    }
    snprintf(f->back, sizeof(f->back), "%s", value);
    free(value);
    return 0;
}

/* ---- connecting ---- */

static void back_changed(const char *path, void *arg)
{
    struct blkfront *f = arg;

    (void)path;
    __atomic_store_n(&f->back_state, (uint32_t)read_number(f->back, "state", XenbusStateUnknown),
                     __ATOMIC_RELEASE);
    wait_queue_wake(&queue);
}

static void answer_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    wait_queue_wake(&queue);
}

/* Pages and port for the backend, and where they are. */
static int offer(struct blkfront *f, unsigned peer)
{
    struct blkif_sring *shared = page_alloc(0);
    long ref;
    long port = event_alloc_unbound(peer, answer_event, NULL);
    char path[64];
    int rc;

    f->data = page_alloc(DATA_ORDER);
    if (shared == NULL || f->data == NULL || port < 0) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < DATA_PAGES; i++) {
        ref = grant_page(peer, f->data + (size_t)i * PAGE_SIZE, false);
        if (ref < 0) {
            return (int)ref;
        }
        f->data_ref[i] = (uint32_t)ref;
    }
    ref = grant_page(peer, shared, false);
    if (ref < 0) {
        return (int)ref;
    }
    XEN_FRONT_RING_INIT(&f->ring, shared, PAGE_SIZE);
    f->ring_port = (uint32_t)port;
    snprintf(path, sizeof(path), "%s/protocol", f->front);
    rc = write_number(f, "ring-ref", (uint64_t)ref);
    rc = rc != 0 ? rc : write_number(f, "event-channel", f->ring_port);
    rc = rc != 0 ? rc : xenbus_write(XENBUS_NO_TX, path, "x86_64-abi");
    return rc != 0 ? rc : write_number(f, "state", XenbusStateInitialised);
}

static int await_connection(struct blkfront *f)
{
    static struct xenbus_watch watch = {.fn = back_changed};
    static char path[144];
    uint64_t deadline = clock_ns() + PATIENCE_NS;
    int rc;

    snprintf(path, sizeof(path), "%s/state", f->back);
    watch.path = path;
    watch.arg = f;
    rc = xenbus_watch(&watch);
    if (rc != 0) {
        return rc;
    }
    wait_until(&queue, __atomic_load_n(&f->back_state, __ATOMIC_ACQUIRE) >= XenbusStateConnected,
               deadline);
    rc = xenbus_unwatch(&watch);
    return rc != 0 ? rc : f->back_state == XenbusStateConnected ? 0 : -ENODEV;
}

int backend_disk_open(unsigned int disk, struct disk_info *info)
{
    struct blkfront *f = &fronts[disk];
    int rc = find(f, disk);

    rc = rc != 0 ? rc : offer(f, (unsigned)read_number(f->front, "backend-id", 0));
    rc = rc != 0 ? rc : await_connection(f);
    if (rc != 0) {
        return rc;
    }
    info->sectors = read_number(f->back, "sectors", 0);
    info->read_only = (read_number(f->back, "info", 0) & VDISK_READONLY) != 0;
    f->can_flush = read_number(f->back, "feature-flush-cache", 0) != 0;
    return write_number(f, "state", XenbusStateConnected);
}

/* ---- requests ---- */

static bool answered(struct blkfront *f)
{
    bool more;

    RING_FINAL_CHECK_FOR_RESPONSES(&f->ring, more);
    return more;
}

/* Send what the next slot holds and wait for its answer. */
static int finish(struct blkfront *f, struct blkif_request *slot)
{
    struct blkif_response answer;
    bool notify;

    slot->id = ++f->next_id;
    slot->handle = f->device;
    f->ring.req_prod_pvt++;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&f->ring, notify);
    if (notify) {
        event_send(f->ring_port);
    }
    if (!wait_until(&queue, answered(f), clock_ns() + PATIENCE_NS)) {
        return -EIO;
    }
    RING_COPY_RESPONSE(&f->ring, f->ring.rsp_cons, &answer);
    f->ring.rsp_cons++;
    return answer.id == f->next_id && answer.status == BLKIF_RSP_OKAY ? 0 : -EIO;
}

static int transfer(struct blkfront *f, uint8_t operation, uint64_t first, uint32_t nr)
{
    struct blkif_request *slot = RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt);

    slot->operation = operation;
    slot->sector_number = first;
    slot->nr_segments = (uint8_t)((nr + PAGE_SECTORS - 1) / PAGE_SECTORS);
    for (unsigned i = 0; i < slot->nr_segments; i++) {
        uint32_t rest = nr - (uint32_t)(i * PAGE_SECTORS);

        slot->seg[i] = (struct blkif_request_segment){
            .gref = f->data_ref[i], .last_sect = (uint8_t)(MIN(rest, (uint32_t)PAGE_SECTORS) - 1)};
    }
    return finish(f, slot);
}

int backend_disk_read(unsigned int disk, uint64_t first, uint32_t nr, void *to)
{
    int rc = transfer(&fronts[disk], BLKIF_OP_READ, first, nr);

    if (rc == 0) {
        memcpy(to, fronts[disk].data, (size_t)nr * DISK_SECTOR);
    }
    return rc;
}

int backend_disk_write(unsigned int disk, uint64_t first, uint32_t nr, const void *from)
{
    memcpy(fronts[disk].data, from, (size_t)nr * DISK_SECTOR);
    return transfer(&fronts[disk], BLKIF_OP_WRITE, first, nr);
}

int backend_disk_flush(unsigned int disk)
{
    struct blkfront *f = &fronts[disk];
    struct blkif_request *slot = RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt);

    if (!f->can_flush) {
        return 0; /* the backend keeps nothing back, or cannot be told not to */
    }
    slot->operation = BLKIF_OP_FLUSH_DISKCACHE;
    slot->nr_segments = 0;
    slot->sector_number = 0;
    return finish(f, slot);
}
