/* SPDX-License-Identifier: MIT */
/*
 * Teardown in stages, each preemptible and safe to enter again: stop the vCPUs, end the units (rising order: events, then
 * grants), the vCPUs' units, the shared page, the memory; then the table's reference goes as soon as no frame is left.
 * Invariant: a stage begins only when the one before it has nothing left to do. Locks: LOCK_DOMCTL over one step.
 */
#include <stddef.h>

#include "common/errno.h"
#include "domain/domain.h"
#include "mm/frame_ref.h"

enum kill_stage { KILL_STOP, KILL_UNITS, KILL_VCPUS, KILL_SHARED, KILL_MEMORY, KILL_LAST_FRAME, KILL_DONE };

/* The last frame has gone: the table lets go. */
static void emptied(struct mm_owner *o)
{
    struct domain *d = container_of(o, struct domain, mm);

    d->life = DOMAIN_DEAD;
    domain_put(d);
}

static int kill_units(struct domain *d)
{
    uint32_t nr = (uint32_t)(__domain_units_end - __domain_units_start);

    for (; d->kill_unit < nr; d->kill_unit++) {
        const struct domain_unit *u = __domain_units_start[d->kill_unit];
        int rc = u->kill ? u->kill(d) : 0;

        if (rc) {
            return rc;
        }
    }
    return 0;
}

static int kill_step(struct domain *d)
{
    struct vcpu *v;
    unsigned int i;
    int rc = 0;

    switch (d->kill_stage) {
    case KILL_STOP:
        d->life = DOMAIN_DYING;
        domain_pause(d);
        break;
    case KILL_UNITS:
        rc = kill_units(d);
        break;
    case KILL_VCPUS:
        for_each_vcpu(d, v, i) {
            vcpu_destroy(v);
        }
        break;
    case KILL_SHARED:
        if (d->shared_info) {
            hv_frame_unshare(d->shared_info);
            d->shared_info = NULL;
        }
        break;
    case KILL_MEMORY:
        rc = mm_owner_relinquish(&d->mm);
        break;
    case KILL_LAST_FRAME:
        d->kill_stage = KILL_DONE;
        if (mm_owner_when_empty(&d->mm, emptied)) {
            emptied(&d->mm);
        }
        return 0;
    default:
        return 0;
    }
    if (rc) {
        return rc;
    }
    d->kill_stage++;
    return -ERESTART;
}

int domain_kill(struct domain *d)
{
    bool held;
    int rc;

    domain_get(d); /* the table's reference may go in the last step */
    spin_lock(&d->domctl_lock);
    held = d->kill_stage != KILL_DONE;
    do {
        uint8_t stage = d->kill_stage;

        rc = kill_step(d);
        if (rc == -ERESTART && d->kill_stage == stage) {
            break; /* the stage itself wants a pause; between stages we go on */
        }
    } while (rc == -ERESTART);
    held = held && d->kill_stage == KILL_DONE && d->life == DOMAIN_DYING;
    spin_unlock(&d->domctl_lock);
    if (held && domain_hooks.gone) {
        domain_hooks.gone(); /* whoever maps its frames is to let go of them */
    }
    domain_put(d);
    return rc;
}
