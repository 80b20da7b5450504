/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the store share: a view of a tree (the committed one, or a transaction's), domains, watches, messages.
 * Invariant: every function here is called inside of a scope and leaves it open; on an error the scope is rolled back.
 */
#ifndef XENOSTORED_INTERNAL_H
#define XENOSTORED_INTERNAL_H

#include "xenostored/store.h"

#include "common/errno.h"

/* Per process, reused by every request. */
struct xs_scratch {
    struct xs_walk walk, inner; /* walks may nest once */
    char path[XENSTORE_ABS_PATH_MAX + 64];
    char parent[XENSTORE_ABS_PATH_MAX + 64];
    char reply[XENSTORE_PAYLOAD_MAX + 64];
    char event[XENSTORE_PAYLOAD_MAX + 64];
};

/* Who asks, and in which tree. */
struct xs_view {
    struct xs_store *store;
    struct xs_conn *conn;
    struct xs_tx *tx; /* NULL: the committed tree */
    xs_ref *root;
    const char *looked_at; /* what xs_view_find() was asked last */
    unsigned int looked_for;
};

static inline struct xs_node *xs_store_node(const struct xs_store *store, xs_ref ref)
{
    return xs_node_at(&store->forest, ref);
}

static inline uint64_t xs_next_gen(struct xs_store *store)
{
    XS_SET(store->arena, store->state->gen, store->state->gen + 1);
    return store->state->gen;
}

static inline bool xs_is_privileged(const struct xs_conn *conn)
{
    return conn->flags & XS_CONN_PRIVILEGED;
}

/* domain.c */
struct xs_domain *xs_domain_find(const struct xs_store *store, uint16_t domid);
/* The domain, made known if the host says that it exists: -ENOENT, -ENOMEM. */
int xs_domain_get(struct xs_store *store, uint16_t domid, struct xs_domain **domain) __must_check;
unsigned int xs_perms_bits(const struct xs_store *store, const struct xs_conn *conn, xs_ref perms);
/* The owner today: dom0 for what a domain left that is gone. */
uint16_t xs_perms_owner(const struct xs_store *store, xs_ref perms);
unsigned int xs_perms_count(const struct xs_store *store, xs_ref perms);
xs_ref xs_perms_new(struct xs_store *store, const struct xs_perm *entries,
                    unsigned int nr) __must_check;
int xs_domain_drop(struct xs_store *store, struct xs_domain *domain) __must_check;

/* node.c: operations of a view. Paths are valid. All: 0 or -errno. */
int xs_view_find(struct xs_view *view, const char *path, unsigned int bits,
                 struct xs_node **node) __must_check;
int xs_view_write(struct xs_view *view, const char *path, const char *data,
                  size_t len) __must_check;
int xs_view_mkdir(struct xs_view *view, const char *path) __must_check;
int xs_view_remove(struct xs_view *view, const char *path) __must_check;
int xs_view_set_perms(struct xs_view *view, const char *path, const struct xs_perm *entries,
                      unsigned int nr) __must_check;
int xs_count_nodes(struct xs_view *view, uint16_t domid, int change) __must_check;
/* Account for and unlink an existing subtree other than the root. */
int xs_view_unlink(struct xs_view *view, const char *path) __must_check;

/* tx.c */
int xs_tx_start(struct xs_store *store, struct xs_conn *conn, uint32_t *id) __must_check;
struct xs_tx *xs_tx_find(const struct xs_store *store, const struct xs_conn *conn, uint32_t id);
/* Note the use of a path; the view's tree may be another one afterwards. */
int xs_tx_use(struct xs_view *view, const char *path, unsigned int how) __must_check;
/* -EAGAIN on a conflict; else the changes are everybody's and the watches fire. */
int xs_tx_commit(struct xs_view *view) __must_check;
void xs_tx_drop(struct xs_store *store, struct xs_conn *conn, struct xs_tx *tx);
/* Let a transaction follow the committed tree, or mark its conflict. */
int xs_tx_follow(struct xs_store *store, struct xs_tx *tx) __must_check;

/* watch.c */
struct xs_watch {
    xs_ref conn;
    xs_ref conn_next, conn_prev;
    xs_ref path_next, path_prev; /* watches of the same path */
    uint16_t path_len, token_len;
    uint16_t
        skip; /* bytes of an event's path that the client does not see: it gave a relative path */
    uint8_t special; /* index + 1 of a special event */
    uint8_t unused;
    char text[]; /* path and token, each with its zero */
};
/* special: index or -1. */
int xs_special_index(const char *name);
int xs_watch_add(struct xs_store *store, xs_ref conn, const char *path, const char *token,
                 unsigned int skip) __must_check;
/* -ENOENT. */
int xs_watch_remove(struct xs_store *store, struct xs_conn *conn, const char *path,
                    const char *token) __must_check;
void xs_watch_drop(struct xs_store *store, struct xs_watch *watch);
/* Fire for a path that was written, in the tree at root. */
int xs_fire(struct xs_store *store, xs_ref root, const char *path) __must_check;
/* Fire for a subtree that is about to go from the tree at root: watches above, at and below the path. */
int xs_fire_removed(struct xs_store *store, xs_ref root, const char *path) __must_check;
int xs_fire_special(struct xs_store *store, unsigned int special) __must_check;

/* conn.c */
int xs_send(struct xs_store *store, struct xs_conn *conn, const struct xsd_sockmsg *header,
            const void *data, size_t len) __must_check;
/* An event is left out if the same one waits already. */
int xs_send_event(struct xs_store *store, struct xs_conn *conn, const struct xs_watch *watch,
                  const char *path) __must_check;
xs_ref xs_conn_new(struct xs_store *store, uint16_t domid, enum xs_conn_kind kind,
                   unsigned int flags) __must_check;
/* Drop watches, transactions and, if asked, messages, some at a time; true if there are more. */
bool xs_conn_strip(struct xs_store *store, struct xs_conn *conn, bool messages);

/* request.c, introduce.c, control.c */
struct xs_call {
    struct xs_view view;
    xs_ref conn_ref;
    const struct xsd_sockmsg *header;
    const char *payload;
    size_t len;
    bool replied;
};
int xs_reply(struct xs_call *call, const void *data, size_t len) __must_check;
int xs_reply_ok(struct xs_call *call) __must_check;
int xs_op_introduce(struct xs_call *call) __must_check;
int xs_op_release(struct xs_call *call) __must_check;
int xs_op_resume(struct xs_call *call) __must_check;
int xs_op_set_target(struct xs_call *call) __must_check;
int xs_op_is_introduced(struct xs_call *call) __must_check;
int xs_op_get_domain_path(struct xs_call *call) __must_check;
int xs_op_control(struct xs_call *call) __must_check;

#endif
