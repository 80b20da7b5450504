/* SPDX-License-Identifier: MIT */
/* Requests to the store, as clients see them: the tree, permissions, quotas, transactions, watches, domains, restarts. */
/* SOURCES: dom0-tools/xenostored/arena.c dom0-tools/xenostored/tree.c dom0-tools/xenostored/wire.c */
/* SOURCES: dom0-tools/xenostored/domain.c dom0-tools/xenostored/node.c dom0-tools/xenostored/tx.c */
/* SOURCES: dom0-tools/xenostored/watch.c dom0-tools/xenostored/conn.c dom0-tools/xenostored/request.c */
/* SOURCES: dom0-tools/xenostored/introduce.c dom0-tools/xenostored/store.c dom0-tools/xenostored/control.c */
/* SOURCES: tests/unit/xs_fixture.c */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/xs_fixture.h"

static struct xs_fixture fixture;
static xs_ref dom0;

#define ASK(client, type, tx, text, reply)                                                         \
    ck_assert_str_eq(xs_ask(&fixture, client, XS_##type, tx, text), reply)

static void setup(void)
{
    xs_fixture_open(&fixture, 32 * 1024 * 1024, 65536);
    dom0 = xs_client(&fixture, 0);
}

static void teardown(void)
{
    ASK(dom0, CONTROL, 0, "check|", "OK|");
    xs_fixture_close(&fixture);
}

static uint32_t start(xs_ref client)
{
    return (uint32_t)strtoul(xs_ask(&fixture, client, XS_TRANSACTION_START, 0, "|"), NULL, 10);
}

START_TEST(tree)
{
    ASK(dom0, DIRECTORY, 0, "/|", "tool|");
    ASK(dom0, READ, 0, "/none|", "ENOENT");
    ASK(dom0, WRITE, 0, "/a/b/c|value", "OK|");
    ASK(dom0, READ, 0, "/a/b/c|", "value");
    ASK(dom0, READ, 0, "/a/b|", "");
    ASK(dom0, WRITE, 0, "/a/b/c|", "OK|");
    ASK(dom0, READ, 0, "/a/b/c|", "");
    ASK(dom0, WRITE, 0, "/a/b/c|x|y|", "OK|");
    ASK(dom0, READ, 0, "/a/b/c|", "x|y|");
    ASK(dom0, MKDIR, 0, "/a/b|", "OK|");
    ASK(dom0, MKDIR, 0, "/a/d|", "OK|");
    ASK(dom0, DIRECTORY, 0, "/a|", "b|d|");
    ASK(dom0, RM, 0, "/a/none|", "OK|");
    ASK(dom0, RM, 0, "/none/none|", "ENOENT");
    ASK(dom0, RM, 0, "/|", "EINVAL");
    ASK(dom0, RM, 0, "/a|", "OK|");
    ASK(dom0, READ, 0, "/a/b/c|", "ENOENT");
    ASK(dom0, READ, 0, "relative|", "ENOENT");
    ASK(dom0, WRITE, 0, "relative|1", "OK|");
    ASK(dom0, READ, 0, "/local/domain/0/relative|", "1");
    ASK(dom0, READ, 0, "|", "EINVAL");
    ASK(dom0, GET_DOMAIN_PATH, 0, "7|", "/local/domain/7|");
}
END_TEST

START_TEST(nonsense)
{
    struct xsd_sockmsg header = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};

    ASK(dom0, READ, 0, "", "EINVAL");
    ASK(dom0, READ, 0, "/tool", "EINVAL");
    ASK(dom0, READ, 0, "/tool|/tool|", "EINVAL");
    ASK(dom0, READ, 0, "//|", "EINVAL");
    ASK(dom0, WRITE, 0, "/x", "EINVAL");
    ASK(dom0, WATCH, 0, "/x|", "EINVAL");
    ASK(dom0, READ, 0, "@releaseDomain|", "EINVAL");
    ASK(dom0, UNWATCH, 0, "@what|x|", "ENOENT");
    ASK(dom0, UNWATCH, 0, "//|x|", "ENOENT");
    ASK(dom0, SET_PERMS, 0, "/tool|", "EINVAL");
    ASK(dom0, SET_PERMS, 0, "/tool|q1|", "EINVAL");
    ASK(dom0, TRANSACTION_END, 0, "T|", "ENOENT");
    ASK(dom0, TRANSACTION_END, 0, "X|", "EINVAL");
    ASK(dom0, READ, 99, "/tool|", "ENOENT");
    ASK(dom0, WATCH_EVENT, 0, "/|", "ENOSYS");
    ASK(dom0, ERROR, 0, "|", "ENOSYS");
    ck_assert_str_eq(xs_ask(&fixture, dom0, 20, 0, "|"), "ENOSYS");
    ck_assert_str_eq(xs_ask(&fixture, dom0, 0xffffffff, 0, "|"), "ENOSYS");
    ASK(dom0, INTRODUCE, 0, "1|2|", "EINVAL");
    ASK(dom0, INTRODUCE, 0, "1|2|0|", "EINVAL");
    ASK(dom0, RELEASE, 0, "1|", "ENOENT");
    ASK(dom0, CONTROL, 0, "dance|", "EINVAL");
    ck_assert(!xs_request(&fixture.store, dom0, &header, "", 0));
}
END_TEST

START_TEST(permissions)
{
    xs_ref one = xs_client(&fixture, 1);
    xs_ref two = xs_client(&fixture, 2);

    ASK(one, WRITE, 0, "/x|1", "EACCES");
    ASK(one, READ, 0, "/tool|", "EACCES");
    ASK(one, READ, 0, "/none|", "EACCES"); /* it may not know whether it is there */
    ASK(dom0, MKDIR, 0, "/local/domain/1|", "OK|");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1|n1|r2|", "OK|");
    ASK(dom0, GET_PERMS, 0, "/local/domain/1|", "n1|r2|");
    ASK(one, WRITE, 0, "data|hello", "OK|");
    ASK(one, READ, 0, "/local/domain/1/data|", "hello");
    ASK(two, READ, 0, "/local/domain/1/data|", "hello");
    ASK(two, WRITE, 0, "/local/domain/1/data|x", "EACCES");
    ASK(two, READ, 0, "/local/domain/1/none|", "ENOENT");
    ASK(one, SET_PERMS, 0, "data|n2|", "EPERM");
    ASK(one, SET_PERMS, 0, "data|b1|", "OK|");
    ASK(two, WRITE, 0, "/local/domain/1/data|x", "OK|");
    ASK(two, WRITE, 0, "/local/domain/1/data/sub|x", "OK|");
    ASK(dom0, GET_PERMS, 0, "/local/domain/1/data/sub|", "b2|");
    ASK(one, GET_PERMS, 0, "@releaseDomain|", "EACCES");
    ASK(one, SET_PERMS, 0, "@releaseDomain|r1|", "EACCES");
    ASK(dom0, SET_PERMS, 0, "@releaseDomain|n0|r1|", "OK|");
    ASK(one, GET_PERMS, 0, "@releaseDomain|", "n0|r1|");
    ASK(one, INTRODUCE, 0, "3|1|1|", "EACCES");
    ASK(one, CONTROL, 0, "check|", "EACCES");
    ASK(one, IS_DOMAIN_INTRODUCED, 0, "2|", "EACCES");
    ASK(dom0, IS_DOMAIN_INTRODUCED, 0, "2|", "T|");
    ASK(dom0, IS_DOMAIN_INTRODUCED, 0, "3|", "F|");
    ASK(dom0, SET_TARGET, 0, "2|1|", "OK|");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1/data|n1|", "OK|");
    ASK(two, READ, 0, "/local/domain/1/data|", "x");
}
END_TEST

/* What a domain was allowed, or owned, is nothing to the next one with its id. */
START_TEST(reused_domid)
{
    xs_ref one = xs_client(&fixture, 1);

    ASK(dom0, WRITE, 0, "/shared|1", "OK|");
    ASK(dom0, SET_PERMS, 0, "/shared|n0|b1|", "OK|");
    ASK(dom0, MKDIR, 0, "/place|", "OK|");
    ASK(dom0, SET_PERMS, 0, "/place|n0|w1|", "OK|");
    ASK(one, WRITE, 0, "/place/left|1", "OK|");
    ASK(one, WRITE, 0, "/place/left/below|1", "OK|");
    ASK(dom0, WRITE, 0, "/place/kept|1", "OK|");
    ASK(one, READ, 0, "/shared|", "1");
    ASK(dom0, RELEASE, 0, "1|", "OK|");
    ASK(dom0, DIRECTORY, 0, "/place|", "kept|");
    one = xs_client(&fixture, 1);
    ASK(one, READ, 0, "/shared|", "EACCES");
    ASK(one, WRITE, 0, "/place/again|1", "EACCES");
    ASK(dom0, SET_PERMS, 0, "/shared|n0|r1|", "OK|");
    ASK(one, READ, 0, "/shared|", "1");
}
END_TEST

START_TEST(transactions)
{
    xs_ref other = xs_client(&fixture, 0);
    uint32_t tx = start(dom0);
    uint32_t second;

    /* Private until the end. */
    ASK(dom0, WRITE, tx, "/a/b|1", "OK|");
    ASK(dom0, READ, tx, "/a/b|", "1");
    ASK(other, READ, 0, "/a/b|", "ENOENT");
    ASK(other, READ, tx, "/a/b|", "ENOENT"); /* not its transaction */
    ASK(dom0, TRANSACTION_START, tx, "|", "EBUSY");
    ASK(dom0, TRANSACTION_END, tx, "T|", "OK|");
    ASK(other, READ, 0, "/a/b|", "1");
    ASK(dom0, TRANSACTION_END, tx, "T|", "ENOENT");
    /* Given up. */
    tx = start(dom0);
    ASK(dom0, RM, tx, "/a|", "OK|");
    ASK(dom0, READ, tx, "/a/b|", "ENOENT");
    ASK(dom0, TRANSACTION_END, tx, "F|", "OK|");
    ASK(dom0, READ, 0, "/a/b|", "1");
    /* Others' changes elsewhere are no conflict, and both stay. */
    tx = start(dom0);
    ASK(dom0, WRITE, tx, "/a/b|2", "OK|");
    ASK(other, WRITE, 0, "/c|3", "OK|");
    ASK(dom0, WRITE, tx, "/d/e|4", "OK|");
    ASK(other, WRITE, 0, "/c|5", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "OK|");
    ASK(other, DIRECTORY, 0, "/|", "a|c|d|tool|");
    ASK(other, READ, 0, "/a/b|", "2");
    ASK(other, READ, 0, "/c|", "5");
    /* A change of what was read is. */
    tx = start(dom0);
    second = start(other);
    ASK(dom0, READ, tx, "/c|", "5");
    ASK(other, WRITE, second, "/c|6", "OK|");
    ASK(dom0, WRITE, tx, "/f|1", "OK|");
    ASK(other, TRANSACTION_END, second, "T|", "OK|");
    ASK(dom0, READ, tx, "/c|", "5"); /* one consistent tree */
    ASK(dom0, TRANSACTION_END, tx, "T|", "EAGAIN");
    ASK(dom0, READ, 0, "/f|", "ENOENT");
    ASK(dom0, TRANSACTION_END, tx, "F|", "ENOENT");
}
END_TEST

START_TEST(transaction_conflicts)
{
    xs_ref other = xs_client(&fixture, 0);
    uint32_t tx;

    ASK(dom0, WRITE, 0, "/a/b/c|1", "OK|");
    /* A change before the first use is none. */
    tx = start(dom0);
    ASK(dom0, READ, tx, "/tool|", "");
    ASK(other, WRITE, 0, "/a/b/c|2", "OK|");
    ASK(dom0, READ, tx, "/a/b/c|", "2");
    ASK(dom0, WRITE, tx, "/a/b/d|3", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "OK|");
    /* Below a removed node. */
    tx = start(dom0);
    ASK(dom0, RM, tx, "/a|", "OK|");
    ASK(other, WRITE, 0, "/a/b/c|4", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "EAGAIN");
    ASK(dom0, READ, 0, "/a/b/c|", "4");
    /* But not if it was before the removal. */
    tx = start(dom0);
    ASK(dom0, READ, tx, "/tool|", "");
    ASK(other, WRITE, 0, "/a/b/c|4", "OK|");
    ASK(dom0, RM, tx, "/a/b|", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "OK|");
    /* Removed and made again, while others write elsewhere. */
    tx = start(dom0);
    ASK(dom0, RM, tx, "/a|", "OK|");
    ASK(dom0, WRITE, tx, "/a/x|5", "OK|");
    ASK(other, WRITE, 0, "/tool/z|1", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "OK|");
    ASK(dom0, DIRECTORY, 0, "/a|", "x|");
    /* A name that somebody else took meanwhile. */
    tx = start(dom0);
    ASK(dom0, WRITE, tx, "/n/1|", "OK|");
    ASK(other, WRITE, 0, "/n/2|", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "EAGAIN");
    /* What was not there is there. */
    tx = start(dom0);
    ASK(dom0, READ, tx, "/tool/new|", "ENOENT");
    ASK(other, WRITE, 0, "/tool/new|1", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "EAGAIN");
    /* A list of names that has changed. */
    tx = start(dom0);
    ASK(dom0, DIRECTORY, tx, "/n|", "2|");
    ASK(other, RM, 0, "/n/2|", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "EAGAIN");
}
END_TEST

START_TEST(watches)
{
    xs_ref other = xs_client(&fixture, 0);
    xs_ref one = xs_client(&fixture, 1);
    uint32_t tx;

    ASK(dom0, WATCH, 0, "/a|t|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "/a t;");
    ASK(dom0, WATCH, 0, "/a|t|", "EEXIST");
    ASK(dom0, WATCH, 0, "/a/b/c|u|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "/a/b/c u;");
    ASK(other, WRITE, 0, "/a/b/c/d|1", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "/a/b/c/d t;/a/b/c/d u;");
    ASK(other, WRITE, 0, "/ab|1", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "");
    /* The parent's going is told to who watches below, if it was there. */
    ASK(dom0, WATCH, 0, "/a/none|v|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "/a/none v;");
    ASK(other, RM, 0, "/a|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "/a t;/a/b/c u;");
    /* The same event waits once. */
    tx = start(other);
    ASK(other, WRITE, tx, "/a/x|1", "OK|");
    ASK(other, WRITE, tx, "/a/x|2", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "");
    ASK(other, TRANSACTION_END, tx, "T|", "OK|");
    ASK(other, WRITE, 0, "/a/x|3", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "/a/x t;");
    ASK(dom0, UNWATCH, 0, "/a|t|", "OK|");
    ASK(dom0, UNWATCH, 0, "/a|t|", "ENOENT");
    ASK(other, WRITE, 0, "/a/x|4", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "");
    /* Relative paths come back relative; only what may be read is told. */
    ASK(dom0, MKDIR, 0, "/local/domain/1|", "OK|");
    ASK(one, WATCH, 0, "data|w|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "data w;");
    ASK(dom0, WRITE, 0, "/local/domain/1/data|1", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1/data|r0|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "data w;");
    /* Who loses the right to know of it learns of that alone, in a transaction too. */
    ASK(dom0, SET_PERMS, 0, "/local/domain/1/data|n0|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "data w;");
    ASK(dom0, WRITE, 0, "/local/domain/1/data|1", "OK|");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1/data|n0|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1/data|r0|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "data w;");
    tx = start(dom0);
    ASK(dom0, SET_PERMS, tx, "/local/domain/1/data|n0|", "OK|");
    ASK(dom0, TRANSACTION_END, tx, "T|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "data w;");
    ASK(one, RESET_WATCHES, 0, "|", "OK|");
    ASK(dom0, WRITE, 0, "/local/domain/1/data|2", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "");
}
END_TEST

START_TEST(domains)
{
    xs_ref one = xs_client(&fixture, 1);

    ASK(dom0, WATCH, 0, "@another|i|", "OK|");
    ASK(dom0, WATCH, 0, "@other|i|", "OK|");
    ASK(dom0, WATCH, 0, "@other|i|", "EEXIST");
    ck_assert_str_eq(xs_events(&fixture, dom0), "@another i;@other i;");
    ASK(dom0, UNWATCH, 0, "@other|i|", "OK|");
    ASK(dom0, UNWATCH, 0, "@other|i|", "ENOENT");
    ASK(dom0, WATCH, 0, "@introduceDomain|i|", "OK|");
    ASK(dom0, WATCH, 0, "@releaseDomain|r|", "OK|");
    ASK(one, WATCH, 0, "@releaseDomain|r|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "@introduceDomain i;@releaseDomain r;");
    ck_assert_str_eq(xs_events(&fixture, one), "@releaseDomain r;");
    ASK(dom0, INTRODUCE, 0, "5|-1234|7|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "@introduceDomain i;");
    ASK(dom0, INTRODUCE, 0, "5|-1234|7|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "");
    ASK(dom0, RESUME, 0, "5|", "OK|");
    xs_domain_shut_down(&fixture.store, 5);
    xs_domain_shut_down(&fixture.store, 5);
    ck_assert_str_eq(xs_events(&fixture, dom0), "@releaseDomain r;");
    ASK(dom0, RESUME, 0, "5|", "OK|");
    xs_domain_shut_down(&fixture.store, 5);
    ck_assert_str_eq(xs_events(&fixture, dom0), "@releaseDomain r;");
    ASK(dom0, RELEASE, 0, "5|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, dom0), "@releaseDomain r;");
    ck_assert_str_eq(xs_events(&fixture, one), ""); /* not its business unless dom0 says so */
    ASK(dom0, RESUME, 0, "5|", "ENOENT");
    ck_assert_ptr_eq(xs_domain_next(&fixture.store, 2), NULL);
    ck_assert_uint_eq(xs_domain_next(&fixture.store, 0)->domid, 1);
    xs_domain_gone(&fixture.store, 1);
    while (xs_store_work(&fixture.store)) {
    }
    ck_assert_uint_eq(fixture.store.state->nr_conns, 1);
}
END_TEST

START_TEST(quotas)
{
    xs_ref one = xs_client(&fixture, 1);
    char text[4097];
    uint32_t tx;

    ASK(dom0, MKDIR, 0, "/local/domain/1|", "OK|");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1|n1|", "OK|");
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_ne(start(one), 0);
    }
    ASK(one, TRANSACTION_START, 0, "|", "ENOSPC");
    ASK(one, RESET_WATCHES, 0, "|", "OK|");
    for (int i = 0; i < 128; i++) {
        snprintf(text, sizeof(text), "x|%d|", i);
        ASK(one, WATCH, 0, text, "OK|");
    }
    ASK(one, WATCH, 0, "x|more|", "E2BIG");
    memset(text, 'v', sizeof(text));
    memcpy(text, "data|", 5);
    text[5 + 2100] = 0;
    ASK(one, WRITE, 0, text, "ENOSPC");
    ASK(dom0, WRITE, 0, text, "OK|");
    ASK(one, SET_PERMS, 0, "/local/domain/1|n1|r2|r3|r4|r5|r6|", "ENOSPC");
    for (int i = 1; i < 1000; i++) {
        snprintf(text, sizeof(text), "d%d/n%d|", i / 50, i);
        ck_assert_str_eq(xs_ask(&fixture, one, XS_WRITE, 0, text), i < 980 ? "OK|" : "ENOSPC");
    }
    ASK(dom0, CONTROL, 0, "quota|1|",
        "nodes        1000\nwatches      128\ntransactions 0\noutstanding  0\n|");
    tx = start(one);
    ASK(one, RM, tx, "d3|", "OK|");
    ASK(one, WRITE, tx, "again|1", "OK|");
    ASK(one, TRANSACTION_END, tx, "T|", "OK|");
    ASK(dom0, CONTROL, 0, "quota|1|",
        "nodes        950\nwatches      128\ntransactions 0\noutstanding  0\n|");
    ASK(dom0, RM, 0, "/local/domain/1|", "OK|");
    ASK(dom0, CONTROL, 0, "quota|1|",
        "nodes        0\nwatches      128\ntransactions 0\noutstanding  0\n|");
    ASK(dom0, CONTROL, 0, "quota|set|watches|500|", "OK|");
    ASK(one, WATCH, 0, "x|more|", "OK|");
}
END_TEST

/* Who does not take his events is cut off; who writes does not notice. */
START_TEST(events_are_bounded)
{
    xs_ref one = xs_client(&fixture, 1);
    char text[64];

    ASK(dom0, MKDIR, 0, "/local/domain/1|", "OK|");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1|n1|", "OK|");
    ASK(one, WATCH, 0, "/local/domain/1|w|", "OK|");
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof(text), "/local/domain/1/%d|", i);
        ASK(dom0, WRITE, 0, text, "OK|");
    }
    ck_assert(xs_conn_at(&fixture.store, one)->flags & XS_CONN_BROKEN);
    ck_assert_uint_le(xs_conn_at(&fixture.store, one)->nr_events, 1024);
    ck_assert(xs_conn_must_wait(&fixture.store, xs_conn_at(&fixture.store, one)));
}
END_TEST

START_TEST(directory_in_parts)
{
    char text[64];
    char want[32];
    char gen[24] = "";
    size_t offset = 0;
    int seen = 0;
    bool end = false;

    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof(text), "/d/n%04d|", i);
        ASK(dom0, WRITE, 0, text, "OK|");
    }
    ASK(dom0, DIRECTORY, 0, "/d|", "E2BIG");
    while (!end) {
        const char *reply;

        snprintf(text, sizeof(text), "/d|%zu|", offset);
        reply = xs_ask(&fixture, dom0, XS_DIRECTORY_PART, 0, text);
        ck_assert(strlen(reply) <= 4096);
        if (!gen[0]) {
            memcpy(gen, reply, strcspn(reply, "|") + 1);
        }
        ck_assert(strncmp(reply, gen, strlen(gen)) == 0);
        reply += strlen(gen);
        while (*reply && *reply != '|') {
            snprintf(want, sizeof(want), "n%04d|", seen++);
            ck_assert(strncmp(reply, want, 6) == 0);
            reply += 6;
            offset += 6;
        }
        end = *reply == '|';
    }
    ck_assert_int_eq(seen, 2000);
    snprintf(text, sizeof(text), "/d|%zu|", offset);
    ck_assert(strstr(xs_ask(&fixture, dom0, XS_DIRECTORY_PART, 0, text), "||"));
    ASK(dom0, DIRECTORY_PART, 0, "/d|x|", "EINVAL");
    ASK(dom0, RM, 0, "/d|", "OK|");
}
END_TEST

/* A new process in the same memory: rings with all they had are there, sockets are not. */
START_TEST(restart)
{
    xs_ref one = xs_client(&fixture, 1);
    uint32_t tx;

    ASK(dom0, MKDIR, 0, "/local/domain/1|", "OK|");
    ASK(dom0, SET_PERMS, 0, "/local/domain/1|n1|", "OK|");
    ASK(one, WATCH, 0, "data|w|", "OK|");
    ASK(dom0, WATCH, 0, "/|gone|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "data w;");
    tx = start(one);
    ASK(one, WRITE, tx, "data|1", "OK|");
    ASK(dom0, WRITE, 0, "/before|1", "OK|");
    xs_fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.store.state->nr_conns, 1);
    ck_assert_uint_eq(fixture.store.state->nr_watches, 1);
    dom0 = xs_client(&fixture, 0);
    ASK(dom0, READ, 0, "/before|", "1");
    ASK(one, READ, tx, "data|", "1");
    ASK(one, TRANSACTION_END, tx, "T|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, one), "data w;");
    ASK(dom0, READ, 0, "/local/domain/1/data|", "1");
}
END_TEST

/* When all that clients made is gone, the memory is what it was. */
START_TEST(nothing_leaks)
{
    xs_ref one = xs_client(&fixture, 1);
    uint64_t used;
    char text[64];

    ASK(dom0, RELEASE, 0, "1|", "OK|");
    while (xs_store_work(&fixture.store)) {
    }
    used = fixture.arena.head->used;
    for (int round = 0; round < 3; round++) {
        xs_ref other = xs_client(&fixture, 0);
        uint32_t tx = start(other);

        one = xs_client(&fixture, 1);
        ASK(dom0, MKDIR, 0, "/local/domain/1|", "OK|");
        ASK(dom0, SET_PERMS, 0, "/local/domain/1|n1|", "OK|");
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof(text), "d%d/n%d|%d", i % 7, i, i);
            ASK(one, WRITE, 0, text, "OK|");
            snprintf(text, sizeof(text), "/local/domain/1/d%d/n%d|", i % 7, i);
            ck_assert_str_eq(xs_ask(&fixture, other, i % 3 ? XS_RM : XS_WRITE, tx, text), "OK|");
            snprintf(text, sizeof(text), "d%d/n%d|t|", i % 7, i);
            xs_ask(&fixture, one, XS_WATCH, 0, text);
        }
        ASK(other, TRANSACTION_START, 0, "|", "2|");
        xs_conn_close(&fixture.store, other);
        ASK(dom0, RELEASE, 0, "1|", "OK|");
        ASK(dom0, RM, 0, "/local|", "OK|");
        while (xs_store_work(&fixture.store)) {
        }
        ck_assert_uint_eq(fixture.arena.head->used, used);
    }
}
END_TEST

START_TEST(read_only)
{
    xs_ref reader = xs_conn_open(&fixture.store, 0, XS_CONN_PRIVILEGED | XS_CONN_READ_ONLY);

    ASK(reader, READ, 0, "/tool|", "");
    ASK(reader, WRITE, 0, "/x|1", "EROFS");
    ASK(reader, RM, 0, "/tool|", "EROFS");
    ASK(reader, INTRODUCE, 0, "1|1|1|", "EROFS");
    ASK(reader, WATCH, 0, "/tool|t|", "OK|");
    ck_assert_str_eq(xs_events(&fixture, reader), "/tool t;");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("xs_store");
    TCase *tc = tcase_create("store");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, tree);
    tcase_add_test(tc, nonsense);
    tcase_add_test(tc, permissions);
    tcase_add_test(tc, reused_domid);
    tcase_add_test(tc, transactions);
    tcase_add_test(tc, transaction_conflicts);
    tcase_add_test(tc, watches);
    tcase_add_test(tc, domains);
    tcase_add_test(tc, quotas);
    tcase_add_test(tc, events_are_bounded);
    tcase_add_test(tc, directory_in_parts);
    tcase_add_test(tc, restart);
    tcase_add_test(tc, nothing_leaks);
    tcase_add_test(tc, read_only);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
