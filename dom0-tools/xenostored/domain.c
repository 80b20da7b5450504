/* SPDX-License-Identifier: MIT */
/*
 * Domains by id, and what permissions mean. A permission carries the generation at which it was given; a domain, the one
 * at which its id was first heard of. So what an older domain of the same id was allowed is nobody's, without a search.
 * Invariant: a domain that a permission names, or that is introduced, has a struct until it is released.
 */
#include "xenostored/internal.h"

#include <string.h>

#define LEAF 256u

struct xs_domain *xs_domain_find(const struct xs_store *store, uint16_t domid)
{
    const xs_ref *leaf = xs_at(store->arena, store->state->domains[domid / LEAF]);

    return leaf ? xs_at(store->arena, leaf[domid % LEAF]) : NULL;
}

int xs_domain_get(struct xs_store *store, uint16_t domid, struct xs_domain **domain)
{
    xs_ref *leaf_ref = &store->state->domains[domid / LEAF];
    xs_ref *leaf;
    xs_ref ref;

    *domain = xs_domain_find(store, domid);
    if (*domain) {
        return 0;
    }
    if (store->host && store->host->domain_exists && !store->host->domain_exists(store, domid)) {
        return -ENOENT;
    }
    if (!*leaf_ref) {
        ref = xs_alloc(store->arena, LEAF * sizeof(xs_ref));
        if (!ref) {
            return -ENOMEM;
        }
        memset(xs_at(store->arena, ref), 0, LEAF * sizeof(xs_ref));
        XS_SET(store->arena, *leaf_ref, ref);
    }
    leaf = xs_at(store->arena, *leaf_ref);
    ref = xs_alloc(store->arena, sizeof(**domain));
    if (!ref) {
        return -ENOMEM;
    }
    *domain = xs_at(store->arena, ref);
    memset(*domain, 0, sizeof(**domain));
    (*domain)->domid = domid;
    (*domain)->born = store->state->gen;
    XS_SET(store->arena, leaf[domid % LEAF], ref);
    return 0;
}

struct xs_domain *xs_domain_next(const struct xs_store *store, unsigned int from)
{
    while (from < XS_DOMIDS) {
        struct xs_domain *domain;

        if (!store->state->domains[from / LEAF]) {
            from = (from / LEAF + 1) * LEAF;
            continue;
        }
        domain = xs_domain_find(store, (uint16_t)from);
        if (domain && domain->introduced) {
            return domain;
        }
        from++;
    }
    return NULL;
}

static const struct xs_perms *perms_at(const struct xs_store *store, xs_ref ref)
{
    const struct xs_block *block = xs_at(store->arena, ref);

    return (const struct xs_perms *)block->data;
}

unsigned int xs_perms_count(const struct xs_store *store, xs_ref perms)
{
    const struct xs_block *block = xs_at(store->arena, perms);

    return (unsigned int)((block->len - sizeof(struct xs_perms)) / sizeof(struct xs_perm));
}

/* The entry means the domain that has the id today. */
static bool entry_holds(const struct xs_store *store, const struct xs_perms *perms, uint16_t domid)
{
    const struct xs_domain *domain = xs_domain_find(store, domid);

    return domid == 0 || (domain && domain->born <= perms->gen);
}

uint16_t xs_perms_owner(const struct xs_store *store, xs_ref ref)
{
    const struct xs_perms *perms = perms_at(store, ref);

    return entry_holds(store, perms, perms->entry[0].domid) ? perms->entry[0].domid : 0;
}

unsigned int xs_perms_bits(const struct xs_store *store, const struct xs_conn *conn, xs_ref ref)
{
    const struct xs_perms *perms = perms_at(store, ref);
    unsigned int nr = xs_perms_count(store, ref);
    uint16_t owner;

    if (xs_is_privileged(conn)) {
        return XS_PERM_READ | XS_PERM_WRITE | XS_PERM_OWNER;
    }
    owner = xs_perms_owner(store, ref);
    if (owner == conn->domid || owner == conn->target) {
        return XS_PERM_READ | XS_PERM_WRITE | XS_PERM_OWNER;
    }
    for (unsigned int i = 1; i < nr; i++) {
        uint16_t domid = perms->entry[i].domid;

        if ((domid == conn->domid || domid == conn->target) && entry_holds(store, perms, domid)) {
            return perms->entry[i].bits;
        }
    }
    return perms->entry[0].bits;
}

xs_ref xs_perms_new(struct xs_store *store, const struct xs_perm *entries, unsigned int nr)
{
    xs_ref ref = xs_alloc(store->arena, sizeof(struct xs_block) + sizeof(struct xs_perms) +
                                            nr * sizeof(*entries));
    struct xs_block *block = xs_at(store->arena, ref);
    struct xs_perms *perms;

    if (block) {
        block->refs = 1;
        block->len = (uint32_t)(sizeof(*perms) + nr * sizeof(*entries));
        perms = (struct xs_perms *)block->data;
        perms->gen = store->state->gen;
        memcpy(perms->entry, entries, nr * sizeof(*entries));
    }
    return ref;
}

/*
 * Remove what the domain owns. A walk through all of the store, only if the tool stack has left something. It goes on from
 * a node that was just unlinked: until the scope ends that still has its name, which is all that is needed to step over it.
 */
static int remove_owned(struct xs_store *store, struct xs_domain *domain)
{
    struct xs_view view = {.store = store, .root = &store->state->root};
    struct xs_walk *walk = &store->scratch->walk;
    char *path = store->scratch->path;
    bool skip = false;

    xs_walk_start(walk, &store->forest, store->state->root, "/");
    for (xs_ref at = walk->at[0]; at && domain->nr_nodes; at = xs_walk_next(walk, skip)) {
        int rc;

        skip =
            walk->depth && xs_perms_owner(store, xs_store_node(store, at)->perms) == domain->domid;
        if (!skip) {
            continue;
        }
        memcpy(path, walk->path, strlen(walk->path) + 1);
        rc = xs_fire_removed(store, store->state->root, path);
        if (rc == 0) {
            rc = xs_view_unlink(&view, path);
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int xs_domain_drop(struct xs_store *store, struct xs_domain *domain)
{
    xs_ref *leaf = xs_at(store->arena, store->state->domains[domain->domid / LEAF]);
    xs_ref ref = leaf[domain->domid % LEAF];
    int rc = domain->nr_nodes ? remove_owned(store, domain) : 0;

    if (rc == 0) {
        XS_SET(store->arena, leaf[domain->domid % LEAF], 0);
        xs_free(store->arena, ref);
    }
    return rc;
}
