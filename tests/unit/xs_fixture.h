/* SPDX-License-Identifier: MIT */
/*
 * A store in plain memory with clients that send requests and read replies and events, for the tests of the store.
 * Invariant: every reply is of the request's type and id, or an error; anything else ends the program.
 */
#ifndef TESTS_XS_FIXTURE_H
#define TESTS_XS_FIXTURE_H

#include "xenostored/store.h"

struct xs_fixture {
    struct xs_arena arena;
    struct xs_store store;
};

/* bytes of arena and entries of undo log; both fixed. */
void xs_fixture_open(struct xs_fixture *fixture, size_t bytes, uint32_t undo_length);
/* The same memory in a new process. */
void xs_fixture_reopen(struct xs_fixture *fixture);
void xs_fixture_close(struct xs_fixture *fixture);

/* A client of a domain: 0 is privileged. Domains other than 0 are introduced first, and have a ring. */
xs_ref xs_client(struct xs_fixture *fixture, uint16_t domid);

/*
 * Send type in transaction tx with the strings joined by '|', which stands for a zero, as in the protocol's description.
 * The reply's payload in the same form ("a|b|"), or the name of an error; valid until the next call.
 */
const char *xs_ask(struct xs_fixture *fixture, xs_ref client, uint32_t type, uint32_t tx,
                   const char *text);

/* All events that wait for a client, sorted: "path token;path token;", or "". */
const char *xs_events(struct xs_fixture *fixture, xs_ref client);

#endif
