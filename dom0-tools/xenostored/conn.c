/* SPDX-License-Identifier: MIT */
/*
 * Connections and the messages that wait for their clients.
 * Invariant: what a client without privilege can make wait is bounded; one that lets it pile up is marked broken, and the
 * client whose write caused the event does not suffer for it.
 */
#include "xenostored/internal.h"

#include <string.h>

/* Who does not read this much of replies gets no further ones. */
#define WAIT_BYTES 65536u
/* dom0's clients may be behind by more: a thousand domains that end fire as many events at each of them. */
#define PRIVILEGED_FACTOR 64u
/* Waiting messages that a new event is compared with: all that a guest may have. */
#define LOOK_BACK 1024u

xs_ref xs_conn_new(struct xs_store *store, uint16_t domid, enum xs_conn_kind kind,
                   unsigned int flags)
{
    struct xs_state *state = store->state;
    xs_ref ref = xs_alloc(store->arena, sizeof(struct xs_conn));
    struct xs_conn *conn = xs_at(store->arena, ref);
    struct xs_conn *next = xs_at(store->arena, state->conns);

    if (!conn) {
        return 0;
    }
    memset(conn, 0, sizeof(*conn));
    conn->id = state->next_conn;
    conn->domid = domid;
    conn->target = domid;
    conn->kind = (uint8_t)kind;
    conn->flags = (uint8_t)flags;
    conn->next = state->conns;
    if (next) {
        XS_SET(store->arena, next->prev, ref);
    }
    XS_SET(store->arena, state->conns, ref);
    XS_SET(store->arena, state->next_conn, state->next_conn + 1);
    XS_SET(store->arena, state->nr_conns, state->nr_conns + 1);
    return ref;
}

xs_ref xs_conn_open(struct xs_store *store, uint16_t domid, unsigned int flags)
{
    xs_ref ref = xs_conn_new(store, domid, XS_CONN_SOCKET, flags);

    if (ref) {
        xs_commit(store->arena);
    } else {
        xs_rollback(store->arena);
    }
    return ref;
}

/* Small enough that the notes of one call fit without asking for more. */
#define STRIP_STEPS 8

bool xs_conn_strip(struct xs_store *store, struct xs_conn *conn, bool messages)
{
    for (int i = 0; i < STRIP_STEPS; i++) {
        if (!xs_reserve(store->arena)) {
            return true; /* a commit makes room */
        }
        if (conn->txs) {
            xs_tx_drop(store, conn, xs_at(store->arena, conn->txs));
        } else if (conn->watches) {
            xs_watch_drop(store, xs_at(store->arena, conn->watches));
        } else if (messages && conn->out_first) {
            struct xs_message *message = xs_at(store->arena, conn->out_first);

            XS_SET(store->arena, conn->out_first, message->next);
            xs_free(store->arena, xs_ref_of(store->arena, message));
        } else {
            return false;
        }
    }
    return true;
}

void xs_conn_close(struct xs_store *store, xs_ref ref)
{
    struct xs_conn *conn = xs_conn_at(store, ref);
    struct xs_conn *next;
    struct xs_conn *prev;

    while (xs_conn_strip(store, conn, true)) {
        xs_commit(store->arena);
    }
    next = xs_at(store->arena, conn->next);
    prev = xs_at(store->arena, conn->prev);
    if (next) {
        XS_SET(store->arena, next->prev, conn->prev);
    }
    XS_SET(store->arena, *(prev ? &prev->next : &store->state->conns), conn->next);
    XS_SET(store->arena, store->state->nr_conns, store->state->nr_conns - 1);
    if (conn->in_block) {
        xs_free(store->arena, conn->in_block);
    }
    xs_free(store->arena, ref);
    xs_commit(store->arena);
}

static void tell_host(struct xs_store *store, struct xs_conn *conn)
{
    if (store->host && store->host->ready) {
        store->host->ready(store, conn);
    }
}

static int queue(struct xs_store *store, struct xs_conn *conn, const struct xsd_sockmsg *header,
                 const void *data, uint32_t hash)
{
    xs_ref ref = xs_alloc(store->arena, sizeof(struct xs_message) + sizeof(*header) + header->len);
    struct xs_message *message = xs_at(store->arena, ref);
    struct xs_message *last = xs_at(store->arena, conn->out_last);

    if (!message) {
        return -ENOMEM;
    }
    *message = (struct xs_message){.len = (uint32_t)sizeof(*header) + header->len, .hash = hash};
    memcpy(message->bytes, header, sizeof(*header));
    memcpy(message->bytes + sizeof(*header), data, header->len);
    if (conn->out_first) {
        XS_SET(store->arena, last->next, ref);
    } else {
        XS_SET(store->arena, conn->out_first, ref);
    }
    XS_SET(store->arena, conn->out_last, ref);
    XS_SET(store->arena, conn->out_bytes, conn->out_bytes + message->len);
    if (hash) {
        XS_SET(store->arena, conn->nr_events, conn->nr_events + 1);
    }
    tell_host(store, conn);
    return 0;
}

