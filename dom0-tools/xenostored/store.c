/* SPDX-License-Identifier: MIT */
/*
 * Opening a store, new or left by a former process, and the work that requests put off.
 * Invariant: put-off work is done in steps of bounded length, each a scope of its own.
 */
#include "xenostored/internal.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_STEPS 32u
/* Changes after which open transactions follow the tree, so that their snapshots do not bind old versions for ever. */
#define FOLLOW_EVERY 1024u
/* A transaction in conflict that sleeps through so many changes loses its snapshot. */
#define STALE_CHANGES 65536u

static const struct xs_quota default_quota = {
    .nodes = 1000,
    .node_bytes = 2048,
    .watches = 128,
    .transactions = 10,
    .tx_nodes = 1024,
    .perms = 5,
    .events = 1024,
    .out_bytes = 1024 * 1024,
};

static int make_first_nodes(struct xs_store *store)
{
    static const char *const first[] = {"/tool", "/tool/xenstored"};
    struct xs_conn nobody = {.flags = XS_CONN_PRIVILEGED};
    struct xs_view view = {.store = store, .conn = &nobody, .root = &store->state->root};
    const struct xs_perm dom0 = {0};
    int rc = 0;

    for (unsigned int i = 0; i < XS_SPECIALS; i++) {
        store->state->special_perms[i] = xs_perms_new(store, &dom0, 1);
        rc = store->state->special_perms[i] ? rc : -ENOMEM;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(first) && rc == 0; i++) {
        rc = xs_view_mkdir(&view, first[i]);
    }
    return rc;
}

static int make_state(struct xs_store *store, uint32_t seed)
{
    const struct xs_perm dom0 = {0};
    xs_ref ref = xs_alloc(store->arena, sizeof(struct xs_state));
    struct xs_state *state = xs_at(store->arena, ref);

    if (!state) {
        return -ENOMEM;
    }
    memset(state, 0, sizeof(*state));
    store->state = state;
    store->forest =
        (struct xs_forest){.arena = store->arena, .garbage = &state->garbage, .seed = seed};
    state->seed = seed;
    state->gen = 1;
    state->quota = default_quota;
    state->next_conn = 1;
    state->root = xs_node_new(&store->forest, "", 0);
    state->watches = xs_node_new(&store->forest, "", 0);
    if (!state->root || !state->watches) {
        return -ENOMEM;
    }
    xs_store_node(store, state->root)->gen = 1;
    xs_store_node(store, state->root)->perms = xs_perms_new(store, &dom0, 1);
    if (!xs_store_node(store, state->root)->perms) {
        return -ENOMEM;
    }
    XS_SET(store->arena, store->arena->head->root, ref);
    return make_first_nodes(store);
}

/* Sockets ended with the process that had them; rings go on. */
static void close_sockets(struct xs_store *store)
{
    xs_ref ref = store->state->conns;

    while (ref) {
        xs_ref next = xs_conn_at(store, ref)->next;

        xs_conn_at(store, ref)->slot = 0;
        if (xs_conn_at(store, ref)->kind == XS_CONN_SOCKET) {
            xs_conn_close(store, ref);
        }
        ref = next;
    }
}

int xs_store_open(struct xs_store *store, struct xs_arena *arena, uint32_t seed,
                  const struct xs_host *host, void *host_ctx)
{
    int rc;

    *store = (struct xs_store){.arena = arena, .host = host, .host_ctx = host_ctx};
    store->scratch = malloc(sizeof(*store->scratch));
    if (!store->scratch) {
        return -ENOMEM;
    }
    if (!arena->head->root) {
        rc = make_state(store, seed);
        if (rc) {
            xs_rollback(arena);
            xs_store_close(store);
            return rc;
        }
        xs_commit(arena);
        return 0;
    }
    store->state = xs_at(arena, arena->head->root);
    store->forest = (struct xs_forest){
        .arena = arena, .garbage = &store->state->garbage, .seed = store->state->seed};
    close_sockets(store);
    return 0;
}

void xs_store_close(struct xs_store *store)
{
    free(store->scratch);
    store->scratch = NULL;
}

/* One transaction moves up to the tree of now; a stale one lets its snapshot go. */
static void follow(struct xs_store *store, struct xs_tx *tx)
{
    struct xs_state *state = store->state;

    if (xs_tx_follow(store, tx)) {
        xs_rollback(store->arena);
        return;
    }
    if (tx->conflict && tx->base != state->root && state->gen - tx->conflict_gen > STALE_CHANGES) {
        xs_node_get(&store->forest, state->root);
        xs_node_get(&store->forest, state->root);
        xs_node_put(&store->forest, tx->base);
        xs_node_put(&store->forest, tx->root);
        XS_SET(store->arena, tx->base, state->root);
        XS_SET(store->arena, tx->root, state->root);
    }
    xs_commit(store->arena);
}

static void follow_all(struct xs_store *store)
{
    for (xs_ref ref = store->state->conns; ref; ref = xs_conn_at(store, ref)->next) {
        for (xs_ref at = xs_conn_at(store, ref)->txs; at;) {
            struct xs_tx *tx = xs_at(store->arena, at);

            follow(store, tx);
            at = tx->next;
        }
    }
    XS_SET(store->arena, store->state->swept_gen, store->state->gen);
    xs_commit(store->arena);
}

static bool close_one_ended(struct xs_store *store)
{
    for (xs_ref ref = store->state->nr_ended ? store->state->conns : 0; ref;
         ref = xs_conn_at(store, ref)->next) {
        struct xs_conn *conn = xs_conn_at(store, ref);

        if (!(conn->flags & XS_CONN_ENDED)) {
            continue;
        }
        if (xs_conn_strip(store, conn, true)) {
            xs_commit(store->arena);
            return true;
        }
        XS_SET(store->arena, store->state->nr_ended, store->state->nr_ended - 1);
        xs_conn_close(store, ref);
        return store->state->nr_ended != 0;
    }
    return false;
}

bool xs_store_work(struct xs_store *store)
{
    struct xs_state *state = store->state;
    bool more = state->nr_ended && close_one_ended(store);

    if (state->nr_txs &&
        state->gen - state->swept_gen > FOLLOW_EVERY + 16ull * (state->nr_conns + state->nr_txs)) {
        follow_all(store);
    }
    if (state->garbage) {
        more = xs_tree_sweep(&store->forest, SWEEP_STEPS) || more;
        xs_commit(store->arena);
    }
    return more;
}
