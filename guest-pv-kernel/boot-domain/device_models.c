/* SPDX-License-Identifier: MIT */
/* The device models of this control domain's fully virtualized domains: no processes, only handlers of their events. */
#include <stdlib.h>

#include "bootdom.h"
#include "device-model/dm.h"
#include "libxeno/manager.h"
#include "pvk/clock.h"

struct model {
    struct model *next;
    uint32_t domid;
    struct dm dm;
};

static struct model *models; /* guarded as the manager is */

static uint64_t wall_seconds(void)
{
    return clock_wall_ns() / NS_PER_S;
}

static int start(void *ctx, struct managed *d, struct xeno_error *err)
{
    const struct dm_config cfg = {.domid = d->domid,
                                  .console_gfn = d->built.console_mfn,
                                  .console_port = d->built.console_port,
                                  .wall_seconds = wall_seconds};
    struct model *m = malloc(sizeof(*m));

    (void)ctx;
    if (!m) {
        return xeno_fail(err, "%s: no memory for its device model", d->cfg.name);
    }
    if (dm_start(&m->dm, &d->manager->x, &cfg, err)) {
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
        dm_stop(&m->dm);
        free(m);
    }
}

void device_models_init(struct manager *m)
{
    m->device_model = start;
    m->device_model_gone = gone;
}
