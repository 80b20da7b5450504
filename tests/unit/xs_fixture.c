/* SPDX-License-Identifier: MIT */
/*
 * The clients of xs_fixture.h: requests go straight to xs_request(), replies and events are taken from the queue.
 */
#include "tests/unit/xs_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 4096

static char events[EVENTS][XENSTORE_PAYLOAD_MAX + 1];
static xs_ref event_of[EVENTS];
static unsigned int nr_events;

static void need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "xs_fixture: %s\n", what);
        abort();
    }
}

void xs_fixture_open(struct xs_fixture *fixture, size_t bytes, uint32_t undo_length)
{
    memset(fixture, 0, sizeof(*fixture));
    nr_events = 0;
    fixture->arena = (struct xs_arena){
        .head = calloc(1, bytes),
        .undo = calloc(undo_length, sizeof(struct xs_undo)),
        .bytes = bytes,
        .undo_length = undo_length,
    };
    need(fixture->arena.head && fixture->arena.undo, "no memory");
    xs_fixture_reopen(fixture);
}

void xs_fixture_reopen(struct xs_fixture *fixture)
{
    xs_store_close(&fixture->store);
    need(xs_arena_attach(&fixture->arena) == 0, "attach");
    need(xs_store_open(&fixture->store, &fixture->arena, 12345, NULL, NULL) == 0, "open");
}

void xs_fixture_close(struct xs_fixture *fixture)
{
    xs_store_close(&fixture->store);
    free(fixture->arena.head);
    free(fixture->arena.undo);
}

/* Take all queued messages: events are kept, the reply's text is returned. */
static const char *take(struct xs_fixture *fixture, xs_ref client,
                        const struct xsd_sockmsg *request)
{
    static char text[XENSTORE_PAYLOAD_MAX + 1];
    struct xs_conn *conn = xs_conn_at(&fixture->store, client);
    const char *reply = NULL;
    const char *bytes;
    size_t len;

    while ((len = xs_conn_output(&fixture->store, conn, &bytes)) > 0) {
        struct xsd_sockmsg header;

        need(len >= sizeof(header), "a short message");
        memcpy(&header, bytes, sizeof(header));
        need(len == sizeof(header) + header.len, "a message's length");
        if (header.type == XS_WATCH_EVENT) {
            need(header.req_id == 0 && header.tx_id == 0 && nr_events < EVENTS,
                 "an event's header");
            event_of[nr_events] = client;
            snprintf(events[nr_events++], sizeof(events[0]), "%s %s", bytes + sizeof(header),
                     bytes + sizeof(header) + strlen(bytes + sizeof(header)) + 1);
        } else {
            need(request && !reply && header.req_id == request->req_id &&
                     header.tx_id == request->tx_id &&
                     (header.type == request->type || header.type == XS_ERROR),
                 "a reply's header");
            for (uint32_t i = 0; i < header.len; i++) {
                char c = bytes[sizeof(header) + i];

                text[i] = c ? c : '|';
            }
            text[header.type == XS_ERROR ? header.len - 1 : header.len] = 0;
            reply = text;
        }
        xs_conn_sent(&fixture->store, conn, len);
    }
    return reply;
}

const char *xs_ask(struct xs_fixture *fixture, xs_ref client, uint32_t type, uint32_t tx,
                   const char *text)
{
    static uint32_t req_id = 0;
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    size_t len = strlen(text);
    struct xsd_sockmsg request = {
        .type = type, .req_id = ++req_id, .tx_id = tx, .len = (uint32_t)len};
    const char *reply;

    need(len <= XENSTORE_PAYLOAD_MAX, "a request's length");
    for (size_t i = 0; i < len; i++) {
        payload[i] = text[i] == '|' ? 0 : text[i];
    }
    if (!xs_request(&fixture->store, client, &request, payload, 0)) {
        return "closed";
    }
    xs_store_work(&fixture->store);
    reply = take(fixture, client, &request);
    need(reply, "no reply");
    return reply;
}

xs_ref xs_client(struct xs_fixture *fixture, uint16_t domid)
{
    xs_ref ref;

    if (domid == 0) {
        ref = xs_conn_open(&fixture->store, 0, XS_CONN_PRIVILEGED);
    } else {
        need(xs_domain_introduce(&fixture->store, domid, 1, 1) == 0, "introduce");
        for (ref = fixture->store.state->conns; xs_conn_at(&fixture->store, ref)->domid != domid;) {
            ref = xs_conn_at(&fixture->store, ref)->next;
        }
    }
    need(ref, "no connection");
    return ref;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *xs_events(struct xs_fixture *fixture, xs_ref client)
{
    static char mine[64][XENSTORE_PAYLOAD_MAX + 1];
    static char text[8192];
    unsigned int nr = 0;
    unsigned int kept = 0;

    need(!take(fixture, client, NULL), "a reply nobody asked for");
    for (unsigned int i = 0; i < nr_events; i++) {
        if (event_of[i] == client && nr < 64) {
            memcpy(mine[nr++], events[i], sizeof(events[i]));
        } else {
            event_of[kept] = event_of[i];
            memmove(events[kept++], events[i], sizeof(events[i]));
        }
    }
    nr_events = kept;
    qsort(mine, nr, sizeof(mine[0]), by_text);
    text[0] = 0;
    for (unsigned int i = 0; i < nr && strlen(text) + strlen(mine[i]) + 2 < sizeof(text); i++) {
        strcat(strcat(text, mine[i]), ";");
    }
    return text;
}
