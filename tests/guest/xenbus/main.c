/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * The xenstore client against a tiny store that this test runs itself, at the other end of a ring and a channel within the domain:
 * the wire format, replies longer than the ring, watch events that come before a reply, errors, and a store that talks nonsense.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "framework/test.h"
#include "libpvk/pv/xenbus.h"
#include "pvk/memory.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/events.h"
#include "pvk/pv/xenbus.h"
#include "pvk/thread.h"

static struct xenstore_domain_interface *ring;
static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static uint32_t server_port;
static char last_request[128]; /* type and payload, zero bytes shown as | */

static void on_request(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    wait_queue_wake(&queue);
}

/* The server's side of the ring, byte by byte. */
static char get_byte(void)
{
    char c;

    wait_until(&queue, ring->req_prod != ring->req_cons, 0);
    c = ring->req[MASK_XENSTORE_IDX(ring->req_cons)];
    __atomic_store_n(&ring->req_cons, ring->req_cons + 1, __ATOMIC_RELEASE);
    return c;
}

static void put_byte(char c)
{
    if (ring->rsp_prod - ring->rsp_cons == XENSTORE_RING_SIZE) {
        event_send(server_port);
        wait_until(&queue, ring->rsp_prod - ring->rsp_cons < XENSTORE_RING_SIZE, 0);
    }
    ring->rsp[MASK_XENSTORE_IDX(ring->rsp_prod)] = c;
    __atomic_store_n(&ring->rsp_prod, ring->rsp_prod + 1, __ATOMIC_RELEASE);
}

static void put(const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        put_byte(((const char *)data)[i]);
    }
}

static void answer(uint32_t type, uint32_t req_id, const char *payload, size_t len)
{
    struct xsd_sockmsg header = {.type = type, .req_id = req_id, .len = (uint32_t)len};

    put(&header, sizeof(header));
    put(payload, len);
    event_send(server_port);
}

#define EVENT(path, token) path "\0" token

/* What the tiny store says to each request. */
static void serve(const struct xsd_sockmsg *h, const char *payload)
{
    static char big[3000];

    if (h->type == XS_READ && strcmp(payload, "big") == 0) {
        memset(big, 'x', sizeof(big));
        answer(XS_READ, h->req_id, big, sizeof(big));
    } else if (h->type == XS_READ && strcmp(payload, "name") == 0) {
        answer(XS_WATCH_EVENT, 0, EVENT("device/vbd", "1"), sizeof(EVENT("device/vbd", "1")));
        answer(XS_READ, h->req_id, "guest", 5);
    } else if (h->type == XS_READ && strcmp(payload, "liar") == 0) {
        answer(XS_READ, h->req_id + 1, "guest", 5);
    } else if (h->type == XS_READ) {
        answer(XS_ERROR, h->req_id, "ENOENT", 7);
    } else if (h->type == XS_DIRECTORY) {
        answer(XS_DIRECTORY, h->req_id, "one\0two\0three", 14);
    } else if (h->type == XS_TRANSACTION_START) {
        answer(XS_TRANSACTION_START, h->req_id, "77", 3);
    } else if (h->type == XS_TRANSACTION_END) {
        answer(XS_ERROR, h->req_id, "EAGAIN", 7);
    } else {
        answer(h->type, h->req_id, "OK", 3);
    }
}

static void store(void *unused)
{
    static char payload[XENSTORE_PAYLOAD_MAX + 1];

    (void)unused;
    for (;;) {
        struct xsd_sockmsg header;
        int at;

        for (size_t i = 0; i < sizeof(header); i++) {
            ((char *)&header)[i] = get_byte();
        }
        for (uint32_t i = 0; i < header.len; i++) {
            payload[i] = get_byte();
        }
        payload[header.len] = '\0';
        at = snprintf(last_request, sizeof(last_request), "%u/%u:", header.type, header.tx_id);
        for (uint32_t i = 0; i < header.len && at < (int)sizeof(last_request) - 1; i++) {
            last_request[at++] = payload[i] == '\0' ? '|' : payload[i];
        }
        last_request[at] = '\0';
        serve(&header, payload);
    }
}

static void make_store(void)
{
    int self = domain_id();
    long a = event_alloc_unbound((unsigned)self, on_request, NULL);
    long b = event_bind_interdomain((unsigned)self, (uint32_t)a, on_request, NULL);

    ring = page_alloc(0);
    if (a <= 0 || b <= 0 || ring == NULL || thread_create("store", store, NULL) == NULL) {
        test_error("cannot make a store");
    }
    server_port = (uint32_t)a;
    if (xenbus_attach(ring, (uint32_t)b) != 0) {
        test_error("cannot attach to it");
    }
}

static unsigned fired;
static char fired_path[32];

static void on_watch(const char *path, void *arg)
{
    snprintf(fired_path, sizeof(fired_path), "%s", path);
    fired += *(unsigned *)arg;
    wait_queue_wake(&queue);
}

static void check_requests(void)
{
    char **names;
    unsigned count;
    uint32_t tx = 0;
    char *value;
    size_t len;

    test_note("write: %s", test_rc(xenbus_write(XENBUS_NO_TX, "data/a", "value")));
    test_note("on the wire: %s", last_request);
    test_check(xenbus_read(XENBUS_NO_TX, "big", &value, &len) == 0 && len == 3000 &&
                   value[2999] == 'x',
               "a reply longer than the ring");
    free(value);
    test_note("read of what is not there: %s",
              test_rc(xenbus_read(XENBUS_NO_TX, "no", &value, &len)));
    test_note("a reply to another request: %s",
              test_rc(xenbus_read(XENBUS_NO_TX, "liar", &value, &len)));
    test_check(xenbus_list(XENBUS_NO_TX, "dir", &names, &count) == 0 && count == 3 &&
                   strcmp(names[0], "one") == 0 && strcmp(names[2], "three") == 0,
               "a list of names");
    free(names);
    test_check(xenbus_transaction_start(&tx) == 0 && tx == 77, "a transaction starts");
    test_note("a request in it: %s", test_rc(xenbus_mkdir(tx, "d")));
    test_note("on the wire: %s", last_request);
    test_note("its end: %s", test_rc(xenbus_transaction_end(tx, false)));
    test_note("on the wire: %s", last_request);
}

void test_main(void)
{
    static unsigned one = 1;
    static struct xenbus_watch watch = {.fn = on_watch, .arg = &one, .path = "device"};
    char *value;
    size_t len;

    make_store();
    check_requests();
    test_note("watch: %s", test_rc(xenbus_watch(&watch)));
    test_note("on the wire: %s", last_request);
    test_check(xenbus_read(XENBUS_NO_TX, "name", &value, &len) == 0 && strcmp(value, "guest") == 0,
               "a reply behind a watch event");
    free(value);
    wait_until(&queue, fired == 1, 0);
    test_note("the watch fired for %s", fired_path);
    answer(XS_WATCH_EVENT, 0, EVENT("device/vif", "1"), sizeof(EVENT("device/vif", "1")));
    wait_until(&queue, fired == 2, 0);
    test_note("and for %s", fired_path);
    test_note("unwatch: %s", test_rc(xenbus_unwatch(&watch)));
    test_note("on the wire: %s", last_request);
}
