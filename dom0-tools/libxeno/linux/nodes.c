/* SPDX-License-Identifier: MIT */
/*
 * A domain's nodes in xenstore, under the names and with the owners that other people's tools and guests expect. All of them
 * are made in one transaction, and all go when the domain does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/compiler.h"
#include "libxeno/linux/registry.h"

#define RETRIES       64 /* of a transaction that collides with others; each time somebody got through */
#define CONSOLE_LIMIT "1048576"

/* Folders that the guest owns; all else is ours and it may read. */
static const char *const guests[] = {"data",
                                     "drivers",
                                     "feature",
                                     "attr",
                                     "error",
                                     "device/suspend/event-channel",
                                     "control/shutdown",
                                     "control/feature-poweroff",
                                     "control/feature-reboot",
                                     "control/feature-suspend",
                                     "control/sysrq"};

struct node {
    struct xeno_store *s;
    char path[160];
    size_t base;
};

static const char *at(struct node *n, const char *name)
{
    snprintf(n->path + n->base, sizeof(n->path) - n->base, "%s%s", *name ? "/" : "", name);
    return n->path;
}

static void number(struct node *n, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lu", value);
    store_write(n->s, at(n, name), text);
}

static void text(struct node *n, const char *name, const char *value)
{
    store_write(n->s, at(n, name), value);
}

static void domain_nodes(struct node *n, const struct managed *d)
{
    const struct domain_cfg *cfg = d->cfg;
    char value[64], perms[32];
    int64_t vcpus = MAX(cfg->vcpus, cfg->maxvcpus);

    snprintf(perms, sizeof(perms), "n0 r%u", d->domid);
    store_mkdir(n->s, at(n, ""));
    store_perms(n->s, at(n, ""), perms);
    number(n, "domid", d->domid);
    number(n, "memory/static-max", (uint64_t)MAX(cfg->memory_mib, cfg->maxmem_mib) * 1024);
    number(n, "memory/target", (uint64_t)cfg->memory_mib * 1024);
    text(n, "memory/videoram", "-1");
    for (int64_t i = 0; i < vcpus; i++) {
        snprintf(value, sizeof(value), "cpu/%ld/availability", i);
        text(n, value, i < cfg->vcpus ? "online" : "offline");
    }
    if (d->built.store_port) {
        number(n, "store/port", d->built.store_port);
        number(n, "store/ring-ref", d->built.store_mfn);
    }
    text(n, "control/platform-feature-multiprocessor-suspend", "1");
    text(n, "control/platform-feature-xs_reset_watches", "1");
    snprintf(perms, sizeof(perms), "n%u", d->domid);
    for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
        text(n, guests[i], "");
        store_perms(n->s, at(n, guests[i]), perms);
    }
}

static void console_nodes(struct node *n, const struct managed *d, const char *type,
                          const char *tty)
{
    text(n, "console/backend-id", "0");
    number(n, "console/port", d->built.console_port);
    number(n, "console/ring-ref", d->built.console_mfn);
    text(n, "console/limit", CONSOLE_LIMIT);
    text(n, "console/type", type);
    text(n, "console/output", "pty");
    text(n, "console/tty", tty);
}

void nodes_identity(struct xeno_store *s, const struct managed *d)
{
    struct node n = {.s = s};
    char vm[64];

    snprintf(vm, sizeof(vm), "/vm/%s", d->cfg->uuid);
    n.base = (size_t)snprintf(n.path, sizeof(n.path), "/local/domain/%u", d->domid);
    text(&n, "vm", vm);
    text(&n, "name", d->name);
    n.base = (size_t)snprintf(n.path, sizeof(n.path), "%s", vm);
    text(&n, "uuid", d->cfg->uuid);
    text(&n, "name", d->name);
}

int nodes_create(struct xeno_store *s, const struct managed *d, const char *console_type,
                 const char *tty)
{
    struct node n = {.s = s};
    char vm[64], start[32];
    int rc = -EAGAIN;

    n.base = (size_t)snprintf(n.path, sizeof(n.path), "/local/domain/%u", d->domid);
    for (int i = 0; rc == -EAGAIN && i < RETRIES; i++) {
        rc = store_begin(s);
        if (rc) {
            return rc;
        }
        store_rm(
            s, at(&n, "")); /* what a domain of this number has left behind, if a tool was killed */
        domain_nodes(&n, d);
        if (d->built.console_port) {
            console_nodes(&n, d, console_type, tty);
        }
        nodes_identity(s, d);
        snprintf(vm, sizeof(vm), "/vm/%s/start_time", d->cfg->uuid);
        snprintf(start, sizeof(start), "%ld.00", d->started);
        store_write(s, vm, start);
        snprintf(vm, sizeof(vm), "/libxl/%u/type", d->domid);
        store_write(s, vm, d->built.store_port ? "pv" : "hvm");
        rc = store_commit(s);
    }
    if (rc == 0 && !d->built.store_port) {
        return store_flush(s); /* no ring, so nobody to introduce */
    }
    if (rc == 0) {
        store_introduce(s, d->domid, d->built.store_mfn, d->built.store_port);
        rc = store_flush(s);
    }
    return rc;
}

/* Each on its own: what is not there needs no removing. */
int nodes_remove(struct xeno_store *s, uint32_t domid, const char *uuid)
{
    char path[4][64];
    int rc = 0;

    snprintf(path[0], sizeof(path[0]), "/local/domain/%u", domid);
    snprintf(path[1], sizeof(path[1]), "/libxl/%u", domid);
    snprintf(path[2], sizeof(path[2]), "/local/domain/0/backend/vbd/%u", domid);
    snprintf(path[3], sizeof(path[3]), "/vm/%s", uuid);
    for (size_t i = 0; i < ARRAY_SIZE(path); i++) {
        int one;

        if (i == 3 && !*uuid) {
            continue;
        }
        store_rm(s, path[i]);
        one = store_flush(s);
        rc = one && one != -ENOENT ? one : rc;
    }
    return rc;
}
