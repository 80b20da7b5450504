/* SPDX-License-Identifier: MIT */
/*
 * The store behind the protocol: domains, connections, transactions, watches, all in an arena, so that they outlive the
 * process; and requests over a connection, whatever carries its bytes. No I/O, no globals.
 * Invariant: a request takes effect, with its reply and events queued, as one scope of the arena, or not at all.
 */
#ifndef XENOSTORED_STORE_H
#define XENOSTORED_STORE_H

#include "xenostored/tree.h"
#include "xenostored/wire.h"

#include <xen/io/xs_wire.h>

/* Limits of what an unprivileged domain may hold at a time. Bytes with headers. */
struct xs_quota {
    uint32_t nodes, node_bytes, watches, transactions, tx_nodes, perms, events, out_bytes;
};

enum xs_conn_kind {
    XS_CONN_SOCKET = 1, /* ends with the process that serves it */
    XS_CONN_RING = 2,
};
#define XS_CONN_PRIVILEGED 1u
#define XS_CONN_READ_ONLY  2u
#define XS_CONN_BROKEN     4u /* broke the protocol or does not take its events: to be closed */
#define XS_CONN_ENDED      8u /* a ring whose domain is gone: taken apart by and by */

struct xs_conn {
    xs_ref next, prev;
    uint32_t id;
    uint16_t domid;
    uint16_t target; /* a domain for which it acts as well, or its own */
    uint8_t kind, flags;
    uint16_t unused;
    xs_ref watches, txs;
    uint32_t nr_watches, nr_txs, next_tx;
    xs_ref out_first, out_last; /* struct xs_message */
    uint32_t out_done;          /* bytes of the first one that are sent */
    uint32_t out_bytes, nr_events;
    uint32_t in_pos,
        out_pos;     /* rings: index of the next byte to take, and of the first queued one */
    xs_ref in_block; /* rings: what was taken of a message longer than the ring */
    uint32_t in_len;
    uint32_t slot; /* the host's own: means nothing to the next process */
};

/* A reply or event: a header and its payload. */
struct xs_message {
    xs_ref next;
    uint32_t len;  /* of bytes[] */
    uint32_t hash; /* of an event; 0: a reply */
    uint32_t unused;
    char bytes[];
};

/* A domain that is introduced, or that a permission names. */
struct xs_domain {
    uint64_t born; /* permissions of an older generation mean a former domain with this id */
    int64_t frame; /* of its ring, as its introduction said */
    uint32_t port;
    xs_ref conn;
    uint32_t nr_nodes;
    uint16_t domid;
    bool introduced, shutdown;
};

/* Permissions in a struct xs_block: entry 0 is the owner with what holds for all others. */
struct xs_perms {
    uint64_t gen;
    struct xs_perm entry[];
};

struct xs_tx {
    xs_ref next;
    uint32_t id;
    xs_ref base, root;  /* the tree as it was, and with this transaction's changes */
    xs_ref next_root;   /* while those are made again on another tree */
    xs_ref access;      /* tree of the paths that were used: gen has XS_USED_* */
    xs_ref node_counts; /* struct xs_count: by how much nr_nodes of domains will change */
    uint32_t nr_access;
    bool conflict;
    uint64_t conflict_gen; /* when it was found */
};
#define XS_USED       1u /* a change by somebody else is a conflict */
#define XS_USED_WRITE 2u
#define XS_USED_EVENT 4u /* its watches fire */
#define XS_USED_WIPED 8u /* was removed with all below */

struct xs_count {
    xs_ref next;
    uint16_t domid;
    uint16_t unused;
    int32_t change;
};

#define XS_SPECIALS 2u          /* @introduceDomain, @releaseDomain */
#define XS_UNKNOWN  XS_SPECIALS /* the list of watches of other special names */

