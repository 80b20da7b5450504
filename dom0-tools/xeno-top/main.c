/* SPDX-License-Identifier: MIT */
/*
 * xeno-top: what 'xeno top' becomes on a terminal, xeno-top [-i COUNT] [-d SECONDS]. The one tool that is not static: its screen is
 * ncurses', which wants the machine's library and its descriptions of terminals.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libxeno/linux/registry.h"
#include "xeno-top/view.h"

static const char *take(void *ctx, struct top *t)
{
    int rc = top_take(t, ctx);

    return rc == 0    ? NULL
           : rc == -1 ? "cannot list domains"
                      : "the control domain is out of memory";
}

/* A number of at most six digits; -1. */
static long number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    return *text && !*end && n >= 0 && n <= 1000000 ? n : -1;
}

int main(int argc, char **argv)
{
    static struct xeno_linux l;
    static struct manager m;
    static struct registry r;
    struct view v = {.delay_ms = 3000, .take = take, .ctx = &m, .table = {.order = TOP_BY_CPU}};
    struct xeno_error err;
    int option, status;

    while ((option = getopt(argc, argv, "i:d:")) != -1) {
        long n = option == '?' ? -1 : number(optarg);

        if (n < 0) {
            fprintf(stderr, "usage: xeno-top [-i COUNT] [-d SECONDS] (started by xeno top)\n");
            return 2;
        }
        if (option == 'i') {
            v.count = n;
        } else {
            v.delay_ms = n ? (unsigned int)n * 1000 : 100;
        }
    }
    if (xeno_linux_open(&l, &err)) {
        fprintf(stderr, "xeno top: %s\n", err.text);
        return EXIT_FAILURE;
    }
    manager_init(&m, &l.t);
    registry_init(&r, &l, &m);
    status = view_run(&v);
    registry_close(&r);
    top_free(&v.table);
    xeno_linux_close(&l);
    return status;
}
