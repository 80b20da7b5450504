/* SPDX-License-Identifier: MIT */
/*
 * The store against an oracle: three clients' requests, chosen by the input, on a tree of 40 possible nodes that is kept in
 * two arrays as well. Every reply must be the oracle's; outside of transactions every event too. A transaction that was
 * committed must be one that could have run at that moment: its requests, done again on the oracle, have the same replies.
 * One that ends with EAGAIN must have had somebody change something meanwhile.
 */
/* SOURCES: dom0-tools/xenostored/arena.c dom0-tools/xenostored/tree.c dom0-tools/xenostored/wire.c */
/* SOURCES: dom0-tools/xenostored/domain.c dom0-tools/xenostored/node.c dom0-tools/xenostored/tx.c */
/* SOURCES: dom0-tools/xenostored/watch.c dom0-tools/xenostored/conn.c dom0-tools/xenostored/request.c */
/* SOURCES: dom0-tools/xenostored/introduce.c dom0-tools/xenostored/store.c dom0-tools/xenostored/control.c */
/* SOURCES: tests/unit/xs_fixture.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/xs_fixture.h"

#define ARENA_BYTES (1024u * 1024u)
#define UNDO        16384u
#define NODES       40 /* /m, and up to three letters of a, b, c below it */
#define CLIENTS     3
#define TXS         6
#define OPS_MAX     64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct model {
    bool is[NODES];
    uint8_t value[NODES]; /* 0: empty */
};

struct op {
    uint32_t type;
    uint8_t node, value;
};

struct transaction {
    uint32_t id; /* 0: none */
    unsigned int client, nr_ops;
    uint64_t changes_at_start;
    struct op ops[OPS_MAX];
    char replies[OPS_MAX][16];
};

static struct xs_fixture fixture;
static xs_ref clients[CLIENTS];
static struct model model;
static struct transaction txs[TXS];
static bool watched[CLIENTS][NODES];
static uint64_t changes;

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* Nodes by number: /m is 0; the children of n are 3n + 1 to 3n + 3. */
static int parent_of(int node)
{
    return node ? (node - 1) / 3 : -1;
}

static const char *path_of(int node, char *text)
{
    char letters[4];
    int nr = 0;
    int at = 2;

    for (; node; node = parent_of(node)) {
        letters[nr++] = (char)('a' + (node - 1) % 3);
    }
    text[0] = '/';
    text[1] = 'm';
    while (nr) {
        text[at++] = '/';
        text[at++] = letters[--nr];
    }
    text[at] = 0;
    return text;
}

static bool is_within(int node, int top)
{
    while (node > top) {
        node = parent_of(node);
    }
    return node == top;
}

static void create(struct model *m, int node)
{
    for (; node >= 0 && !m->is[node]; node = parent_of(node)) {
        m->is[node] = true;
        m->value[node] = 0;
    }
}

/* What the store should answer, with the effect on the model; -> true if it changes anything. */
static bool expect(struct model *m, const struct op *op, char reply[16])
{
    int node = op->node;
    bool was = m->is[node];

    strcpy(reply, "OK|");
    switch (op->type) {
    case XS_READ:
        strcpy(reply, "ENOENT");
        if (was) {
            reply[0] = (char)m->value[node];
            reply[m->value[node] ? 1 : 0] = 0;
        }
        return false;
    case XS_DIRECTORY:
        strcpy(reply, was ? "" : "ENOENT");
        for (int i = 0; was && i < 3 && 3 * node + 1 < NODES; i++) {
            if (m->is[3 * node + 1 + i]) {
                sprintf(reply + strlen(reply), "%c|", 'a' + i);
            }
        }
        return false;
    case XS_WRITE:
        create(m, node);
        m->value[node] = op->value;
        return true;
    case XS_MKDIR:
        create(m, node);
        return !was;
    default: /* XS_RM */
        if (!was && node && !m->is[parent_of(node)]) {
            strcpy(reply, "ENOENT");
        }
        for (int i = node; i < NODES; i++) {
            m->is[i] = m->is[i] && !is_within(i, node);
        }
        return was;
    }
}

/* The events that a client gets for a change outside of a transaction, in the fixture's form: sorted by text. */
static void expect_events(const struct model *before, const struct op *op, unsigned int client,
                          char *text)
{
    char at[16];
    char *end = text;

    *end = 0;
    for (int order = 0, node = 0; order < NODES; order++) {
        /* Sorted by path: down, then to the next. */
        bool above = watched[client][node] && is_within(op->node, node);
        bool below = watched[client][node] && op->type == XS_RM && node != op->node &&
                     is_within(node, op->node) && before->is[node];

        if (above) {
            /* The token tells which watch it is for; its event has the path that changed. */
            end += sprintf(end, "%s %c;", path_of(op->node, at), '0' + node);
        } else if (below) {
            end += sprintf(end, "%s %c;", path_of(node, at), '0' + node);
        }
        if (3 * node + 1 < NODES) {
            node = 3 * node + 1;
        } else {
            while (node && (node - 1) % 3 == 2) {
                node = parent_of(node);
            }
            node++;
        }
    }
}

