/* SPDX-License-Identifier: MIT */
/*
 * Transactions: a snapshot of the tree, changed in private, and the paths that were used. To commit, nothing that was used
 * may have changed since its first use; then the changes are made again on top of the tree as it is now.
 * A transaction that uses a path which has changed meanwhile first moves to the tree of now, if all it used is as it was:
 * so it always sees one consistent tree, and fails no more often than one that notes each path's generation at first use.
 */
#include "xenostored/internal.h"

#include <string.h>

int xs_tx_start(struct xs_store *store, struct xs_conn *conn, uint32_t *id)
{
    struct xs_state *state = store->state;
    xs_ref ref;
    struct xs_tx *tx;

    if (!xs_is_privileged(conn) && conn->nr_txs >= state->quota.transactions) {
        return -ENOSPC;
    }
    ref = xs_alloc(store->arena, sizeof(*tx));
    tx = xs_at(store->arena, ref);
    if (!tx) {
        return -ENOMEM;
    }
    memset(tx, 0, sizeof(*tx));
    tx->access = xs_node_new(&store->forest, "", 0);
    if (!tx->access) {
        return -ENOMEM;
    }
    do {
        XS_SET(store->arena, conn->next_tx, (conn->next_tx + 1) & 0x7fffffff);
    } while (conn->next_tx == 0 || xs_tx_find(store, conn, conn->next_tx));
    tx->id = conn->next_tx;
    tx->base = state->root;
    tx->root = state->root;
    xs_node_get(&store->forest, state->root);
    xs_node_get(&store->forest, state->root);
    tx->next = conn->txs;
    XS_SET(store->arena, conn->txs, ref);
    XS_SET(store->arena, conn->nr_txs, conn->nr_txs + 1);
    XS_SET(store->arena, state->nr_txs, state->nr_txs + 1);
    *id = tx->id;
    return 0;
}

struct xs_tx *xs_tx_find(const struct xs_store *store, const struct xs_conn *conn, uint32_t id)
{
    struct xs_tx *tx = xs_at(store->arena, conn->txs);

    while (tx && tx->id != id) {
        tx = xs_at(store->arena, tx->next);
    }
    return tx;
}

void xs_tx_drop(struct xs_store *store, struct xs_conn *conn, struct xs_tx *tx)
{
    xs_ref ref = xs_ref_of(store->arena, tx);
    xs_ref *slot = &conn->txs;

    while (*slot != ref) {
        slot = &((struct xs_tx *)xs_at(store->arena, *slot))->next;
    }
    XS_SET(store->arena, *slot, tx->next);
    XS_SET(store->arena, conn->nr_txs, conn->nr_txs - 1);
    XS_SET(store->arena, store->state->nr_txs, store->state->nr_txs - 1);
    xs_node_put(&store->forest, tx->base);
    xs_node_put(&store->forest, tx->root);
    xs_node_put(&store->forest, tx->access);
    for (xs_ref at = tx->node_counts; at;) {
        struct xs_count *count = xs_at(store->arena, at);
        xs_ref next = count->next;

        xs_free(store->arena, at);
        at = next;
    }
    xs_free(store->arena, ref);
}

static uint64_t gen_at(const struct xs_store *store, xs_ref root, const char *path)
{
    xs_ref ref = xs_tree_find(&store->forest, root, path);

    return ref ? xs_store_node(store, ref)->gen : 0;
}

/* Has anything at or below path changed? Equal references are equal trees. */
static bool subtree_changed(struct xs_store *store, xs_ref base, xs_ref head, const char *path)
{
    struct xs_walk *walk = &store->scratch->inner;
    xs_ref now;
    bool same;

    base = xs_tree_find(&store->forest, base, path);
    if (!base) {
        return xs_tree_find(&store->forest, head, path) != 0;
    }
    xs_walk_start(walk, &store->forest, base, path);
    for (xs_ref at = base; at; at = xs_walk_next(walk, same)) {
        now = xs_tree_find(&store->forest, head, walk->path[0] ? walk->path : "/");
        same = now == at;
        if (!now || xs_store_node(store, now)->gen != xs_store_node(store, at)->gen) {
            return true;
        }
    }
    return false;
}

static bool has_conflict(struct xs_store *store, const struct xs_tx *tx)
{
    struct xs_walk *walk = &store->scratch->walk;
    xs_ref head = store->state->root;

    xs_walk_start(walk, &store->forest, tx->access, "/");
    for (xs_ref at = tx->access; at; at = xs_walk_next(walk, false)) {
        uint64_t used = xs_store_node(store, at)->gen;

        if ((used & XS_USED) &&
            gen_at(store, tx->base, walk->path) != gen_at(store, head, walk->path)) {
            return true;
        }
        if ((used & XS_USED_WIPED) && subtree_changed(store, tx->base, head, walk->path)) {
            return true;
        }
    }
    return false;
}

