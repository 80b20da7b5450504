/* SPDX-License-Identifier: MIT */
/*
 * Rings. The other side may write anything into the page at any time: each index is read once, bytes are copied before they
 * are looked at, and our own indices are never read back.
 * Invariant: whatever is there is taken, a message whole if it is whole, else piece by piece into a block of the arena. For a
 * domain's kernel may write a message in pieces, and notify only if the piece before has been taken (Linux does both).
 */
#include "xenostored/ring.h"

#include <string.h>

#include "xenostored/internal.h"

#define HEADER      ((uint32_t)sizeof(struct xsd_sockmsg))
#define MESSAGE_MAX (HEADER + XENSTORE_PAYLOAD_MAX)

static uint32_t read_index(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void write_index(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static void copy_out(char *to, const char *ring, uint32_t at, uint32_t bytes)
{
    uint32_t first = MIN(bytes, XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(at));

    memcpy(to, ring + MASK_XENSTORE_IDX(at), first);
    memcpy(to + first, ring, bytes - first);
}

static void copy_in(char *ring, uint32_t at, const char *from, uint32_t bytes)
{
    uint32_t first = MIN(bytes, XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(at));

    memcpy(ring + MASK_XENSTORE_IDX(at), from, first);
    memcpy(ring, from + first, bytes - first);
}

void xs_ring_attach(struct xs_store *store, struct xs_conn *conn,
                    struct xenstore_domain_interface *page, bool fresh)
{
    if (fresh) {
        XS_SET(store->arena, conn->in_pos, read_index(&page->req_cons));
        XS_SET(store->arena, conn->out_pos, read_index(&page->rsp_prod));
    }
    page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
    if (!(conn->flags & XS_CONN_BROKEN)) {
        page->error = XENSTORE_ERROR_NONE;
    }
    write_index(&page->req_cons, conn->in_pos);
    write_index(&page->rsp_prod, conn->out_pos);
}

static void break_off(struct xs_store *store, struct xs_conn *conn,
                      struct xenstore_domain_interface *page, uint32_t error)
{
    xs_rollback(store->arena);
    XS_SET(store->arena, conn->flags, conn->flags | XS_CONN_BROKEN);
    xs_commit(store->arena);
    page->error = error;
}

/* The domain wants to begin anew: nothing of the old connection is left, and both rings are empty. */
static void reconnect(struct xs_store *store, struct xs_conn *conn,
                      struct xenstore_domain_interface *page)
{
    while (xs_conn_strip(store, conn, true)) {
        xs_commit(store->arena);
    }
    if (conn->in_block) {
        xs_free(store->arena, conn->in_block);
    }
    XS_SET(store->arena, conn->in_block, 0);
    XS_SET(store->arena, conn->in_len, 0);
    XS_SET(store->arena, conn->out_last, 0);
    XS_SET(store->arena, conn->out_done, 0);
    XS_SET(store->arena, conn->out_bytes, 0);
    XS_SET(store->arena, conn->nr_events, 0);
    XS_SET(store->arena, conn->in_pos, 0);
    XS_SET(store->arena, conn->out_pos, 0);
    XS_SET(store->arena, conn->flags, (uint8_t)(conn->flags & ~XS_CONN_BROKEN));
    xs_commit(store->arena);
    write_index(&page->req_prod, 0);
    write_index(&page->rsp_cons, 0);
    write_index(&page->req_cons, 0);
    write_index(&page->rsp_prod, 0);
    page->error = XENSTORE_ERROR_NONE;
    write_index(&page->connection, XENSTORE_CONNECTED);
}

/* Some bytes of a message that is not all there, up to `wanted` of it: taken, so that the domain can write on. */
static bool gather(struct xs_store *store, struct xs_conn *conn,
                   struct xenstore_domain_interface *page, uint32_t wanted)
{
    uint32_t there = read_index(&page->req_prod) - conn->in_pos;
    uint32_t left = MIN(wanted - conn->in_len, (uint32_t)XENSTORE_RING_SIZE);
    uint32_t bytes = MIN(left, there);
    xs_ref block = conn->in_block;

    if (!block) {
        block = xs_alloc(store->arena, MESSAGE_MAX);
        if (!block) {
            return false;
        }
        XS_SET(store->arena, conn->in_block, block);
    }
    /* Bytes behind in_len mean nothing, so they need no notes. */
    copy_out((char *)xs_at(store->arena, block) + conn->in_len, page->req, conn->in_pos, bytes);
    XS_SET(store->arena, conn->in_len, conn->in_len + bytes);
    XS_SET(store->arena, conn->in_pos, conn->in_pos + bytes);
    xs_commit(store->arena);
    write_index(&page->req_cons, conn->in_pos);
    return true;
}

enum taken {
    TAKEN_NONE,
    TAKEN_PART,
    TAKEN_ALL,
    TAKEN_BAD
};

static enum taken bad(struct xs_store *store, struct xs_conn *conn,
                      struct xenstore_domain_interface *page, uint32_t error)
{
    break_off(store, conn, page, error);
    return TAKEN_BAD;
}

/* The rest of a message that came in pieces, or what is there of it: first its header, which tells the length. */
static enum taken take_pieces(struct xs_store *store, xs_ref ref,
                              struct xenstore_domain_interface *page)
{
    struct xs_conn *conn = xs_conn_at(store, ref);
    struct xsd_sockmsg head;
    const char *bytes;

    if (conn->in_len < HEADER && !gather(store, conn, page, HEADER)) {
        return bad(store, conn, page, XENSTORE_ERROR_COMM);
    }
    if (conn->in_len < HEADER) {
        return TAKEN_PART;
    }
    bytes = xs_at(store->arena, conn->in_block);
    memcpy(&head, bytes, HEADER);
    if (head.len > XENSTORE_PAYLOAD_MAX) {
        return bad(store, conn, page, XENSTORE_ERROR_PROTO);
    }
    if (conn->in_len < HEADER + head.len && !gather(store, conn, page, HEADER + head.len)) {
        return bad(store, conn, page, XENSTORE_ERROR_COMM);
    }
    if (conn->in_len < HEADER + head.len) {
        return TAKEN_PART;
    }
    return xs_request(store, ref, &head, bytes + HEADER, 0)
               ? TAKEN_ALL
               : bad(store, conn, page, XENSTORE_ERROR_COMM);
}

/* One request, or what is there of one. */
static enum taken take_request(struct xs_store *store, xs_ref ref,
                               struct xenstore_domain_interface *page)
{
    struct xs_conn *conn = xs_conn_at(store, ref);
    uint32_t there = read_index(&page->req_prod) - conn->in_pos;
    char message[XENSTORE_RING_SIZE];
    struct xsd_sockmsg head;

    if (there > XENSTORE_RING_SIZE) {
        return bad(store, conn, page, XENSTORE_ERROR_RINGIDX);
    }
    if (!there) {
        return TAKEN_NONE;
    }
    if (conn->in_len || there < HEADER) {
        return take_pieces(store, ref, page);
    }
    copy_out((char *)&head, page->req, conn->in_pos, HEADER);
    if (head.len > XENSTORE_PAYLOAD_MAX) {
        return bad(store, conn, page, XENSTORE_ERROR_PROTO);
    }
    if (there < HEADER + head.len) {
        return take_pieces(store, ref, page);
    }
    copy_out(message, page->req, conn->in_pos + HEADER, head.len);
    if (!xs_request(store, ref, &head, message, HEADER + head.len)) {
        return bad(store, conn, page, XENSTORE_ERROR_COMM);
    }
    write_index(&page->req_cons, conn->in_pos);
    return TAKEN_ALL;
}

/* What waits, as far as there is room. True if anything was put. */
static bool put_messages(struct xs_store *store, struct xs_conn *conn,
                         struct xenstore_domain_interface *page)
{
    bool any = false;

    for (;;) {
        uint32_t used = conn->out_pos - read_index(&page->rsp_cons);
        const char *bytes;
        size_t len = xs_conn_output(store, conn, &bytes);
        uint32_t part;

        if (used > XENSTORE_RING_SIZE) {
            break_off(store, conn, page, XENSTORE_ERROR_RINGIDX);
            return true;
        }
        part = (uint32_t)MIN(len, (size_t)(XENSTORE_RING_SIZE - used));
        if (!part) {
            return any;
        }
        copy_in(page->rsp, conn->out_pos, bytes, part);
        xs_conn_sent(store, conn, part);
        write_index(&page->rsp_prod, conn->out_pos);
        any = true;
    }
}

bool xs_ring_serve(struct xs_store *store, xs_ref ref, struct xenstore_domain_interface *page,
                   unsigned int turns, bool *more)
{
    struct xs_conn *conn = xs_conn_at(store, ref);
    bool notify = false;

    *more = false;
    if (read_index(&page->connection) == XENSTORE_RECONNECT) {
        reconnect(store, conn, page);
        notify = true;
    }
    while (!(conn->flags & XS_CONN_BROKEN)) {
        enum taken taken = TAKEN_NONE;

        if (turns && !xs_conn_must_wait(store, conn)) {
            taken = take_request(store, ref, page);
            turns -= taken == TAKEN_ALL ? 1 : 0;
            notify |= taken != TAKEN_NONE;
        } else if (!turns) {
            *more = true;
        }
        if (conn->flags & XS_CONN_BROKEN) {
            break;
        }
        notify |= put_messages(store, conn, page);
        if (taken == TAKEN_NONE) {
            break;
        }
    }
    return notify;
}