static const char *send(unsigned int client, uint32_t tx, const struct op *op)
{
    char text[64];
    char path[16];

    path_of(op->node, path);
    if (op->type == XS_WRITE && op->value) {
        snprintf(text, sizeof(text), "%s|%c", path, op->value);
    } else {
        snprintf(text, sizeof(text), "%s|", path);
    }
    return xs_ask(&fixture, clients[client], op->type, tx, text);
}

static void forget_events(void)
{
    for (unsigned int i = 0; i < CLIENTS; i++) {
        xs_events(&fixture, clients[i]);
    }
}

static void plain(unsigned int client, const struct op *op)
{
    struct model before = model;
    char wanted[16];
    bool changed = expect(&model, op, wanted);

    must(strcmp(send(client, 0, op), wanted) == 0);
    changes += changed;
    for (unsigned int i = 0; i < CLIENTS; i++) {
        char events[NODES * 16];

        events[0] = 0;
        if (changed) {
            expect_events(&before, op, i, events);
        }
        must(strcmp(xs_events(&fixture, clients[i]), events) == 0);
    }
}

static void in_transaction(struct transaction *tx, const struct op *op)
{
    const char *reply;

    if (tx->nr_ops == OPS_MAX) {
        return;
    }
    reply = send(tx->client, tx->id, op);
    must(strlen(reply) < sizeof(tx->replies[0]));
    strcpy(tx->replies[tx->nr_ops], reply);
    tx->ops[tx->nr_ops++] = *op;
}

static void start(struct transaction *tx, unsigned int client)
{
    tx->client = client;
    tx->nr_ops = 0;
    tx->changes_at_start = changes;
    tx->id = (uint32_t)strtoul(xs_ask(&fixture, clients[client], XS_TRANSACTION_START, 0, "|"),
                               NULL, 10);
    must(tx->id != 0);
}

static void end(struct transaction *tx, bool commit)
{
    const char *reply =
        xs_ask(&fixture, clients[tx->client], XS_TRANSACTION_END, tx->id, commit ? "T|" : "F|");

    tx->id = 0;
    if (!commit) {
        must(strcmp(reply, "OK|") == 0);
        return;
    }
    if (strcmp(reply, "EAGAIN") == 0) {
        must(changes != tx->changes_at_start);
        return;
    }
    must(strcmp(reply, "OK|") == 0);
    for (unsigned int i = 0; i < tx->nr_ops; i++) {
        char wanted[16];

        changes += expect(&model, &tx->ops[i], wanted);
        must(strcmp(wanted, tx->replies[i]) == 0);
    }
    forget_events();
}

static void watch(unsigned int client, int node)
{
    char text[32];
    char path[16];
    bool *there = &watched[client][node];

    snprintf(text, sizeof(text), "%s|%c|", path_of(node, path), '0' + node);
    must(strcmp(xs_ask(&fixture, clients[client], *there ? XS_UNWATCH : XS_WATCH, 0, text),
                "OK|") == 0);
    *there = !*there;
    forget_events();
}

/* A new process: programs have to come again. */
static void reopen(void)
{
    xs_fixture_reopen(&fixture);
    memset(watched, 0, sizeof(watched));
    for (unsigned int i = 0; i < TXS; i++) {
        txs[i].id = 0;
    }
    for (unsigned int i = 0; i < CLIENTS; i++) {
        clients[i] = xs_client(&fixture, 0);
    }
}

static void step(uint8_t what, uint8_t node, uint8_t value)
{
    static const uint32_t types[] = {XS_WRITE, XS_READ, XS_MKDIR, XS_RM, XS_DIRECTORY, XS_WRITE};
    struct op op = {.type = types[what % 6], .node = node % NODES, .value = value};
    unsigned int client = what / 6 % CLIENTS;
    struct transaction *tx = &txs[what / 18 % TXS];

    op.value = value % 27 ? (uint8_t)('A' + value % 26) : 0;
    if (node >= 240) {
        watch(client, value % NODES);
    } else if (node >= 200 && value == 255) {
        reopen();
    } else if (node >= 160 && tx->id) {
        end(tx, node < 198);
    } else if (node >= 160) {
        start(tx, client);
    } else if (tx->id && node >= 80) {
        in_transaction(tx, &op);
    } else {
        plain(client, &op);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memset(&model, 0, sizeof(model));
    changes = 0;
    xs_fixture_open(&fixture, ARENA_BYTES, UNDO);
    reopen();
    for (size_t at = 0; at + 3 <= size && at < 3000; at += 3) {
        step(data[at], data[at + 1], data[at + 2]);
    }
    for (int node = 0; node < NODES; node++) {
        plain(0, &(struct op){.type = XS_READ, .node = (uint8_t)node});
    }
    must(strcmp(xs_ask(&fixture, clients[0], XS_CONTROL, 0, "check|"), "OK|") == 0);
    xs_fixture_close(&fixture);
    memset(&fixture, 0, sizeof(fixture));
    return 0;
}
