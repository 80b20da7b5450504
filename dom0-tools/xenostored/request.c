/* SPDX-License-Identifier: MIT */
/*
 * Requests: a table of operations, each checks its arguments, does its work in the view that the request names, and
 * replies. An operation that fails has done nothing: its scope is rolled back, and the error is the reply.
 */
#include <string.h>

#include "xenostored/internal.h"

#include <stdio.h>
#include <stdlib.h>

int xs_reply(struct xs_call *call, const void *data, size_t len)
{
    struct xsd_sockmsg header = *call->header;

    call->replied = true;
    return xs_send(call->view.store, call->view.conn, &header, data, len);
}

int xs_reply_ok(struct xs_call *call)
{
    return xs_reply(call, "OK", 3);
}

static int reply_error(struct xs_store *store, struct xs_conn *conn,
                       const struct xsd_sockmsg *header, int error)
{
    struct xsd_sockmsg reply = *header;
    const char *name = xs_error_name(error);

    reply.type = XS_ERROR;
    return xs_send(store, conn, &reply, name, strlen(name) + 1);
}

/* Bytes of "/local/domain/N" in path, for the connection's own relative paths. */
static size_t home(const struct xs_conn *conn, char *path, size_t size)
{
    return (size_t)snprintf(path, size, "/local/domain/%u", conn->domid);
}

/* The absolute form of a name, in the scratch memory: -EINVAL if there is none. */
static int full_path(struct xs_call *call, const char *name, const char **path)
{
    char *buf = call->view.store->scratch->path;
    size_t at = 0;
    size_t len;

    /* Special names are for watches and permissions alone. */
    if (!name || !name[0] || name[0] == '@') {
        return -EINVAL;
    }
    if (name[0] != '/') {
        at = home(call->view.conn, buf, XENSTORE_ABS_PATH_MAX);
        buf[at++] = '/';
    }
    len = strnlen(name, XENSTORE_ABS_PATH_MAX + 1);
    if (at + len > XENSTORE_ABS_PATH_MAX) {
        return -EINVAL;
    }
    memcpy(buf + at, name, len);
    buf[at + len] = 0;
    *path = buf;
    return xs_path_valid(buf) ? 0 : -EINVAL;
}

/* The node that the only argument names. */
static int find_one(struct xs_call *call, unsigned int bits, struct xs_node **node)
{
    const char *path;
    int rc = full_path(call, xs_one_string(call->payload, call->len), &path);

    return rc ? rc : xs_view_find(&call->view, path, bits, node);
}

static int op_read(struct xs_call *call)
{
    struct xs_node *node;
    int rc = find_one(call, XS_PERM_READ, &node);
    const struct xs_block *value;

    if (rc) {
        return rc;
    }
    value = xs_at(call->view.store->arena, node->value);
    return xs_reply(call, value ? value->data : "", node->value_len);
}

/* Names from a byte offset of the whole list on, as many as fit; *end: there are no more. */
static size_t put_names(const struct xs_store *store, const struct xs_node *node, size_t offset,
                        char *buf, size_t size, bool *end)
{
    const struct xs_node *child = xs_child_next(&store->forest, node, NULL, 0);
    size_t skipped = 0;
    size_t len = 0;

    while (child && skipped + child->name_len < offset) {
        skipped += child->name_len + 1u;
        child = xs_child_next(&store->forest, node, child->name, child->name_len);
    }
    while (child && len + child->name_len + 1u <= size) {
        memcpy(buf + len, child->name, child->name_len);
        buf[len + child->name_len] = 0;
        len += child->name_len + 1u;
        child = xs_child_next(&store->forest, node, child->name, child->name_len);
    }
    *end = !child;
    return len;
}

static int op_directory(struct xs_call *call)
{
    char *reply = call->view.store->scratch->reply;
    struct xs_node *node;
    bool end;
    int rc = find_one(call, XS_PERM_READ, &node);

    if (rc) {
        return rc;
    }
    if (node->child_bytes > XENSTORE_PAYLOAD_MAX) {
        return -E2BIG;
    }
    return xs_reply(call, reply,
                    put_names(call->view.store, node, 0, reply, XENSTORE_PAYLOAD_MAX, &end));
}

