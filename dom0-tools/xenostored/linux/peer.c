/* SPDX-License-Identifier: MIT */
/*
 * Peers: the process's side of the store's connections, and the queue of those that have something to do.
 * Invariant: a peer in the queue has not been freed; it is freed only between two rounds, after it was taken out.
 */
#include <stdlib.h>

#include "xenostored/linux/daemon.h"

struct peer *peer_of(const struct daemon *d, const struct xs_conn *conn)
{
    return conn->slot && conn->slot <= d->nr_slots ? d->by_slot[conn->slot - 1] : NULL;
}

/* A slot for the peer: 0 if there is no memory. */
static uint32_t take_slot(struct daemon *d, struct peer *p)
{
    struct peer **more;
    uint32_t nr = d->nr_slots ? d->nr_slots * 2 : 64;

    for (uint32_t i = 0; i < d->nr_slots; i++) {
        uint32_t at = (d->next_slot + i) % d->nr_slots;

        if (!d->by_slot[at]) {
            d->by_slot[at] = p;
            d->next_slot = at + 1;
            return at + 1;
        }
    }
    more = realloc(d->by_slot, nr * sizeof(struct peer *));
    if (!more) {
        return 0;
    }
    for (uint32_t i = d->nr_slots; i < nr; i++) {
        more[i] = NULL;
    }
    more[d->nr_slots] = p;
    d->by_slot = more;
    d->next_slot = d->nr_slots + 1;
    d->nr_slots = nr;
    return d->next_slot;
}

struct peer *peer_new(struct daemon *d, xs_ref conn)
{
    struct peer *p = calloc(1, sizeof(*p));
    uint32_t slot = p ? take_slot(d, p) : 0;

    if (!slot) {
        free(p);
        return NULL;
    }
    p->fd = -1;
    p->conn = conn;
    p->daemon = d;
    p->slot = slot;
    xs_conn_at(&d->store, conn)->slot = slot;
    return p;
}

void peer_ready(struct daemon *d, struct peer *p)
{
    if (p->is_ready || p->is_gone) {
        return;
    }
    p->is_ready = true;
    p->ready_next = NULL;
    if (d->ready.last) {
        d->ready.last->ready_next = p;
    } else {
        d->ready.first = p;
    }
    d->ready.last = p;
}

void peer_drop(struct daemon *d, struct peer *p)
{
    if (p->is_gone) {
        return;
    }
    xs_conn_close(&d->store, p->conn);
    peer_forget(d, p);
}

void peer_forget(struct daemon *d, struct peer *p)
{
    p->is_gone = true;
    d->by_slot[p->slot - 1] = NULL;
    p->gone_next = d->gone;
    d->gone = p;
}

struct peer *peer_next_ready(struct daemon *d)
{
    struct peer *p = d->ready.first;

    if (p) {
        d->ready.first = p->ready_next;
        if (!p->ready_next) {
            d->ready.last = NULL;
        }
        p->is_ready = false;
    }
    return p;
}

void peer_reap(struct daemon *d)
{
    struct peer **slot = &d->gone;

    while (*slot) {
        struct peer *p = *slot;

        if (p->is_ready) {
            slot = &p->gone_next; /* the next round takes it out of the queue */
            continue;
        }
        *slot = p->gone_next;
        free(p->in);
        free(p);
    }
}
