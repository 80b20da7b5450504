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

struct model {
    struct model *next;
    uint32_t domid;
    bool full;
    uint8_t *module; /* behind the disk, NULL: it has none */
    size_t module_size;
    struct block block;
    struct vbd vbd; /* of a paravirtualized domain */
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
    const struct model *m = ctx;

    memcpy(to, m->module + first * BLOCK_SECTOR, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int module_write(void *ctx, uint64_t first, uint32_t nr, const void *from)
{
    struct model *m = ctx;

    memcpy(m->module + first * BLOCK_SECTOR, from, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int module_flush(void *ctx)
{
    (void)ctx;
    return 0; /* memory is all there is */
}

static int disk_open(struct model *m, const struct managed *d, struct xeno_error *err)
{
    const struct xeno_transport *t = d->manager->x.t;
    const struct domain_disk *disk = &d->cfg->disk;
    const void *data;
    int rc;

    if (!disk->target[0]) {
        return 0;
    }
    rc = t->file_open(t->ctx, disk->target, &data, &m->module_size);
    if (rc == 0 && m->module_size < BLOCK_SECTOR) {
        return xeno_fail(err, "%s: disk %s: it is smaller than a sector of 512 bytes", d->name,
                         disk->target);
    }
    if (rc) {
        return xeno_fail(err, "%s: disk %s: %s: give a module that is there", d->name,
                         disk->target, xeno_errno_text(rc));
    }
    m->module = (uint8_t *)(uintptr_t)data; /* the module's memory is ours */
    m->block = (struct block){.ctx = m,
                              .sectors = m->module_size / BLOCK_SECTOR,
                              .read_only = disk->read_only,
                              .read = module_read,
                              .write = module_write,
                              .flush = module_flush};
    return 0;
}

static int model_start(struct model *m, struct managed *d, struct xeno_error *err)
{
    const struct dm_config cfg = {.domid = d->domid,
                                  .console_gfn = d->built.console_mfn,
                                  .console_port = d->built.console_port,
                                  .wall_seconds = wall_seconds,
                                  .disk = {m->module ? &m->block : NULL},
                                  .devices = &m->devices};
    const struct vbd_config disk = {.domid = d->domid,
                                    .device = domain_disk_number(d->cfg->disk.vdev),
                                    .name = d->cfg->disk.vdev,
                                    .disk = &m->block};
    int rc;

    if (m->full) {
        return dm_start(&m->dm, &d->manager->x, &cfg, err);
    }
    rc = vbd_start(&m->vbd, &d->manager->x, &vbd_store, &disk);
    return rc ? xeno_fail(err, "%s: cannot connect its disk: %s", d->name, xeno_errno_text(rc))
              : 0;
}

static int start(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct model *m = calloc(1, sizeof(*m));

    (void)ctx;
    if (!m) {
        return xeno_fail(err, "%s: no memory for its device model", d->name);
    }
    m->full = d->cfg->engine[0];
    if (disk_open(m, d, err) || model_start(m, d, err)) {
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
            vbd_stop(&m->vbd);
            store_remove(m->vbd.back);
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
        if (!m->full) {
            vbd_front_changed(&m->vbd);
        }
    }
}

void device_models_init(struct manager *m)
{
    m->device_model = start;
    m->device_model_gone = gone;
}
