/* SPDX-License-Identifier: MIT */
/*
 * The device models of this control domain's fully virtualized domains and the disks of all: no processes, only handlers of their
 * events. A disk is a boot module: what a domain writes stays in it until the machine goes off.
 */
#include <stdlib.h>
#include <string.h>
#include <xen/sched.h>

#include "bootdom.h"
#include "common/errno.h"
#include "device-model/dm.h"
#include "device-model/vbd.h"
#include "libxeno/manager.h"
#include "pvk/clock.h"

struct disk {
    uint8_t *module;
    struct block block;
    struct vbd vbd; /* of a paravirtualized domain */
};

struct model {
    struct model *next;
    uint32_t domid;
    bool full;
    uint32_t nr_disks;
    struct disk disk[DOMAIN_DISKS];
    struct dm dm;
    struct dm_devices devices;
};

static struct model *models; /* guarded as the manager is */

static const struct vbd_store vbd_store = {
    .read = store_read, .write = store_write, .perms = store_perms};

static uint64_t wall_seconds(void)
{
    return clock_wall_ns() / NS_PER_S;
}

static int module_read(void *ctx, uint64_t first, uint32_t nr, void *to)
{
    const struct disk *d = ctx;

    memcpy(to, d->module + first * BLOCK_SECTOR, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int module_write(void *ctx, uint64_t first, uint32_t nr, const void *from)
{
    struct disk *d = ctx;

    memcpy(d->module + first * BLOCK_SECTOR, from, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int module_flush(void *ctx)
{
    (void)ctx;
    return 0; /* memory is all there is */
}

static int disk_open(struct disk *d, const struct managed *of, const struct domain_disk *disk,
                     struct xeno_error *err)
{
    const struct xeno_transport *t = of->manager->x.t;
    const void *data;
    size_t size;
    int rc = t->file_open(t->ctx, disk->target, &data, &size);

    if (rc) {
        return xeno_fail(err, "%s: disk %s: %s: give a module that is there", of->cfg->name,
                         disk->target, xeno_errno_text(rc));
    }
    if (size < BLOCK_SECTOR) {
        return xeno_fail(err, "%s: disk %s: it is smaller than a sector of 512 bytes", of->cfg->name,
                         disk->target);
    }
    d->module = (uint8_t *)(uintptr_t)data; /* the module's memory is ours */
    d->block = (struct block){.ctx = d,
                              .sectors = size / BLOCK_SECTOR,
                              .read_only = disk->read_only,
                              .read = module_read,
                              .write = module_write,
                              .flush = module_flush};
    return 0;
}

static int disks_open(struct model *m, const struct managed *d, struct xeno_error *err)
{
    int rc = 0;

    while (rc == 0 && m->nr_disks < DOMAIN_DISKS && d->cfg->disk[m->nr_disks].target[0]) {
        rc = disk_open(&m->disk[m->nr_disks], d, &d->cfg->disk[m->nr_disks], err);
        m->nr_disks++;
    }
    return rc;
}

/* What paravirtualized disks have taken so far; the nodes of ends that are not there are no matter. */
static void disks_stop(struct model *m)
{
    for (uint32_t i = 0; i < m->nr_disks; i++) {
        if (m->disk[i].vbd.x) {
            vbd_stop(&m->disk[i].vbd);
            store_remove(m->disk[i].vbd.back);
        }
    }
}

static int disks_start(struct model *m, struct managed *d, struct xeno_error *err)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < m->nr_disks; i++) {
        const struct vbd_config cfg = {.domid = d->domid,
                                       .device = domain_disk_number(d->cfg->disk[i].vdev),
                                       .name = d->cfg->disk[i].vdev,
                                       .disk = &m->disk[i].block};

        rc = vbd_start(&m->disk[i].vbd, &d->manager->x, &vbd_store, &cfg);
    }
    if (rc) {
        disks_stop(m);
        return xeno_fail(err, "%s: cannot connect its disks: %s", d->cfg->name, xeno_errno_text(rc));
    }
    return 0;
}

static int model_start(struct model *m, struct managed *d, struct xeno_error *err)
{
    struct dm_config cfg = {.domid = d->domid,
                            .console_gfn = d->built.console_mfn,
                            .console_port = d->built.console_port,
                            .wall_seconds = wall_seconds,
                            .devices = &m->devices};

    if (!m->full) {
        return disks_start(m, d, err);
    }
    for (uint32_t i = 0; i < m->nr_disks; i++) {
        cfg.disk[domain_disk_index(d->cfg->disk[i].vdev) % ATA_DISKS] = &m->disk[i].block;
    }
    return dm_start(&m->dm, &d->manager->x, &cfg, err);
}

static int start(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct model *m = calloc(1, sizeof(*m));

    (void)ctx;
    if (!m) {
        return xeno_fail(err, "%s: no memory for its device model", d->cfg->name);
    }
    m->full = d->cfg->engine[0];
    if (disks_open(m, d, err) || model_start(m, d, err)) {
        free(m);
        return -1;
    }
    m->domid = d->domid;
    m->next = models;
    models = m;
    return 0;
}

static void gone(void *ctx, const struct managed *d)
{
    struct model **link = &models, *m;

    (void)ctx;
    while (*link && (*link)->domid != d->last_domid) {
        link = &(*link)->next;
    }
    m = *link;
    if (m) {
        *link = m->next;
        if (m->full) {
            dm_stop(&m->dm);
        } else {
            disks_stop(m);
        }
        free(m);
    }
}

int device_model_press(const struct managed *d, const char *how)
{
    struct model *m = models;

    while (m && m->domid != d->domid) {
        m = m->next;
    }
    if (!m || !m->full) {
        return -ENOENT;
    }
    if (strcmp(how, "reboot") == 0) {
        return (int)xeno_domain_shutdown_as(&d->manager->x, d->domid, SHUTDOWN_reboot);
    }
    dm_power_button(&m->dm);
    return 0;
}

void device_models_store_changed(void)
{
    for (struct model *m = models; m; m = m->next) {
        for (uint32_t i = 0; !m->full && i < m->nr_disks; i++) {
            vbd_front_changed(&m->disk[i].vbd);
        }
    }
}

void device_models_init(struct manager *m)
{
    m->device_model = start;
    m->device_model_gone = gone;
}