static int op_directory_part(struct xs_call *call)
{
    char *reply = call->view.store->scratch->reply;
    const char *words[2];
    const char *path;
    struct xs_node *node;
    int64_t offset;
    size_t len;
    bool end;
    int rc;

    if (xs_strings(call->payload, call->len, words, 2) != 2 ||
        !xs_number_parse(words[1], &offset) || offset < 0) {
        return -EINVAL;
    }
    rc = full_path(call, words[0], &path);
    rc = rc ? rc : xs_view_find(&call->view, path, XS_PERM_READ, &node);
    if (rc) {
        return rc;
    }
    len = (size_t)snprintf(reply, 24, "%llu", (unsigned long long)node->gen) + 1;
    if ((uint64_t)offset >= node->child_bytes) {
        reply[len++] = 0; /* an empty name: the end */
        return xs_reply(call, reply, len);
    }
    len += put_names(call->view.store, node, (size_t)offset, reply + len,
                     XENSTORE_PAYLOAD_MAX - 1 - len, &end);
    if (end) {
        reply[len++] = 0;
    }
    return xs_reply(call, reply, len);
}

static int op_write(struct xs_call *call)
{
    const char *words[1];
    const char *path;
    size_t name_len;
    int rc;

    if (xs_strings(call->payload, call->len, words, 1) < 1) {
        return -EINVAL;
    }
    name_len = strlen(words[0]) + 1;
    rc = full_path(call, words[0], &path);
    rc = rc ? rc : xs_view_write(&call->view, path, call->payload + name_len, call->len - name_len);
    return rc ? rc : xs_reply_ok(call);
}

static int op_mkdir(struct xs_call *call)
{
    const char *path;
    int rc = full_path(call, xs_one_string(call->payload, call->len), &path);

    rc = rc ? rc : xs_view_mkdir(&call->view, path);
    return rc ? rc : xs_reply_ok(call);
}

static int op_rm(struct xs_call *call)
{
    const char *path;
    int rc = full_path(call, xs_one_string(call->payload, call->len), &path);

    rc = rc ? rc : xs_view_remove(&call->view, path);
    return rc ? rc : xs_reply_ok(call);
}

static int op_get_perms(struct xs_call *call)
{
    struct xs_store *store = call->view.store;
    const char *name = xs_one_string(call->payload, call->len);
    int special = name && name[0] == '@' ? xs_special_index(name) : -1;
    const struct xs_block *block;
    const struct xs_perms *perms;
    struct xs_node *node;
    size_t len = 0;
    xs_ref ref;
    unsigned int nr;
    int rc;

    if (special >= 0) {
        ref = store->state->special_perms[special];
        rc = xs_perms_bits(store, call->view.conn, ref) & XS_PERM_READ ? 0 : -EACCES;
    } else {
        rc = name && name[0] == '@' ? -EINVAL : find_one(call, XS_PERM_READ, &node);
        ref = rc ? 0 : node->perms;
    }
    if (rc) {
        return rc;
    }
    block = xs_at(store->arena, ref);
    perms = (const struct xs_perms *)block->data;
    nr = xs_perms_count(store, ref);
    for (unsigned int i = 0; i < nr && len + XS_PERM_TEXT <= XENSTORE_PAYLOAD_MAX; i++) {
        struct xs_perm entry = perms->entry[i];

        entry.domid = i ? entry.domid : xs_perms_owner(store, ref);
        len += xs_perm_print(entry, store->scratch->reply + len);
    }
    return xs_reply(call, store->scratch->reply, len);
}

static int set_special_perms(struct xs_call *call, int special, const struct xs_perm *entries,
                             unsigned int nr)
{
    struct xs_store *store = call->view.store;
    xs_ref perms;

    if (special < 0) {
        return -EINVAL;
    }
    if (!xs_is_privileged(call->view.conn)) {
        return -EACCES;
    }
    for (unsigned int i = 0; i < nr; i++) {
        struct xs_domain *domain;
        int rc = xs_domain_get(store, entries[i].domid, &domain);

        if (rc && (i == 0 || rc != -ENOENT)) {
            return rc;
        }
    }
    perms = xs_perms_new(store, entries, nr);
    if (!perms) {
        return -ENOMEM;
    }
    xs_next_gen(store);
    xs_block_put(&store->forest, store->state->special_perms[special]);
    XS_SET(store->arena, store->state->special_perms[special], perms);
    return xs_reply_ok(call);
}

/* More permissions than fit into a message of the shortest ones cannot come. */
#define PERMS_MAX (XENSTORE_PAYLOAD_MAX / 3)

