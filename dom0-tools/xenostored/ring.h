/* SPDX-License-Identifier: MIT */
/*
 * The shared page between a domain and the store (include/xen/io/xs_wire.h), from the store's side.
 * Invariant: how far the rings were worked is part of the store's state, and changes in the same scope as what was done with
 * the bytes; the page's own indices follow, and are set right by ring_attach() after a restart. Pure.
 */
#ifndef XENOSTORED_RING_H
#define XENOSTORED_RING_H

#include "xenostored/store.h"

/* A connection begins to use a page: indices and features are set. fresh: a new kernel, which has sent nothing yet. */
void xs_ring_attach(struct xs_store *store, struct xs_conn *conn,
                    struct xenstore_domain_interface *page, bool fresh);

/*
 * Take at most turns requests, answer them, and put what waits into the other ring. True if the domain must be notified;
 * *more: there is a request that waits for the next turn. A domain that breaks the protocol is told so in the page, and not
 * listened to until it asks for a new connection there.
 */
bool xs_ring_serve(struct xs_store *store, xs_ref conn, struct xenstore_domain_interface *page,
                   unsigned int turns, bool *more);

#endif
