/* SPDX-License-Identifier: MIT */
/*
 * Reading and changing the tree of a view: permissions, quotas, what a transaction has to remember.
 * Invariant: all checks come before the first change; nodes are looked up again after anything that may replace the tree.
 */
#include "xenostored/internal.h"

#include <string.h>

/* What a node weighs against the limit: as much as 4.17's daemon counts. */
#define NODE_HEADER 24u
#define PERM_BYTES  8u
/* Domains whose nodes one transaction may make or remove. */
#define COUNTS_MAX 128u

static size_t weight(size_t nr_perms, size_t value_len, size_t child_bytes)
{
    return NODE_HEADER + nr_perms * PERM_BYTES + value_len + child_bytes;
}

static bool is_limited(const struct xs_view *view)
{
    return view->conn && !xs_is_privileged(view->conn);
}

static bool too_heavy(const struct xs_view *view, size_t nr_perms, size_t value_len,
                      size_t child_bytes)
{
    return is_limited(view) &&
           weight(nr_perms, value_len, child_bytes) >= view->store->state->quota.node_bytes;
}

int xs_count_nodes(struct xs_view *view, uint16_t domid, int change)
{
    struct xs_arena *arena = view->store->arena;
    struct xs_domain *domain = xs_domain_find(view->store, domid);
    unsigned int nr_counts = 0;
    struct xs_count *count;
    xs_ref ref;

    if (domid == 0 || !domain) {
        return 0;
    }
    if (!view->tx) {
        XS_SET(arena, domain->nr_nodes, domain->nr_nodes + (uint32_t)change);
        return 0;
    }
    for (ref = view->tx->node_counts; ref; ref = count->next) {
        count = xs_at(arena, ref);
        if (count->domid == domid) {
            XS_SET(arena, count->change, count->change + change);
            return 0;
        }
        nr_counts++;
    }
    if (nr_counts >= COUNTS_MAX) {
        return -ENOSPC;
    }
    ref = xs_alloc(arena, sizeof(*count));
    count = xs_at(arena, ref);
    if (!count) {
        return -ENOMEM;
    }
    *count = (struct xs_count){.next = view->tx->node_counts, .domid = domid, .change = change};
    XS_SET(arena, view->tx->node_counts, ref);
    return 0;
}

/* Nodes that a domain owns in this view. */
static int64_t nodes_owned(const struct xs_view *view, uint16_t domid)
{
    const struct xs_domain *domain = xs_domain_find(view->store, domid);
    int64_t nr = domain ? domain->nr_nodes : 0;

    for (xs_ref ref = view->tx ? view->tx->node_counts : 0; ref;) {
        const struct xs_count *count = xs_at(view->store->arena, ref);

        nr += count->domid == domid ? count->change : 0;
        ref = count->next;
    }
    return nr;
}

/*
 * The bits that the first existing one of the node's parents gives. A missing node is known to be missing only to who
 * may do with it what was asked.
 */
static int bits_of_parents(struct xs_view *view, const char *path, unsigned int *bits)
{
    char *parent = view->store->scratch->parent;
    xs_ref ref = 0;

    memmove(parent, path, strlen(path) + 1);
    while (!ref) {
        int rc;

        if (!parent[1]) {
            return -EIO; /* there is always a root */
        }
        parent[xs_path_parent(parent)] = 0;
        rc = xs_tx_use(view, parent, XS_USED);
        if (rc) {
            return rc;
        }
        ref = xs_tree_find(&view->store->forest, *view->root, parent);
    }
    *bits = xs_perms_bits(view->store, view->conn, xs_store_node(view->store, ref)->perms);
    return 0;
}

int xs_view_find(struct xs_view *view, const char *path, unsigned int bits, struct xs_node **node)
{
    unsigned int has = 0;
    xs_ref ref;
    int rc = xs_tx_use(view, path, XS_USED);

    view->looked_at = path;
    view->looked_for = bits;
    if (rc) {
        return rc;
    }
    ref = xs_tree_find(&view->store->forest, *view->root, path);
    *node = xs_store_node(view->store, ref);
    if (*node && (xs_perms_bits(view->store, view->conn, (*node)->perms) & bits) == bits) {
        return 0;
    }
    /* As 4.17 does it: what a parent allows decides which error one sees, for nodes that exist as well. */
    rc = path[1] ? bits_of_parents(view, path, &has) : 0;
    if (rc) {
        return rc;
    }
    return *node || !(has & bits) ? -EACCES : -ENOENT;
}