int xs_send(struct xs_store *store, struct xs_conn *conn, const struct xsd_sockmsg *header,
            const void *data, size_t len)
{
    struct xsd_sockmsg reply = *header;

    reply.len = (uint32_t)len;
    return queue(store, conn, &reply, data, 0);
}

static uint32_t hash_bytes(const char *bytes, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
    }
    return hash | 1;
}

/* The same event waits, and not a byte of it is sent. */
static bool waits_already(const struct xs_store *store, const struct xs_conn *conn,
                          const char *event, size_t len, uint32_t hash)
{
    unsigned int looked_at = 0;

    for (xs_ref ref = conn->out_first; ref && looked_at < LOOK_BACK; looked_at++) {
        const struct xs_message *message = xs_at(store->arena, ref);

        if (message->hash == hash && message->len == sizeof(struct xsd_sockmsg) + len &&
            (ref != conn->out_first || conn->out_done == 0) &&
            memcmp(message->bytes + sizeof(struct xsd_sockmsg), event, len) == 0) {
            return true;
        }
        ref = message->next;
    }
    return false;
}

int xs_send_event(struct xs_store *store, struct xs_conn *conn, const struct xs_watch *watch,
                  const char *path)
{
    uint32_t factor = xs_is_privileged(conn) ? PRIVILEGED_FACTOR : 1;
    struct xsd_sockmsg header = {.type = XS_WATCH_EVENT};
    char *event = store->scratch->event;
    size_t path_len = strlen(path) + 1 - watch->skip;
    size_t len = path_len + watch->token_len + 1u;
    uint32_t hash;

    /* Too long for a message: the client could not have asked for it with so long a token had it known the path. */
    if (len > XENSTORE_PAYLOAD_MAX || (conn->flags & XS_CONN_BROKEN)) {
        return 0;
    }
    memcpy(event, path + watch->skip, path_len);
    memcpy(event + path_len, watch->text + watch->path_len + 1, watch->token_len + 1u);
    hash = hash_bytes(event, len);
    if (conn->nr_events && waits_already(store, conn, event, len, hash)) {
        return 0;
    }
    if (conn->nr_events >= store->state->quota.events * factor ||
        conn->out_bytes >= store->state->quota.out_bytes * factor) {
        XS_SET(store->arena, conn->flags, conn->flags | XS_CONN_BROKEN);
        tell_host(store, conn);
        return 0;
    }
    header.len = (uint32_t)len;
    return queue(store, conn, &header, event, hash);
}

bool xs_conn_must_wait(const struct xs_store *store, const struct xs_conn *conn)
{
    (void)store;
    return conn->out_bytes >= WAIT_BYTES || (conn->flags & XS_CONN_BROKEN);
}

size_t xs_conn_output(const struct xs_store *store, const struct xs_conn *conn, const char **bytes)
{
    const struct xs_message *message = xs_at(store->arena, conn->out_first);

    if (!message) {
        return 0;
    }
    *bytes = message->bytes + conn->out_done;
    return message->len - conn->out_done;
}

void xs_conn_sent(struct xs_store *store, struct xs_conn *conn, size_t n)
{
    uint32_t left = (uint32_t)n;

    XS_SET(store->arena, conn->out_bytes, conn->out_bytes - left);
    XS_SET(store->arena, conn->out_pos, conn->out_pos + left);
    while (left) {
        struct xs_message *message = xs_at(store->arena, conn->out_first);
        uint32_t part = MIN(left, message->len - conn->out_done);

        left -= part;
        if (conn->out_done + part < message->len) {
            XS_SET(store->arena, conn->out_done, conn->out_done + part);
            continue;
        }
        XS_SET(store->arena, conn->out_first, message->next);
        XS_SET(store->arena, conn->out_done, 0);
        if (message->hash) {
            XS_SET(store->arena, conn->nr_events, conn->nr_events - 1);
        }
        xs_free(store->arena, xs_ref_of(store->arena, message));
    }
    xs_commit(store->arena);
}
