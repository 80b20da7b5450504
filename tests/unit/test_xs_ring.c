/* SPDX-License-Identifier: MIT */
/* A domain's ring: requests written in pieces by a kernel that notifies only when its last piece has been taken. */
/* SOURCES: dom0-tools/xenostored/arena.c dom0-tools/xenostored/tree.c dom0-tools/xenostored/wire.c */
/* SOURCES: dom0-tools/xenostored/domain.c dom0-tools/xenostored/node.c dom0-tools/xenostored/tx.c */
/* SOURCES: dom0-tools/xenostored/watch.c dom0-tools/xenostored/conn.c dom0-tools/xenostored/request.c */
/* SOURCES: dom0-tools/xenostored/introduce.c dom0-tools/xenostored/store.c dom0-tools/xenostored/control.c */
/* SOURCES: dom0-tools/xenostored/ring.c tests/unit/xs_fixture.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dom0-tools/xenostored/ring.h"
#include "tests/unit/xs_fixture.h"

static struct xs_fixture fixture;
static struct xenstore_domain_interface page;
static xs_ref guest;

static void setup(void)
{
    xs_fixture_open(&fixture, 32 * 1024 * 1024, 65536);
    guest = xs_client(&fixture, 1);
    memset(&page, 0, sizeof(page));
    xs_ring_attach(&fixture.store, xs_conn_at(&fixture.store, guest), &page, true);
}

static void teardown(void)
{
    xs_fixture_close(&fixture);
}

static void serve(void)
{
    bool more = true;

    while (more) {
        xs_ring_serve(&fixture.store, guest, &page, 8, &more);
    }
}

/* As much as fits; the store hears of it only if it had taken all that was there before. */
static size_t write_piece(const char *bytes, size_t len)
{
    uint32_t before = page.req_prod;
    size_t room = XENSTORE_RING_SIZE - (before - page.req_cons);
    size_t n = len < room ? len : room;

    for (size_t i = 0; i < n; i++) {
        page.req[MASK_XENSTORE_IDX(before + i)] = bytes[i];
    }
    page.req_prod = before + (uint32_t)n;
    if (page.req_cons == before) {
        serve();
    }
    return n;
}

/* Bytes of the next reply, which must be there whole; payload has room for all. */
static struct xsd_sockmsg read_reply(char *payload)
{
    struct xsd_sockmsg head;
    char *to = (char *)&head;
    size_t len = sizeof(head);

    for (size_t i = 0; i < len; i++) {
        ck_assert_uint_ne(page.rsp_prod, page.rsp_cons);
        to[i] = page.rsp[MASK_XENSTORE_IDX(page.rsp_cons)];
        page.rsp_cons++;
        if (to == (char *)&head && i + 1 == sizeof(head)) {
            to = payload - sizeof(head);
            len += head.len;
        }
    }
    return head;
}

static void ask_in_pieces(uint32_t id, const char *payload, size_t len, unsigned int seed)
{
    struct xsd_sockmsg head = {.type = XS_GET_DOMAIN_PATH, .req_id = id, .len = (uint32_t)len};
    char message[sizeof(head) + XENSTORE_PAYLOAD_MAX];
    char reply[XENSTORE_PAYLOAD_MAX];
    size_t total = sizeof(head) + len;

    memcpy(message, &head, sizeof(head));
    memcpy(message + sizeof(head), payload, len);
    for (size_t at = 0; at < total;) {
        /* Linux's own pieces are the header and each string; others are all lengths. */
        size_t piece = seed == 0 && at == 0 ? sizeof(head) : 1 + (size_t)rand() % (total - at);

        at += write_piece(message + at, piece < total - at ? piece : total - at);
    }
    ck_assert_uint_eq(page.req_cons, page.req_prod);
    head = read_reply(reply);
    ck_assert_uint_eq(head.req_id, id);
    ck_assert_uint_eq(page.rsp_cons, page.rsp_prod);
}

START_TEST(pieces)
{
    char payload[XENSTORE_PAYLOAD_MAX];

    memset(payload, 'x', sizeof(payload));
    srand((unsigned int)_i);
    ask_in_pieces(1, "7", 2, (unsigned int)_i);
    for (uint32_t id = 2; id < 200; id++) {
        ask_in_pieces(id, payload, (size_t)rand() % (_i % 2 ? 40 : sizeof(payload) + 1),
                      (unsigned int)_i);
    }
    ck_assert_uint_eq(page.error, XENSTORE_ERROR_NONE);
}
END_TEST

START_TEST(a_bad_length_ends_it)
{
    struct xsd_sockmsg head = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};

    write_piece((const char *)&head, 5);
    ck_assert_uint_eq(page.req_cons, 5);
    write_piece((const char *)&head + 5, sizeof(head) - 5);
    ck_assert_uint_eq(page.error, XENSTORE_ERROR_PROTO);
    page.connection = XENSTORE_RECONNECT;
    serve();
    ck_assert_uint_eq(page.error, XENSTORE_ERROR_NONE);
    ask_in_pieces(1, "7", 2, 0);
}
END_TEST

START_TEST(bad_indices_end_it)
{
    page.req_prod = page.req_cons + XENSTORE_RING_SIZE + 1;
    serve();
    ck_assert_uint_eq(page.error, XENSTORE_ERROR_RINGIDX);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xs_ring");
    TCase *tc = tcase_create("xs_ring");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, pieces, 0, 20);
    tcase_add_test(tc, a_bad_length_ends_it);
    tcase_add_test(tc, bad_indices_end_it);
    suite_add_tcase(s, tc);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