/* The arena's root object. */
struct xs_state {
    uint64_t gen;
    xs_ref root;
    xs_ref watches;                  /* tree of watched paths: value is the first struct xs_watch */
    xs_ref special[XS_SPECIALS + 1]; /* their struct xs_watch */
    xs_ref special_perms[XS_SPECIALS];
    xs_ref conns;
    xs_ref garbage;
    uint32_t seed, next_conn, nr_conns, nr_watches, nr_txs, nr_ended;
    uint64_t swept_gen; /* when idle transactions last followed the tree */
    struct xs_quota quota;
    xs_ref domains[XS_DOMIDS / 256 + 1]; /* blocks of 256 references */
};

struct xs_store;

/* The world around; each may be NULL. They are called inside of a scope, last of all checks. */
struct xs_host {
    /* A message was queued, or the connection is broken now. The scope may still be taken back. */
    void (*ready)(struct xs_store *store, struct xs_conn *conn);
    /* Connect a domain's ring: fills in_pos and out_pos. 0 or -errno. */
    int (*introduce)(struct xs_store *store, struct xs_domain *domain, struct xs_conn *conn);
    void (*release)(struct xs_store *store, struct xs_domain *domain);
    bool (*domain_exists)(struct xs_store *store, uint16_t domid);
};

/* The process's handle. Scratch memory is never kept from one request to the next. */
struct xs_store {
    struct xs_arena *arena;
    struct xs_forest forest;
    struct xs_state *state;
    const struct xs_host *host;
    void *host_ctx;
    struct xs_scratch *scratch;
};

/*
 * Open the store in an attached arena, making an empty one at first; seed: an unforeseeable number for a new one. Socket
 * connections of a former process are closed. -ENOMEM, -EINVAL.
 */
int xs_store_open(struct xs_store *store, struct xs_arena *arena, uint32_t seed,
                  const struct xs_host *host, void *host_ctx) __must_check;
void xs_store_close(struct xs_store *store);

/* A connection of a socket; 0 if there is no room. Those of rings are made by XS_INTRODUCE. */
xs_ref xs_conn_open(struct xs_store *store, uint16_t domid, unsigned int flags) __must_check;
/* Drop it with its watches, transactions and messages. */
void xs_conn_close(struct xs_store *store, xs_ref conn);

static inline struct xs_conn *xs_conn_at(const struct xs_store *store, xs_ref ref)
{
    return xs_at(store->arena, ref);
}

/*
 * One request with its payload: a reply is queued, and events wherever they are due. False: the connection has broken the
 * protocol and is to be closed. taken: ring bytes that this request ends (in_pos moves in the same scope), or 0.
 */
bool xs_request(struct xs_store *store, xs_ref conn, const struct xsd_sockmsg *header,
                const char *payload, uint32_t taken);

/* The transport must not take requests now: the client does not read its replies, or is broken. */
bool xs_conn_must_wait(const struct xs_store *store, const struct xs_conn *conn);

/* The next queued bytes; their number, 0 if there are none. */
size_t xs_conn_output(const struct xs_store *store, const struct xs_conn *conn, const char **bytes);
/* n of them are sent. */
void xs_conn_sent(struct xs_store *store, struct xs_conn *conn, size_t n);

/* For the host: a domain has shut down, or is gone. @releaseDomain fires once for either. */
void xs_domain_shut_down(struct xs_store *store, uint16_t domid);
void xs_domain_gone(struct xs_store *store, uint16_t domid);
/* One that was never introduced (it has no ring) has ended in some way: whoever watches for ends looks for himself. */
void xs_stranger_ended(struct xs_store *store);
/* The next introduced domain with an id of at least from, or NULL. */
struct xs_domain *xs_domain_next(const struct xs_store *store, unsigned int from);
/* Introduce without a request: dom0's kernel. 0 or -errno. */
int xs_domain_introduce(struct xs_store *store, uint16_t domid, int64_t frame,
                        uint32_t port) __must_check;

/* A little of the work that was put off (garbage, idle transactions); true if there is more. */
bool xs_store_work(struct xs_store *store);

#endif
