/* SPDX-License-Identifier: MIT */
/*
 * Watches, in a tree of their own by path: what fires for a path is found on the way down to it, however many there are.
 * Invariant: a node of that tree has watches (value: the first of them) or children; the store's tree knows nothing of it.
 */
#include "xenostored/internal.h"

#include <string.h>

static const char *const specials[XS_SPECIALS] = {"@introduceDomain", "@releaseDomain"};

int xs_special_index(const char *name)
{
    for (unsigned int i = 0; i < XS_SPECIALS; i++) {
        if (strcmp(name, specials[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The list that a watch of this path belongs into: NULL if there is no such path in the tree of watches. */
static xs_ref *list_of(const struct xs_store *store, const char *path)
{
    xs_ref ref;

    if (path[0] == '@') {
        int special = xs_special_index(path);

        return &store->state->special[special >= 0 ? (unsigned int)special : XS_UNKNOWN];
    }
    ref = xs_tree_find(&store->forest, store->state->watches, path);
    return ref ? &xs_store_node(store, ref)->value : NULL;
}

/* The same, made if it is missing. */
static int make_list(struct xs_store *store, const char *path, xs_ref **list)
{
    struct xs_node *node = xs_store_node(store, store->state->watches);
    const char *rest = path;

    if (path[0] == '@') {
        *list = list_of(store, path);
        return 0;
    }
    for (size_t len; (len = xs_path_step(&rest)) > 0; rest += len) {
        xs_ref child = xs_child_find(&store->forest, node, rest, len);

        if (!child) {
            int rc;

            child = xs_node_new(&store->forest, rest, len);
            rc = child ? xs_child_add(&store->forest, node, child) : -ENOMEM;
            if (rc) {
                return rc;
            }
        }
        node = xs_store_node(store, child);
    }
    *list = &node->value;
    return 0;
}

/* Remove the nodes that lead to no watch any more. They are nobody else's, so there is nothing that can fail. */
static void prune(struct xs_store *store, const char *path)
{
    char at[XENSTORE_ABS_PATH_MAX + 64];

    memcpy(at, path, strlen(path) + 1);
    while (at[1]) {
        struct xs_node *node =
            xs_store_node(store, xs_tree_find(&store->forest, store->state->watches, at));
        const char *name = strrchr(at, '/') + 1;
        struct xs_node *parent;
        char cut[XENSTORE_ABS_PATH_MAX + 64];

        if (!node || node->value || node->children || !xs_reserve(store->arena)) {
            return;
        }
        memcpy(cut, at, strlen(at) + 1);
        cut[xs_path_parent(cut)] = 0;
        if (xs_tree_own(&store->forest, &store->state->watches, cut, &parent) ||
            xs_child_remove(&store->forest, parent, name, strlen(name))) {
            return;
        }
        memcpy(at, cut, strlen(cut) + 1);
    }
}

static struct xs_watch *find_in(const struct xs_store *store, const xs_ref *list, xs_ref conn,
                                const char *path, const char *token)
{
    struct xs_watch *watch = list ? xs_at(store->arena, *list) : NULL;

    while (watch && (watch->conn != conn || strcmp(watch->text, path) != 0 ||
                     strcmp(watch->text + watch->path_len + 1, token) != 0)) {
        watch = xs_at(store->arena, watch->path_next);
    }
    return watch;
}

int xs_watch_add(struct xs_store *store, xs_ref conn_ref, const char *path, const char *token,
                 unsigned int skip)
{
    struct xs_conn *conn = xs_conn_at(store, conn_ref);
    size_t path_len = strlen(path);
    size_t token_len = strlen(token);
    struct xs_watch *watch;
    struct xs_watch *other;
    xs_ref *list;
    xs_ref ref;
    int rc;

    if (find_in(store, list_of(store, path), conn_ref, path, token)) {
        return -EEXIST;
    }
    if (!xs_is_privileged(conn) && conn->nr_watches >= store->state->quota.watches) {
        return -E2BIG;
    }
    rc = make_list(store, path, &list);
    if (rc) {
        return rc;
    }
    ref = xs_alloc(store->arena, sizeof(*watch) + path_len + token_len + 2);
    watch = xs_at(store->arena, ref);
    if (!watch) {
        return -ENOMEM;
    }
    *watch = (struct xs_watch){.conn = conn_ref,
                               .conn_next = conn->watches,
                               .path_next = *list,
                               .path_len = (uint16_t)path_len,
                               .token_len = (uint16_t)token_len,
                               .skip = (uint16_t)skip};
    memcpy(watch->text, path, path_len + 1);
    memcpy(watch->text + path_len + 1, token, token_len + 1);
    other = xs_at(store->arena, conn->watches);
    if (other) {
        XS_SET(store->arena, other->conn_prev, ref);
    }
    other = xs_at(store->arena, *list);
    if (other) {
        XS_SET(store->arena, other->path_prev, ref);
    }
    XS_SET(store->arena, conn->watches, ref);
    XS_SET(store->arena, *list, ref);
    XS_SET(store->arena, conn->nr_watches, conn->nr_watches + 1);
    XS_SET(store->arena, store->state->nr_watches, store->state->nr_watches + 1);
    return 0;
}

void xs_watch_drop(struct xs_store *store, struct xs_watch *watch)
{
    struct xs_conn *conn = xs_conn_at(store, watch->conn);
    struct xs_watch *next = xs_at(store->arena, watch->conn_next);
    struct xs_watch *prev = xs_at(store->arena, watch->conn_prev);

    if (next) {
        XS_SET(store->arena, next->conn_prev, watch->conn_prev);
    }
    XS_SET(store->arena, *(prev ? &prev->conn_next : &conn->watches), watch->conn_next);
    next = xs_at(store->arena, watch->path_next);
    prev = xs_at(store->arena, watch->path_prev);
    if (next) {
        XS_SET(store->arena, next->path_prev, watch->path_prev);
    }
    XS_SET(store->arena, *(prev ? &prev->path_next : list_of(store, watch->text)),
           watch->path_next);
    XS_SET(store->arena, conn->nr_watches, conn->nr_watches - 1);
    XS_SET(store->arena, store->state->nr_watches, store->state->nr_watches - 1);
    if (watch->text[0] == '/') {
        prune(store, watch->text);
    }
    xs_free(store->arena, xs_ref_of(store->arena, watch));
}

int xs_watch_remove(struct xs_store *store, struct xs_conn *conn, const char *path,
                    const char *token)
{
    struct xs_watch *watch =
        find_in(store, list_of(store, path), xs_ref_of(store->arena, conn), path, token);

    if (!watch) {
        return -ENOENT;
    }
    xs_watch_drop(store, watch);
    return 0;
}

/* A client hears of a node that it may read, or whose parent it may read. */
static bool may_know(const struct xs_store *store, const struct xs_conn *conn, xs_ref root,
                     const char *path)
{
    char *parent = store->scratch->event;
    xs_ref ref;

    if (xs_is_privileged(conn)) {
        return true;
    }
    ref = xs_tree_find(&store->forest, root, path);
    if (!ref) {
        return false;
    }
    if (xs_perms_bits(store, conn, xs_store_node(store, ref)->perms) & XS_PERM_READ) {
        return true;
    }
    memcpy(parent, path, strlen(path) + 1);
    parent[xs_path_parent(path)] = 0;
    ref = path[1] ? xs_tree_find(&store->forest, root, parent) : 0;
    return ref && (xs_perms_bits(store, conn, xs_store_node(store, ref)->perms) & XS_PERM_READ);
}

static int fire_list(struct xs_store *store, xs_ref first, xs_ref root, const char *path)
{
    int rc = 0;

    for (xs_ref ref = first; ref && rc == 0;) {
        struct xs_watch *watch = xs_at(store->arena, ref);
        struct xs_conn *conn = xs_conn_at(store, watch->conn);

        if (may_know(store, conn, root, path)) {
            rc = xs_send_event(store, conn, watch, path);
        }
        ref = watch->path_next;
    }
    return rc;
}

int xs_fire(struct xs_store *store, xs_ref root, const char *path)
{
    const struct xs_node *node = xs_store_node(store, store->state->watches);
    const char *rest = path;
    int rc = fire_list(store, node->value, root, path);

    for (size_t len; rc == 0 && (len = xs_path_step(&rest)) > 0; rest += len) {
        node = xs_store_node(store, xs_child_find(&store->forest, node, rest, len));
        if (!node) {
            break;
        }
        rc = fire_list(store, node->value, root, path);
    }
    return rc;
}

int xs_fire_removed(struct xs_store *store, xs_ref root, const char *path)
{
    struct xs_walk *walk = &store->scratch->inner;
    xs_ref at = xs_tree_find(&store->forest, store->state->watches, path);
    bool skip;
    int rc = xs_fire(store, root, path);

    if (!at || rc) {
        return rc;
    }
    xs_walk_start(walk, &store->forest, at, path);
    for (at = xs_walk_next(walk, false); at && rc == 0; at = xs_walk_next(walk, skip)) {
        skip = !xs_tree_find(&store->forest, root, walk->path);
        if (!skip) {
            rc = fire_list(store, xs_store_node(store, at)->value, root, walk->path);
        }
    }
    return rc;
}

int xs_fire_special(struct xs_store *store, unsigned int special)
{
    int rc = 0;

    for (xs_ref ref = store->state->special[special]; ref && rc == 0;) {
        struct xs_watch *watch = xs_at(store->arena, ref);
        struct xs_conn *conn = xs_conn_at(store, watch->conn);

        if (xs_perms_bits(store, conn, store->state->special_perms[special]) & XS_PERM_READ) {
            rc = xs_send_event(store, conn, watch, specials[special]);
        }
        ref = watch->path_next;
    }
    return rc;
}
