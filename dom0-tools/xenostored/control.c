/* SPDX-License-Identifier: MIT */
/*
 * XS_CONTROL, for who looks after the daemon: check, help, memreport, quota. Replies are text for people.
 */
#include <string.h>

#include "xenostored/internal.h"

#include <stdio.h>

static const struct {
    const char *name;
    size_t offset;
} quotas[] = {
    {"nodes", offsetof(struct xs_quota, nodes)},
    {"node-size", offsetof(struct xs_quota, node_bytes)},
    {"watches", offsetof(struct xs_quota, watches)},
    {"transactions", offsetof(struct xs_quota, transactions)},
    {"transaction-nodes", offsetof(struct xs_quota, tx_nodes)},
    {"permissions", offsetof(struct xs_quota, perms)},
    {"events", offsetof(struct xs_quota, events)},
    {"outstanding", offsetof(struct xs_quota, out_bytes)},
};

static uint32_t *quota_at(struct xs_store *store, size_t index)
{
    return (uint32_t *)((char *)&store->state->quota + quotas[index].offset);
}

static int control_help(struct xs_call *call)
{
    static const char text[] = "check\nhelp\nmemreport\nquota [set <name> <value>|<domid>]\n";

    return xs_reply(call, text, sizeof(text));
}

/* All counters that an operation changes, counted anew. */
static int control_check(struct xs_call *call)
{
    struct xs_store *store = call->view.store;
    struct xs_walk *walk = &store->scratch->walk;
    char *reply = store->scratch->reply;
    uint64_t nodes = 0;
    uint64_t bad = 0;
    int len;

    xs_walk_start(walk, &store->forest, store->state->root, "/");
    for (xs_ref at = store->state->root; at; at = xs_walk_next(walk, false)) {
        const struct xs_node *node = xs_store_node(store, at);

        nodes++;
        bad += node->refs == 0 || !node->perms || node->gen > store->state->gen ||
               !node->nr_children != !node->children;
    }
    len = snprintf(reply, XENSTORE_PAYLOAD_MAX, bad ? "%llu of %llu nodes are damaged" : "OK",
                   (unsigned long long)bad, (unsigned long long)nodes);
    return xs_reply(call, reply, (size_t)len + 1);
}

static int control_memreport(struct xs_call *call)
{
    struct xs_store *store = call->view.store;
    const struct xs_state *state = store->state;
    char *reply = store->scratch->reply;
    int len = snprintf(
        reply, XENSTORE_PAYLOAD_MAX,
        "used %llu bytes of %llu\nconnections %u\nwatches %u\ntransactions %u\ngeneration %llu\n",
        (unsigned long long)store->arena->head->used, (unsigned long long)store->arena->bytes,
        (unsigned int)state->nr_conns, (unsigned int)state->nr_watches, (unsigned int)state->nr_txs,
        (unsigned long long)state->gen);

    return xs_reply(call, reply, (size_t)len + 1);
}

static int quota_list(struct xs_call *call)
{
    char *reply = call->view.store->scratch->reply;
    int len = 0;

    for (size_t i = 0; i < ARRAY_SIZE(quotas); i++) {
        len += snprintf(reply + len, 64, "%-20s %u\n", quotas[i].name,
                        (unsigned int)*quota_at(call->view.store, i));
    }
    return xs_reply(call, reply, (size_t)len + 1);
}

static int quota_set(struct xs_call *call, const char *name, const char *text)
{
    int64_t value;

    if (!xs_number_parse(text, &value) || value < 0 || value > INT32_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(quotas); i++) {
        if (strcmp(name, quotas[i].name) == 0) {
            XS_SET(call->view.store->arena, *quota_at(call->view.store, i), (uint32_t)value);
            return xs_reply_ok(call);
        }
    }
    return -EINVAL;
}

static int quota_domain(struct xs_call *call, const char *text)
{
    struct xs_store *store = call->view.store;
    const struct xs_domain *domain;
    const struct xs_conn *conn;
    char *reply = store->scratch->reply;
    uint16_t domid;
    int len;

    if (!xs_domid_parse(text, &domid)) {
        return -EINVAL;
    }
    domain = xs_domain_find(store, domid);
    if (!domain) {
        return -ENOENT;
    }
    conn = xs_conn_at(store, domain->conn);
    len = snprintf(reply, XENSTORE_PAYLOAD_MAX,
                   "nodes        %u\nwatches      %u\ntransactions %u\noutstanding  %u\n",
                   (unsigned int)domain->nr_nodes, conn ? (unsigned int)conn->nr_watches : 0,
                   conn ? (unsigned int)conn->nr_txs : 0, conn ? (unsigned int)conn->out_bytes : 0);
    return xs_reply(call, reply, (size_t)len + 1);
}

int xs_op_control(struct xs_call *call)
{
    const char *words[4];
    unsigned int nr = xs_strings(call->payload, call->len, words, 4);

    if (nr == 1 && strcmp(words[0], "help") == 0) {
        return control_help(call);
    }
    if (nr == 1 && strcmp(words[0], "check") == 0) {
        return control_check(call);
    }
    if (nr == 1 && strcmp(words[0], "memreport") == 0) {
        return control_memreport(call);
    }
    if (nr == 1 && strcmp(words[0], "quota") == 0) {
        return quota_list(call);
    }
    if (nr == 2 && strcmp(words[0], "quota") == 0) {
        return quota_domain(call, words[1]);
    }
    if (nr == 4 && strcmp(words[0], "quota") == 0 && strcmp(words[1], "set") == 0) {
        return quota_set(call, words[2], words[3]);
    }
    return -EINVAL;
}
