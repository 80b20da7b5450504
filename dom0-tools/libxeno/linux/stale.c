/* SPDX-License-Identifier: MIT */
/*
 * What the store still has of domains that the hypervisor does not: left by a tool that was killed, or that cleans up less. Such
 * nodes count against the quota of whoever owns them, and a name in them is found before the living domain's.
 * Invariant: the store is read before the hypervisor is asked, so a domain that is being made is not taken for one that has gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "libxeno/linux/registry.h"

/* fn(ctx, name) for each number in a folder. */
static int each_number(struct xeno_store *s, const char *path,
                       void (*fn)(void *ctx, uint32_t domid, const char *path), void *ctx)
{
    char names[XENSTORE_PAYLOAD_MAX + 1], at[256];
    long n = store_list(s, path, names, sizeof(names));

    for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
        char *end;
        unsigned long domid = strtoul(name, &end, 10);

        if (end != name && !*end && domid < DOMID_FIRST_RESERVED) {
            snprintf(at, sizeof(at), "%s/%lu", path, domid);
            fn(ctx, (uint32_t)domid, at);
        }
    }
    return n < 0 ? (int)n : 0;
}

struct search {
    struct xeno *x;
    struct xeno_store *s;
    struct stale *found;
};

static void look(void *ctx, uint32_t domid, const char *path)
{
    struct search *q = ctx;
    struct xen_domctl_getdomaininfo info;
    struct stale *f = q->found;

    if (domid == q->x->t->own_domid || xeno_domain_info(q->x, domid, &info) != -ESRCH) {
        return;
    }
    f->nr++;
    if (f->nr <= STALE_MOST) {
        snprintf(f->path[f->nr - 1], sizeof(f->path[0]), "%s", path);
    }
}

int stale_find(struct xeno *x, struct xeno_store *s, struct stale *found)
{
    struct search q = {.x = x, .s = s, .found = found};
    char types[XENSTORE_PAYLOAD_MAX + 1], path[64];
    int rc;
    long n;

    *found = (struct stale){.nr = 0};
    rc = each_number(s, "/local/domain", look, &q);
    rc = rc ? rc : each_number(s, "/libxl", look, &q);
    snprintf(path, sizeof(path), "/local/domain/%u/backend", x->t->own_domid);
    n = rc ? rc : store_list(s, path, types, sizeof(types));
    for (const char *type = types; n > 0 && type < types + n; type += strlen(type) + 1) {
        snprintf(path, sizeof(path), "/local/domain/%u/backend/%.20s", x->t->own_domid, type);
        rc = rc ? rc : each_number(s, path, look, &q);
    }
    return rc == -ENOENT || rc == 0 ? 0 : rc;
}

void stale_remove(struct xeno_store *s, const struct stale *found)
{
    for (unsigned int i = 0; i < found->nr && i < STALE_MOST; i++) {
        char path[80], vm[64];

        snprintf(path, sizeof(path), "%s/vm", found->path[i]);
        if (store_read(s, path, vm, sizeof(vm)) > 0 && strncmp(vm, "/vm/", 4) == 0) {
            store_rm(s, vm);
        }
        store_rm(s, found->path[i]);
        store_flush(s);
    }
}