/* A node under an existing parent in the tree at *root. */
static int add_at(struct xs_store *store, xs_ref *root, const char *path, xs_ref child)
{
    char parent_path[XENSTORE_ABS_PATH_MAX + 64];
    struct xs_node *parent;
    int rc;

    memcpy(parent_path, path, strlen(path) + 1);
    parent_path[xs_path_parent(path)] = 0;
    if (!child || !xs_tree_find(&store->forest, *root, parent_path)) {
        return -ENOMEM;
    }
    rc = xs_tree_own(&store->forest, root, parent_path, &parent);
    if (rc == 0) {
        XS_SET(store->arena, parent->gen, xs_next_gen(store));
        rc = xs_child_add(&store->forest, parent, child);
    }
    return rc;
}

static int remove_at(struct xs_store *store, xs_ref *root, const char *path)
{
    char parent_path[XENSTORE_ABS_PATH_MAX + 64];
    const char *name = strrchr(path, '/') + 1;
    struct xs_node *parent;
    int rc;

    memcpy(parent_path, path, strlen(path) + 1);
    parent_path[xs_path_parent(path)] = 0;
    rc = xs_tree_own(&store->forest, root, parent_path, &parent);
    if (rc == 0) {
        XS_SET(store->arena, parent->gen, xs_next_gen(store));
        rc = xs_child_remove(&store->forest, parent, name, strlen(name));
    }
    return rc;
}

/* Make the node at path in *root like src. */
static int copy_node(struct xs_store *store, xs_ref *root, const char *path,
                     const struct xs_node *src)
{
    struct xs_node *node;
    int rc = 0;

    if (!xs_tree_find(&store->forest, *root, path)) {
        rc = add_at(store, root, path, xs_node_new(&store->forest, src->name, src->name_len));
    }
    rc = rc ? rc : xs_tree_own(&store->forest, root, path, &node);
    if (rc) {
        return rc;
    }
    xs_block_get(&store->forest, src->perms);
    xs_block_get(&store->forest, src->value);
    xs_block_put(&store->forest, node->perms);
    xs_block_put(&store->forest, node->value);
    XS_SET(store->arena, node->perms, src->perms);
    XS_SET(store->arena, node->value, src->value);
    XS_SET(store->arena, node->value_len, src->value_len);
    XS_SET(store->arena, node->gen, xs_next_gen(store));
    return 0;
}

/* Do the transaction's changes again in the tree at *root. */
static int replay(struct xs_store *store, const struct xs_tx *tx, xs_ref *root)
{
    struct xs_walk *walk = &store->scratch->walk;
    bool skip;
    int rc = 0;

    xs_walk_start(walk, &store->forest, tx->access, "/");
    for (xs_ref at = tx->access; at && rc == 0; at = xs_walk_next(walk, skip)) {
        const char *path = walk->path[0] ? walk->path : "/";
        uint64_t used = xs_store_node(store, at)->gen;
        const struct xs_node *src =
            xs_store_node(store, xs_tree_find(&store->forest, tx->root, path));

        /* What was made anew below a removed node comes with it. */
        skip = used & XS_USED_WIPED;
        if (!xs_reserve(store->arena)) {
            return -ENOSPC;
        }
        if (skip && xs_tree_find(&store->forest, *root, path)) {
            rc = remove_at(store, root, path);
        }
        if (rc == 0 && skip && src) {
            rc = add_at(store, root, path, xs_node_copy(&store->forest, src));
        } else if (rc == 0 && (used & XS_USED_WRITE) && src) {
            rc = copy_node(store, root, path, src);
        }
    }
    return rc;
}

int xs_tx_follow(struct xs_store *store, struct xs_tx *tx)
{
    xs_ref head = store->state->root;
    int rc;

    if (tx->conflict || tx->base == head) {
        return 0;
    }
    if (has_conflict(store, tx)) {
        XS_SET(store->arena, tx->conflict, true);
        XS_SET(store->arena, tx->conflict_gen, store->state->gen);
        return 0;
    }
    xs_node_get(&store->forest, head);
    xs_node_get(&store->forest, head);
    XS_SET(store->arena, tx->next_root, head);
    rc = replay(store, tx, &tx->next_root);
    if (rc == 0) {
        xs_node_put(&store->forest, tx->base);
        xs_node_put(&store->forest, tx->root);
        XS_SET(store->arena, tx->base, head);
        XS_SET(store->arena, tx->root, tx->next_root);
        XS_SET(store->arena, tx->next_root, 0);
    }
    return rc;
}