/* The permissions of a new node: its parent's, but who is not privileged owns what he makes. */
static int inherit(struct xs_view *view, xs_ref parent_perms, xs_ref *perms)
{
    struct xs_store *store = view->store;
    unsigned int nr = xs_perms_count(store, parent_perms);
    const struct xs_block *block = xs_at(store->arena, parent_perms);
    const struct xs_perms *parent = (const struct xs_perms *)block->data;
    struct xs_perms *own;

    if (!is_limited(view) || xs_perms_owner(store, parent_perms) == view->conn->domid) {
        xs_block_get(&store->forest, parent_perms);
        *perms = parent_perms;
        return 0;
    }
    *perms = xs_perms_new(store, parent->entry, nr);
    if (!*perms) {
        return -ENOMEM;
    }
    own = (struct xs_perms *)((struct xs_block *)xs_at(store->arena, *perms))->data;
    own->entry[0].domid = view->conn->domid;
    /* Entries that were stale must not come to life again with the new generation. */
    for (unsigned int i = 1; i < nr; i++) {
        const struct xs_domain *domain = xs_domain_find(store, own->entry[i].domid);

        if (own->entry[i].domid && (!domain || domain->born > parent->gen)) {
            own->entry[i] = (struct xs_perm){.domid = view->conn->domid};
        }
    }
    return 0;
}

static int add_child(struct xs_view *view, struct xs_node *parent, const char *name, size_t len,
                     struct xs_node **child)
{
    struct xs_store *store = view->store;
    xs_ref ref;
    int rc;

    if (too_heavy(view, xs_perms_count(store, parent->perms), parent->value_len,
                  parent->child_bytes + len + 1)) {
        return -ENOSPC;
    }
    if (is_limited(view) && nodes_owned(view, view->conn->domid) >= store->state->quota.nodes) {
        return -ENOSPC;
    }
    ref = xs_node_new(&store->forest, name, len);
    *child = xs_store_node(store, ref);
    if (!*child) {
        return -ENOMEM;
    }
    rc = inherit(view, parent->perms, &(*child)->perms);
    if (rc == 0) {
        rc = xs_count_nodes(view, xs_perms_owner(store, (*child)->perms), 1);
    }
    if (rc == 0) {
        (*child)->gen = xs_next_gen(store);
        XS_SET(store->arena, parent->gen, (*child)->gen);
        rc = xs_child_add(&store->forest, parent, ref);
    }
    return rc;
}

/* Make a node and those above it that are missing. */
static int create(struct xs_view *view, const char *path, struct xs_node **node)
{
    struct xs_store *store = view->store;
    char *parent = store->scratch->parent;
    const char *rest;
    int rc;

    memmove(parent, path, strlen(path) + 1);
    do {
        rc = xs_tx_use(view, parent, XS_USED | XS_USED_WRITE);
        if (rc) {
            return rc;
        }
        parent[xs_path_parent(parent)] = 0;
    } while (!xs_tree_find(&store->forest, *view->root, parent));
    rc = xs_tx_use(view, parent, XS_USED | XS_USED_WRITE);
    if (rc == 0) {
        rc = xs_tree_own(&store->forest, view->root, parent, node);
    }
    rest = path + (parent[1] ? strlen(parent) : 0);
    for (size_t len; rc == 0 && (len = xs_path_step(&rest)) > 0; rest += len) {
        rc = add_child(view, *node, rest, len, node);
    }
    return rc;
}

static int set_value(struct xs_view *view, struct xs_node *node, const char *data, size_t len)
{
    struct xs_store *store = view->store;
    xs_ref value = 0;

    if (too_heavy(view, xs_perms_count(store, node->perms), len, node->child_bytes)) {
        return -ENOSPC;
    }
    if (len) {
        value = xs_block_new(&store->forest, data, len);
        if (!value) {
            return -ENOMEM;
        }
    }
    xs_block_put(&store->forest, node->value);
    XS_SET(store->arena, node->value, value);
    XS_SET(store->arena, node->value_len, (uint16_t)len);
    XS_SET(store->arena, node->gen, xs_next_gen(store));
    return 0;
}

/* Tell who watches: now, or when the transaction is committed. */
static int changed(struct xs_view *view, const char *path)
{
    if (view->tx) {
        return xs_tx_use(view, path, XS_USED | XS_USED_WRITE | XS_USED_EVENT);
    }
    return xs_fire(view->store, *view->root, path);
}

int xs_view_write(struct xs_view *view, const char *path, const char *data, size_t len)
{
    struct xs_node *node;
    int rc = xs_view_find(view, path, XS_PERM_WRITE, &node);

    if (rc == -ENOENT) {
        rc = create(view, path, &node);
    } else if (rc == 0) {
        rc = xs_tree_own(&view->store->forest, view->root, path, &node);
    }
    if (rc == 0) {
        rc = set_value(view, node, data, len);
    }
    return rc ? rc : changed(view, path);
}

