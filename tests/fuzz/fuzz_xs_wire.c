/* SPDX-License-Identifier: MIT */
/*
 * Arbitrary bytes as what a guest sends: to the functions that take messages apart, and through a ring, in pieces whose
 * lengths the input chooses as well, with indices that it may spoil. Whatever it is, every answer is a whole message, no
 * more than the ring holds is put, and the store finds itself sound and serves the next client.
 */
/* SOURCES: dom0-tools/xenostored/arena.c dom0-tools/xenostored/tree.c dom0-tools/xenostored/wire.c */
/* SOURCES: dom0-tools/xenostored/domain.c dom0-tools/xenostored/node.c dom0-tools/xenostored/tx.c */
/* SOURCES: dom0-tools/xenostored/watch.c dom0-tools/xenostored/conn.c dom0-tools/xenostored/request.c */
/* SOURCES: dom0-tools/xenostored/introduce.c dom0-tools/xenostored/store.c dom0-tools/xenostored/control.c */
/* SOURCES: dom0-tools/xenostored/ring.c tests/unit/xs_fixture.c */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/xs_fixture.h"
#include "xenostored/ring.h"

#define ARENA_BYTES (1024u * 1024u)
#define UNDO        16384u
#define HEADER      ((uint32_t)sizeof(struct xsd_sockmsg))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xs_fixture fixture;
static struct xenstore_domain_interface page;

/* What has come back and is not a whole message yet. */
static char back[HEADER + XENSTORE_PAYLOAD_MAX];
static uint32_t back_len;

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* A copy of exactly that size, so that a byte read behind it is an error. */
static char *exactly(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);

    must(copy != NULL);
    memcpy(copy, data, size);
    return copy;
}

static void take_apart(const uint8_t *data, size_t size)
{
    char *payload = exactly(data, size);
    const char *words[3] = {NULL, NULL, NULL};
    unsigned int nr = xs_strings(payload, size, words, 3);
    const char *one = xs_one_string(payload, size);

    must(nr <= size && !one == !(nr == 1 && payload[size - 1] == 0));
    for (unsigned int i = 0; i < nr && i < 3; i++) {
        struct xs_perm perm;
        uint16_t domid;
        int64_t number;

        must(words[i] >= payload && words[i] + strlen(words[i]) < payload + size);
        if (xs_perm_parse(words[i], &perm)) {
            char text[XS_PERM_TEXT];
            struct xs_perm again;

            must(xs_perm_print(perm, text) == strlen(text) + 1 && xs_perm_parse(text, &again));
            must(again.domid == perm.domid && again.bits == perm.bits);
        }
        must(!xs_domid_parse(words[i], &domid) ||
             (xs_number_parse(words[i], &number) && number == domid && domid < XS_DOMIDS));
        if (xs_path_valid(words[i])) {
            size_t parent = xs_path_parent(words[i]);

            must(words[i][0] == '/' && strlen(words[i]) <= XENSTORE_ABS_PATH_MAX);
            must(parent >= 1 && parent <= strlen(words[i]) && !strstr(words[i], "//"));
        }
    }
    free(payload);
}

/* Take what there is of the ring; whole messages are looked at. */
static void read_back(void)
{
    uint32_t there = page.rsp_prod - page.rsp_cons;

    must(there <= XENSTORE_RING_SIZE);
    for (; there; there--) {
        struct xsd_sockmsg head;

        must(back_len < sizeof(back));
        back[back_len++] = page.rsp[MASK_XENSTORE_IDX(page.rsp_cons++)];
        if (back_len < HEADER) {
            continue;
        }
        memcpy(&head, back, HEADER);
        must(head.len <= XENSTORE_PAYLOAD_MAX);
        if (back_len == HEADER + head.len) {
            must(head.type != XS_ERROR || (head.len > 1 && back[back_len - 1] == 0));
            back_len = 0;
        }
    }
}

static void serve(xs_ref guest)
{
    bool more = true;

    while (more) {
        xs_ring_serve(&fixture.store, guest, &page, 4, &more);
        while (xs_store_work(&fixture.store)) {
        }
    }
}

/* Each piece: a byte of length, or 255 and a spoilt index, then the bytes. */
static void feed(xs_ref guest, const uint8_t *data, size_t size)
{
    bool spoilt = false;
    size_t at = 0;

    while (at < size && !page.error) {
        uint32_t len = data[at++];

        if (len == 255 && size - at >= 5) {
            uint32_t value;

            memcpy(&value, data + at + 1, sizeof(value));
            *(data[at] & 1 ? &page.rsp_cons : &page.req_prod) += value;
            at += 5;
            serve(guest);
            spoilt =
                spoilt || (data[at - 5] & 1); /* nothing that is read from here on means anything */
            continue;
        }
        for (; len && at < size && page.req_prod - page.req_cons < XENSTORE_RING_SIZE; len--) {
            page.req[MASK_XENSTORE_IDX(page.req_prod++)] = (char)data[at++];
        }
        serve(guest);
        if (!spoilt) {
            read_back();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xs_ref dom0;
    xs_ref guest;

    take_apart(data, size);
    memset(&page, 0, sizeof(page));
    back_len = 0;
    xs_fixture_open(&fixture, ARENA_BYTES, UNDO);
    guest = xs_client(&fixture, 1);
    dom0 = xs_client(&fixture, 0);
    must(strcmp(xs_ask(&fixture, dom0, XS_MKDIR, 0, "/local/domain/1|"), "OK|") == 0);
    must(strcmp(xs_ask(&fixture, dom0, XS_SET_PERMS, 0, "/local/domain/1|n1|"), "OK|") == 0);
    xs_ring_attach(&fixture.store, xs_conn_at(&fixture.store, guest), &page, true);
    feed(guest, data, size);
    must(strcmp(xs_ask(&fixture, dom0, XS_CONTROL, 0, "check|"), "OK|") == 0);
    must(strcmp(xs_ask(&fixture, dom0, XS_WRITE, 0, "/x|1"), "OK|") == 0);
    /* Whatever it broke, the guest may begin anew. */
    page.connection = XENSTORE_RECONNECT;
    serve(guest);
    must(page.connection == XENSTORE_CONNECTED && !page.error && !page.rsp_prod && !page.req_cons);
    xs_domain_gone(&fixture.store, 1);
    while (xs_store_work(&fixture.store)) {
    }
    must(strcmp(xs_ask(&fixture, dom0, XS_CONTROL, 0, "check|"), "OK|") == 0);
    xs_fixture_close(&fixture);
    memset(&fixture, 0, sizeof(fixture));
    return 0;
}
