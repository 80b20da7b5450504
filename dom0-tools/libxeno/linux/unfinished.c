/* SPDX-License-Identifier: MIT */
/*
 * What a tool was about when it was killed. Before a domain is built its identity is written down, and before one is ended that is to
 * start again its record is kept a second time, as a start that is owed; each file goes when what it says is done. Whoever holds
 * the transport's lock next undoes the one and makes up for the other: registry.c and the manager.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
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

/* The domain whose identity the file has, DOMID_NONE: none has it. 0, or -1: the hypervisor could not be asked. */
static int find(struct manager *m, int fd, struct search *s)
{
    *s = (struct search){.m = m, .domid = DOMID_NONE};
    if (read(fd, &s->build, sizeof(s->build)) != (ssize_t)sizeof(s->build) ||
        !memchr(s->build.name, 0, sizeof(s->build.name))) {
        return 0; /* cut short: nothing had been made */
    }
    return xeno_each_domain(&m->x, look, s) ? -1 : 0;
}

uint32_t unfinished_domain(struct manager *m)
{
    struct search s;
    int fd = open(BUILDING, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0) {
        return DOMID_NONE;
    }
    rc = find(m, fd, &s);
    close(fd);
    if (rc) {
        return DOMID_NONE; /* whoever comes next tries again */
    }
    unlink(BUILDING);
    return s.domid;
}

/* A tool that builds holds the lock from before the file is there until after it has gone: where nobody does, nobody goes on. */
uint32_t unfinished_left(struct registry *r, char name[DOMAIN_NAME_MAX])
{
    struct search s = {.domid = DOMID_NONE};
    int fd = -1, rc = -1;

    if (unfinished_is_there() && flock(r->l->lock, LOCK_SH | LOCK_NB) == 0) {
        fd = open(BUILDING, O_RDONLY | O_CLOEXEC);
        rc = fd >= 0 ? find(r->m, fd, &s) : -1;
        flock(r->l->lock, LOCK_UN);
    }
    if (fd >= 0) {
        close(fd);
    }
    memcpy(name, s.build.name, DOMAIN_NAME_MAX);
    return rc ? DOMID_NONE : s.domid;
}
