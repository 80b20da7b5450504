/* SPDX-License-Identifier: MIT */
/*
 * libxeno's store client at work, for test_store_clients.py: what the tools ask of a daemon, each answer in a line. The daemon is
 * the one that XENSTORED_PATH names; all must answer the same.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libxeno/linux/store.h"

#define NODES 40

static struct xeno_store s, other;

static void say(const char *what, long rc, const char *text)
{
    printf("%s: %s%s%s\n", what, rc < 0 ? strerror((int)-rc) : "ok", text ? " " : "", text ? text : "");
}

static void read_one(const char *path)
{
    char value[256] = "";
    long n = store_read(&s, path, value, sizeof(value));

    say(path, n, n < 0 ? NULL : value);
}

/* As a domain's nodes are made: many requests in one transaction, sent in one piece. */
static void domain(void)
{
    char path[64], value[32];

    say("begin", store_begin(&s), NULL);
    store_mkdir(&s, "/local/domain/7");
    store_perms(&s, "/local/domain/7", "n0 r7");
    for (int i = 0; i < NODES; i++) {
        snprintf(path, sizeof(path), "/local/domain/7/data/%d", i);
        snprintf(value, sizeof(value), "value %d", i);
        store_write(&s, path, value);
    }
    say("commit", store_commit(&s), NULL);
    read_one("/local/domain/7/data/39");
    read_one("/local/domain/7/data/40");
}

/* A connection that watches asks nothing else: events between replies are dropped. */
static void events(void)
{
    char path[64];
    long n;

    store_watch(&s, "/watched", "token");
    say("watch", store_flush(&s), NULL);
    n = store_event(&s, path, sizeof(path));
    say("first event", n, path);
    say("open", store_open(&other), NULL);
    store_write(&other, "/watched/below", "x");
    say("write", store_flush(&other), NULL);
    store_close(&other);
    n = store_event(&s, path, sizeof(path));
    say("event", n, path);
}

int main(void)
{
    char names[256];
    long n;
    int rc = store_open(&s);

    if (rc) {
        say("open", rc, NULL);
        return 1;
    }
    domain();
    n = store_list(&s, "/local/domain/7", names, sizeof(names));
    say("list", n, n < 0 ? NULL : names);
    store_write(&s, "no//path", "x");
    say("bad path", store_flush(&s), NULL);
    say("begin again", store_begin(&s), NULL);
    store_write(&s, "/local/domain/7/name", "seven");
    store_rm(&s, "/never/was");
    say("a transaction with an error in it", store_commit(&s), NULL);
    read_one("/local/domain/7/name");
    events();
    store_rm(&s, "/local/domain/7");
    say("rm", store_flush(&s), NULL);
    read_one("/local/domain/7/data/0");
    store_close(&s);
    return 0;
}
