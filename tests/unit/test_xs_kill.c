/* SPDX-License-Identifier: MIT */
/* Kills the store in the middle of random requests: whatever it had written by then, the next process goes on from before
 * the request or from after it. The kill is a fault: the undo log is laid so that a chosen entry lies on a page without access. */
/* SOURCES: dom0-tools/xenostored/arena.c dom0-tools/xenostored/tree.c dom0-tools/xenostored/wire.c */
/* SOURCES: dom0-tools/xenostored/domain.c dom0-tools/xenostored/node.c dom0-tools/xenostored/tx.c */
/* SOURCES: dom0-tools/xenostored/watch.c dom0-tools/xenostored/conn.c dom0-tools/xenostored/request.c */
/* SOURCES: dom0-tools/xenostored/introduce.c dom0-tools/xenostored/store.c dom0-tools/xenostored/control.c */
/* SOURCES: tests/unit/xs_fixture.c */
#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/xs_fixture.h"

#define UNDO      16384u
#define DUMP_SIZE 262144

static struct xs_fixture victim, twin;
static struct xs_undo *log_end; /* first entry without access */
static sigjmp_buf killed;
static uint32_t random_state = 1;

static uint32_t pick(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static void on_fault(int signal)
{
    (void)signal;
    siglongjmp(killed, 1);
}

/* Let the n-th note of a scope be the last one that is not made. */
static void kill_at(uint32_t n)
{
    victim.arena.undo = log_end - n;
    victim.arena.undo_length = UNDO;
}

static void map_log(void)
{
    char *at = mmap(NULL, UNDO * sizeof(struct xs_undo) + 4096, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

    ck_assert_ptr_ne(at, MAP_FAILED);
    log_end = (struct xs_undo *)(void *)(at + UNDO * sizeof(struct xs_undo));
    ck_assert_int_eq(mprotect(log_end, 4096, PROT_NONE), 0);
    ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
    free(victim.arena.undo);
    kill_at(UNDO);
}

/* Everything a client could ever learn. */
static void dump(struct xs_fixture *fixture, char *text)
{
    static struct xs_walk walk;
    const struct xs_store *store = &fixture->store;
    char *at = text;

    xs_walk_start(&walk, &store->forest, store->state->root, "/");
    for (xs_ref ref = store->state->root; ref; ref = xs_walk_next(&walk, false)) {
        const struct xs_node *node = xs_node_at(&store->forest, ref);
        const struct xs_block *value = xs_at(store->arena, node->value);
        const struct xs_block *perms = xs_at(store->arena, node->perms);

        at += sprintf(at, "%s %llu %u '%.*s' ", walk.path, (unsigned long long)node->gen,
                      node->nr_children, node->value_len, value ? value->data : "");
        for (uint32_t i = 0; i < perms->len; i++) {
            at += sprintf(at, "%02x", (unsigned char)perms->data[i]);
        }
        at += sprintf(at, "\n");
    }
    for (xs_ref ref = store->state->conns; ref; ref = xs_conn_at(store, ref)->next) {
        const struct xs_conn *conn = xs_conn_at(store, ref);

        at +=
            sprintf(at, "%u: %u watches %u transactions %u bytes %u events %u taken\n", conn->id,
                    conn->nr_watches, conn->nr_txs, conn->out_bytes, conn->nr_events, conn->in_pos);
    }
    for (const struct xs_domain *domain = NULL;
         (domain = xs_domain_next(store, domain ? domain->domid + 1u : 0)) != NULL;) {
        at += sprintf(at, "domain %u: %u nodes\n", domain->domid, domain->nr_nodes);
    }
    sprintf(at, "generation %llu", (unsigned long long)store->state->gen);
    ck_assert(at < text + DUMP_SIZE - 100);
}

struct request {
    struct xsd_sockmsg header;
    char payload[256];
    uint32_t client; /* its number */
};

static void make_request(struct request *request)
{
    static const uint32_t types[] = {XS_WRITE,
                                     XS_WRITE,
                                     XS_WRITE,
                                     XS_MKDIR,
                                     XS_RM,
                                     XS_READ,
                                     XS_WATCH,
                                     XS_SET_PERMS,
                                     XS_UNWATCH,
                                     XS_TRANSACTION_START,
                                     XS_TRANSACTION_END,
                                     XS_DIRECTORY,
                                     XS_RESET_WATCHES,
                                     XS_INTRODUCE,
                                     XS_RELEASE};
    uint32_t type = types[pick(pick(8) ? 12 : ARRAY_SIZE(types))];
    char path[64];
    int len = 0;

    snprintf(path, sizeof(path), "/%c/%c/%c", 'a' + (int)pick(2), 'a' + (int)pick(3),
             'a' + (int)pick(4));
    path[2 * (1 + pick(3))] = 0;
    request->client = pick(3);
    request->header =
        (struct xsd_sockmsg){.type = type, .req_id = random_state, .tx_id = pick(2) ? pick(4) : 0};
    switch (type) {
    case XS_WRITE:
        len = sprintf(request->payload, "%s%c%0*u", path, 0, 1 + (int)pick(60), pick(1000));
        break;
    case XS_WATCH:
    case XS_UNWATCH:
        len = sprintf(request->payload, "%s%c%u", path, 0, pick(3)) + 1;
        break;
    case XS_SET_PERMS:
        len = sprintf(request->payload, "%s%cb%u%cr%u", path, 0, pick(3), 0, pick(3)) + 1;
        break;
    case XS_TRANSACTION_END:
        len = sprintf(request->payload, pick(4) ? "T" : "F") + 1;
        break;
    case XS_INTRODUCE:
        len = sprintf(request->payload, "%u%c1%c1", 3 + pick(2), 0, 0) + 1;
        break;
    case XS_RELEASE:
        len = sprintf(request->payload, "%u", 3 + pick(2)) + 1;
        break;
    default:
        len = sprintf(request->payload, "%s", path) + 1;
        break;
    }
    request->header.len = (uint32_t)len;
}

static xs_ref client_of(const struct xs_fixture *fixture, uint32_t number)
{
    xs_ref ref = fixture->store.state->conns;

    while (xs_conn_at(&fixture->store, ref)->id != number + 1) {
        ref = xs_conn_at(&fixture->store, ref)->next;
    }
    return ref;
}

static void ask(struct xs_fixture *fixture, const struct request *request)
{
    ck_assert(xs_request(&fixture->store, client_of(fixture, request->client), &request->header,
                         request->payload, request->header.len + 16));
}

static void read_all(struct xs_fixture *fixture)
{
    const char *bytes;
    size_t len;

    for (uint32_t i = 0; i < 3; i++) {
        struct xs_conn *conn = xs_conn_at(&fixture->store, client_of(fixture, i));

        while ((len = xs_conn_output(&fixture->store, conn, &bytes)) > 0) {
            xs_conn_sent(&fixture->store, conn, MIN(len, 1 + (size_t)pick(100)));
        }
    }
}

START_TEST(killed_anywhere)
{
    static char before[DUMP_SIZE], after[DUMP_SIZE], found[DUMP_SIZE];
    static struct request request;
    static unsigned int kills, before_it; /* siglongjmp() leaves them alone */

    xs_fixture_open(&twin, 4 * 1024 * 1024, UNDO);
    xs_fixture_open(&victim, 4 * 1024 * 1024, UNDO);
    map_log();
    for (uint16_t domid = 0; domid < 3; domid++) {
        for (int i = 0; i < 2; i++) {
            struct xs_fixture *fixture = i ? &victim : &twin;

            /* All of them rings: they outlive the process. */
            ck_assert_int_eq(xs_domain_introduce(&fixture->store, domid, 1, 1), 0);
        }
    }
    for (unsigned int step = 0; step < 5000; step++) {
        uint32_t seed;

        make_request(&request);
        dump(&twin, before);
        ask(&twin, &request);
        dump(&twin, after);
        kill_at(pick(4) ? 1 + pick(80) : UNDO);
        if (sigsetjmp(killed, 1) == 0) {
            ask(&victim, &request);
            kill_at(UNDO);
        } else {
            struct xs_undo *entries = victim.arena.undo;

            /* The next process maps the same entries, with room behind them. */
            kills++;
            kill_at(UNDO);
            memmove(victim.arena.undo, entries, victim.arena.head->nr_undo * sizeof(*entries));
            xs_fixture_reopen(&victim);
            dump(&victim, found);
            if (strcmp(found, before) == 0) {
                before_it++;
                ask(&victim, &request);
            }
        }
        dump(&victim, found);
        ck_assert_str_eq(found, after);
        if (pick(6) == 0) {
            seed = random_state;
            read_all(&twin);
            random_state = seed;
            read_all(&victim);
        }
        while (xs_store_work(&twin.store)) {
        }
        while (xs_store_work(&victim.store)) {
        }
        ck_assert_uint_eq(twin.arena.head->used, victim.arena.head->used);
    }
    ck_assert_uint_gt(kills, 300);
    ck_assert_uint_gt(before_it, 300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xs_kill");
    TCase *tc = tcase_create("kill");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, killed_anywhere);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