int xs_view_mkdir(struct xs_view *view, const char *path)
{
    struct xs_node *node;
    int rc = xs_view_find(view, path, XS_PERM_WRITE, &node);

    if (rc == -ENOENT) {
        rc = create(view, path, &node);
        rc = rc ? rc : changed(view, path);
    }
    return rc;
}

/* The owners of a subtree lose its nodes. */
static int uncount(struct xs_view *view, xs_ref root, const char *path)
{
    struct xs_walk *walk = &view->store->scratch->inner;
    uint16_t owner = 0;
    int nr = 0;
    int rc = 0;

    xs_walk_start(walk, &view->store->forest, root, path);
    for (xs_ref at = root; at && rc == 0; at = xs_walk_next(walk, false)) {
        uint16_t next = xs_perms_owner(view->store, xs_store_node(view->store, at)->perms);

        if (next != owner) {
            rc = xs_reserve(view->store->arena) ? xs_count_nodes(view, owner, -nr) : -ENOSPC;
            owner = next;
            nr = 0;
        }
        nr++;
    }
    return rc ? rc : xs_count_nodes(view, owner, -nr);
}

int xs_view_unlink(struct xs_view *view, const char *path)
{
    struct xs_store *store = view->store;
    char *parent_path = store->scratch->parent;
    struct xs_node *parent;
    const char *name = strrchr(path, '/') + 1;
    int rc;

    rc = xs_reserve(store->arena)
             ? uncount(view, xs_tree_find(&store->forest, *view->root, path), path)
             : -ENOSPC;
    if (rc) {
        return rc;
    }
    memcpy(parent_path, path, strlen(path) + 1);
    parent_path[xs_path_parent(parent_path)] = 0;
    rc = xs_tree_own(&store->forest, view->root, parent_path, &parent);
    if (rc == 0) {
        XS_SET(store->arena, parent->gen, xs_next_gen(store));
        rc = xs_child_remove(&store->forest, parent, name, strlen(name));
    }
    return rc;
}

int xs_view_remove(struct xs_view *view, const char *path)
{
    struct xs_store *store = view->store;
    char *parent = store->scratch->parent;
    struct xs_node *node;
    int rc = xs_view_find(view, path, XS_PERM_WRITE, &node);

    memcpy(parent, path, strlen(path) + 1);
    parent[xs_path_parent(parent)] = 0;
    if (rc == -ENOENT) {
        /* That it is not there is what was wanted, if there is a place where it could be. */
        rc = xs_tx_use(view, parent, XS_USED);
        return rc ? rc : xs_tree_find(&store->forest, *view->root, parent) ? 0 : -ENOENT;
    }
    if (rc) {
        return rc;
    }
    if (!path[1]) {
        return -EINVAL;
    }
    if (view->tx) {
        rc = xs_tx_use(view, parent, XS_USED | XS_USED_WRITE);
        rc = rc ? rc : xs_tx_use(view, path, XS_USED | XS_USED_WRITE | XS_USED_WIPED);
    } else {
        rc = xs_fire_removed(store, *view->root, path);
    }
    return rc ? rc : xs_view_unlink(view, path);
}

int xs_view_set_perms(struct xs_view *view, const char *path, const struct xs_perm *entries,
                      unsigned int nr)
{
    struct xs_store *store = view->store;
    struct xs_node *node;
    struct xs_domain *domain;
    uint16_t owner;
    xs_ref perms;
    int rc = xs_view_find(view, path, XS_PERM_WRITE | XS_PERM_OWNER, &node);

    if (rc) {
        return rc;
    }
    owner = xs_perms_owner(store, node->perms);
    if (is_limited(view) && entries[0].domid != owner) {
        return -EPERM;
    }
    for (unsigned int i = 0; i < nr && rc == 0; i++) {
        rc = xs_domain_get(store, entries[i].domid, &domain);
        /* An entry for a domain that there is not means nobody; an owner must be somebody. */
        rc = i && rc == -ENOENT ? 0 : rc;
    }
    if (rc == 0 && too_heavy(view, nr, node->value_len, node->child_bytes)) {
        rc = -ENOSPC;
    }
    if (rc == 0 && !view->tx) {
        /* Who will not be allowed to know of the node any more learns of this last change. */
        rc = xs_fire(store, *view->root, path);
    }
    if (rc == 0) {
        rc = xs_tree_own(&store->forest, view->root, path, &node);
    }
    if (rc) {
        return rc;
    }
    perms = xs_perms_new(store, entries, nr);
    if (!perms) {
        return -ENOMEM;
    }
    rc = xs_count_nodes(view, owner, -1);
    rc = rc ? rc : xs_count_nodes(view, entries[0].domid, 1);
    xs_block_put(&store->forest, node->perms);
    XS_SET(store->arena, node->perms, perms);
    XS_SET(store->arena, node->gen, xs_next_gen(store));
    return rc ? rc : changed(view, path);
}