static int op_set_perms(struct xs_call *call)
{
    struct xs_store *store = call->view.store;
    struct xs_perm *entries = (struct xs_perm *)store->scratch->reply;
    unsigned int nr = xs_strings(call->payload, call->len, NULL, 0);
    const char *word = call->payload;
    const char *path;
    int rc;

    if (nr < 2) {
        return -EINVAL;
    }
    nr--;
    if (!xs_is_privileged(call->view.conn) && nr > store->state->quota.perms) {
        return -ENOSPC;
    }
    if (nr * sizeof(*entries) > sizeof(store->scratch->reply)) {
        return -E2BIG;
    }
    for (unsigned int i = 0; i < nr; i++) {
        word += strlen(word) + 1;
        if (!xs_perm_parse(word, &entries[i])) {
            return -EINVAL;
        }
    }
    if (call->payload[0] == '@') {
        return set_special_perms(call, xs_special_index(call->payload), entries, nr);
    }
    rc = full_path(call, call->payload, &path);
    rc = rc ? rc : xs_view_set_perms(&call->view, path, entries, nr);
    return rc ? rc : xs_reply_ok(call);
}

/* The path that a watch is for, and how much of an event's path its client does not see. */
static int watch_path(struct xs_call *call, const char *name, const char **path, unsigned int *skip)
{
    char *buf = call->view.store->scratch->path;

    *skip = 0;
    if (name[0] == '@') {
        /* One that means nothing here may do so to another version: it is kept, and never fires. */
        *path = name;
        return strlen(name) <= XENSTORE_REL_PATH_MAX ? 0 : -EINVAL;
    }
    if (name[0] != '/') {
        *skip = (unsigned int)home(call->view.conn, buf, XENSTORE_ABS_PATH_MAX) + 1;
    }
    return full_path(call, name, path);
}

static int op_watch(struct xs_call *call)
{
    struct xs_store *store = call->view.store;
    const char *words[2];
    const char *path;
    unsigned int skip;
    int rc;

    if (xs_strings(call->payload, call->len, words, 2) != 2) {
        return -EINVAL;
    }
    rc = watch_path(call, words[0], &path, &skip);
    rc = rc ? rc : xs_watch_add(store, call->conn_ref, path, words[1], skip);
    rc = rc ? rc : xs_reply_ok(call);
    /* It fires once at once, so that a client need not read before and again after. It is the newest of its client. */
    return rc ? rc
              : xs_send_event(store, call->view.conn, xs_at(store->arena, call->view.conn->watches),
                              path);
}

static int op_unwatch(struct xs_call *call)
{
    const char *words[2];
    const char *path;
    unsigned int skip;
    int rc;

    if (xs_strings(call->payload, call->len, words, 2) != 2) {
        return -EINVAL;
    }
    rc = watch_path(call, words[0], &path, &skip) ? -ENOENT : 0;
    rc = rc ? rc : xs_watch_remove(call->view.store, call->view.conn, path, words[1]);
    return rc ? rc : xs_reply_ok(call);
}

static int op_reset_watches(struct xs_call *call)
{
    while (xs_conn_strip(call->view.store, call->view.conn, false)) {
        if (!xs_reserve(call->view.store->arena)) {
            return -ENOSPC;
        }
    }
    return xs_reply_ok(call);
}

static int op_transaction_start(struct xs_call *call)
{
    char text[12];
    uint32_t id;
    int rc = call->view.tx ? -EBUSY : xs_tx_start(call->view.store, call->view.conn, &id);

    return rc ? rc
              : xs_reply(call, text,
                         (size_t)snprintf(text, sizeof(text), "%u", (unsigned int)id) + 1);
}

static int op_transaction_end(struct xs_call *call)
{
    struct xs_view *view = &call->view;
    const char *what = xs_one_string(call->payload, call->len);
    int rc = 0;

    if (!what || (strcmp(what, "T") != 0 && strcmp(what, "F") != 0)) {
        return -EINVAL;
    }
    if (!view->tx) {
        return -ENOENT;
    }
    if (*what == 'T') {
        rc = xs_tx_commit(view);
    }
    if (rc && rc != -EAGAIN) {
        return rc;
    }
    if (!xs_reserve(view->store->arena)) {
        return -ENOSPC;
    }
    xs_tx_drop(view->store, view->conn, view->tx);
    /* A conflict ends the transaction as well: the error is an effect to be kept. */
    call->replied = rc != 0;
    return rc ? reply_error(view->store, view->conn, call->header, EAGAIN) : xs_reply_ok(call);
}

