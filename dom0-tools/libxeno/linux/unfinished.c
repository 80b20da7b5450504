/* SPDX-License-Identifier: MIT */
/*
 * What a tool was about when it was killed. Before a domain is built its identity is written down, and before one is ended that is to
 * start again its record is kept a second time, as a start that is owed; each file goes when what it says is done. Whoever holds
 * the transport's lock next undoes the one and makes up for the other: registry.c and the manager.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "libxeno/fault.h"
#include "libxeno/linux/registry.h"

#define BUILDING XENO_RUN_DIR "/building"

struct build {
    xen_domain_handle_t uuid;
    char name[DOMAIN_NAME_MAX];
};

struct search {
    const struct manager *m;
    struct build build;
    uint32_t domid;
};

void unfinished_begin(const struct domain_cfg *cfg)
{
    int fd = open(BUILDING, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct build b;

    memcpy(b.uuid, cfg->uuid_bytes, sizeof(b.uuid));
    memcpy(b.name, cfg->name, sizeof(b.name));
    if (fd >= 0) {
        if (write(fd, &b, sizeof(b)) != (ssize_t)sizeof(b)) {
            unlink(BUILDING); /* a full disk: the build goes on without */
        }
        close(fd);
    }
}

void unfinished_end(void)
{
    fault_now(); /* a place to be killed at */
    unlink(BUILDING);
}

bool unfinished_is_there(void)
{
    return access(BUILDING, F_OK) == 0;
}

/* Others of this identity may live: they have run and ended, or have a record by another name. */
static void look(void *ctx, const struct xen_domctl_getdomaininfo *info)
{
    struct search *s = ctx;
    const struct managed *d = s->m->list;

    if (memcmp(info->handle, s->build.uuid, sizeof(s->build.uuid)) != 0 ||
        info->flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying)) {
        return;
    }
    while (d && d->domid != info->domain) {
        d = d->next;
    }
    if (!d || strcmp(d->name, s->build.name) == 0) {
        s->domid = info->domain;
    }
}

uint32_t unfinished_domain(struct manager *m)
{
    struct search s = {.m = m, .domid = DOMID_NONE};
    int fd = open(BUILDING, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return DOMID_NONE;
    }
    if (read(fd, &s.build, sizeof(s.build)) == (ssize_t)sizeof(s.build) &&
        memchr(s.build.name, 0, sizeof(s.build.name)) && xeno_each_domain(&m->x, look, &s)) {
        s.domid =
            DOMID_NONE; /* the hypervisor could not be asked: whoever comes next tries again */
    } else {
        unlink(BUILDING);
    }
    close(fd);
    return s.domid;
}