/* The node of the access tree for a path, made if it is missing. */
static int access_node(struct xs_store *store, struct xs_tx *tx, const char *path,
                       struct xs_node **node)
{
    *node = xs_store_node(store, tx->access);
    for (size_t len; (len = xs_path_step(&path)) > 0; path += len) {
        xs_ref child = xs_child_find(&store->forest, *node, path, len);
        int rc;

        if (!child) {
            child = xs_node_new(&store->forest, path, len);
            rc = child ? xs_child_add(&store->forest, *node, child) : -ENOMEM;
            if (rc) {
                return rc;
            }
        }
        *node = xs_store_node(store, child);
    }
    return 0;
}

/* Is what will be used from now on different in the tree of now? used: how it was used before. */
static bool news_matter(struct xs_store *store, const struct xs_tx *tx, const char *path,
                        uint64_t used, unsigned int how)
{
    xs_ref head = store->state->root;

    if (tx->base == head || tx->conflict) {
        return false;
    }
    if (how & ~used & XS_USED_WIPED) {
        return subtree_changed(store, tx->base, head, path);
    }
    return used == 0 &&
           (tx->nr_access == 1 || gen_at(store, tx->base, path) != gen_at(store, head, path));
}

int xs_tx_use(struct xs_view *view, const char *path, unsigned int how)
{
    struct xs_store *store = view->store;
    struct xs_tx *tx = view->tx;
    struct xs_node *node;
    int rc;

    if (!tx) {
        return 0;
    }
    rc = access_node(store, tx, path, &node);
    if (rc) {
        return rc;
    }
    if (node->gen == 0) {
        if (!xs_is_privileged(view->conn) && tx->nr_access >= store->state->quota.tx_nodes) {
            return -ENOSPC;
        }
        XS_SET(store->arena, tx->nr_access, tx->nr_access + 1);
    }
    if (news_matter(store, tx, path, node->gen, how)) {
        rc = xs_tx_follow(store, tx);
    }
    XS_SET(store->arena, node->gen, node->gen | how);
    return rc;
}

/* Tell of a written path also who might know of it before and must not do so any more. */
static int fire_written(struct xs_store *store, const struct xs_tx *tx, const char *path)
{
    xs_ref head = store->state->root;
    xs_ref was = xs_tree_find(&store->forest, tx->base, path);
    xs_ref is = xs_tree_find(&store->forest, head, path);
    int rc = 0;

    if (!is) {
        return 0;
    }
    if (was && xs_store_node(store, was)->perms != xs_store_node(store, is)->perms) {
        rc = xs_fire(store, tx->base, path);
    }
    return rc ? rc : xs_fire(store, head, path);
}

static int fire_all(struct xs_store *store, const struct xs_tx *tx, unsigned int which)
{
    struct xs_walk *walk = &store->scratch->walk;
    int rc = 0;

    xs_walk_start(walk, &store->forest, tx->access, "/");
    for (xs_ref at = tx->access; at && rc == 0; at = xs_walk_next(walk, false)) {
        const char *path = walk->path[0] ? walk->path : "/";

        if (!(xs_store_node(store, at)->gen & which)) {
            continue;
        }
        if (which == XS_USED_WIPED && xs_tree_find(&store->forest, tx->base, path)) {
            rc = xs_fire_removed(store, tx->base, path);
        } else if (which == XS_USED_EVENT) {
            rc = fire_written(store, tx, path);
        }
    }
    return rc;
}

int xs_tx_commit(struct xs_view *view)
{
    struct xs_store *store = view->store;
    struct xs_tx *tx = view->tx;
    int rc = xs_tx_follow(store, tx);

    if (rc) {
        return rc;
    }
    if (tx->conflict) {
        return -EAGAIN;
    }
    if (tx->root == tx->base) {
        return 0;
    }
    rc = fire_all(store, tx, XS_USED_WIPED);
    if (rc) {
        return rc;
    }
    xs_node_get(&store->forest, tx->root);
    xs_node_put(&store->forest, store->state->root);
    XS_SET(store->arena, store->state->root, tx->root);
    for (xs_ref at = tx->node_counts; at;) {
        const struct xs_count *count = xs_at(store->arena, at);
        struct xs_domain *domain = xs_domain_find(store, count->domid);

        if (!xs_reserve(store->arena)) {
            return -ENOSPC;
        }
        if (domain) {
            XS_SET(store->arena, domain->nr_nodes, domain->nr_nodes + (uint32_t)count->change);
        }
        at = count->next;
    }
    return fire_all(store, tx, XS_USED_EVENT);
}