#define NO_TX 1u /* the transaction's id is not looked at */
#define PRIV  2u
#define READS 4u /* allowed on the read-only socket */

static const struct {
    int (*run)(struct xs_call *call);
    unsigned int flags;
} ops[] = {
    [XS_CONTROL] = {xs_op_control, PRIV},
    [XS_DIRECTORY] = {op_directory, READS},
    [XS_READ] = {op_read, READS},
    [XS_GET_PERMS] = {op_get_perms, READS},
    [XS_WATCH] = {op_watch, NO_TX | READS},
    [XS_UNWATCH] = {op_unwatch, NO_TX | READS},
    [XS_TRANSACTION_START] = {op_transaction_start, READS},
    [XS_TRANSACTION_END] = {op_transaction_end, READS},
    [XS_INTRODUCE] = {xs_op_introduce, PRIV},
    [XS_RELEASE] = {xs_op_release, PRIV},
    [XS_GET_DOMAIN_PATH] = {xs_op_get_domain_path, READS},
    [XS_WRITE] = {op_write, 0},
    [XS_MKDIR] = {op_mkdir, 0},
    [XS_RM] = {op_rm, 0},
    [XS_SET_PERMS] = {op_set_perms, 0},
    [XS_IS_DOMAIN_INTRODUCED] = {xs_op_is_introduced, PRIV | READS},
    [XS_RESUME] = {xs_op_resume, PRIV},
    [XS_SET_TARGET] = {xs_op_set_target, PRIV},
    [XS_RESET_WATCHES] = {op_reset_watches, READS},
    [XS_DIRECTORY_PART] = {op_directory_part, READS},
};

static int run(struct xs_call *call)
{
    struct xs_view *view = &call->view;
    uint32_t type = call->header->type;
    unsigned int flags;

    if (type >= ARRAY_SIZE(ops) || !ops[type].run) {
        return -ENOSYS;
    }
    flags = ops[type].flags;
    if ((flags & PRIV) && !xs_is_privileged(view->conn)) {
        return -EACCES;
    }
    if (!(flags & READS) && (view->conn->flags & XS_CONN_READ_ONLY)) {
        return -EROFS;
    }
    if (call->header->tx_id && !(flags & NO_TX)) {
        view->tx = xs_tx_find(view->store, view->conn, call->header->tx_id);
        if (!view->tx) {
            return -ENOENT;
        }
        view->root = &view->tx->root;
    }
    return ops[type].run(call);
}

/* The ring's bytes are taken in the same scope as the request has its effect. */
static void take(struct xs_store *store, struct xs_conn *conn, uint32_t bytes)
{
    if (bytes) {
        XS_SET(store->arena, conn->in_pos, conn->in_pos + bytes);
    }
    if (conn->in_block) {
        xs_free(store->arena, conn->in_block);
        XS_SET(store->arena, conn->in_block, 0);
        XS_SET(store->arena, conn->in_len, 0);
    }
}

/* That something is missing or forbidden is knowledge as well: a transaction depends on it from then on. */
static void note_failure(struct xs_view *view)
{
    struct xs_node *node;
    int rc;

    if (!view->tx || !view->looked_at) {
        return;
    }
    rc = xs_view_find(view, view->looked_at, view->looked_for, &node);
    if (rc == -ENOMEM || rc == -ENOSPC) {
        xs_rollback(view->store->arena);
    } else {
        xs_commit(view->store->arena);
    }
}

bool xs_request(struct xs_store *store, xs_ref conn_ref, const struct xsd_sockmsg *header,
                const char *payload, uint32_t taken)
{
    struct xs_conn *conn = xs_conn_at(store, conn_ref);
    struct xs_call call = {
        .view = {.store = store, .conn = conn, .root = &store->state->root},
        .conn_ref = conn_ref,
        .header = header,
        .payload = payload,
        .len = header->len,
    };
    int rc;

    if (header->len > XENSTORE_PAYLOAD_MAX) {
        return false;
    }
    take(store, conn, taken);
    rc = run(&call);
    if (rc) {
        xs_rollback(store->arena);
        note_failure(&call.view);
        take(store, conn, taken);
        rc = reply_error(store, conn, header, -rc);
    }
    if (rc) {
        xs_rollback(store->arena);
        return false; /* no memory even for an error */
    }
    xs_commit(store->arena);
    return true;
}
