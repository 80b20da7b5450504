/* SPDX-License-Identifier: MIT */
/*
 * xeno console: what a domain has said from its first byte, then what it says, until it ends (status 0) or the operator
 * types Ctrl-]. --log prints what there is, also of a domain that has ended, and returns.
 */
#include "common/string.h"
#include "xeno/xeno_cli.h"

#define DETACH 0x1d /* Ctrl-] */

static void print_new(struct cli *c, const struct managed *d, uint64_t *pos)
{
    char buf[512];
    size_t n;

    while ((n = console_log_read(&d->log, pos, buf, sizeof(buf))) != 0) {
        c->io->out(c->io->ctx, buf, n);
    }
}

/* The record may be trimmed while we wait: look it up again by what it was. */
static struct managed *still_there(struct cli *c, const char *name, uint32_t domid)
{
    struct managed *d = c->m->list;

    while (d && (d->last_domid != domid || strcmp(d->name, name) != 0)) {
        d = d->next;
    }
    return d;
}

static int follow(struct cli *c, struct managed *d)
{
    char name[DOMAIN_NAME_MAX];
    uint32_t domid = d->last_domid;
    uint64_t pos = 0;
    bool input = true;

    memcpy(name, d->name, sizeof(name));
    while (d) {
        char buf[64];
        const char *end;
        long n;

        print_new(c, d, &pos);
        if (d->domid == DOMID_NONE || d->ended != END_NOT) {
            return 0;
        }
        n = c->io->wait_input(c->io->ctx, buf, sizeof(buf));
        end = n > 0 ? memchr(buf, DETACH, (size_t)n) : NULL;
        d = still_there(c, name, domid);
        if (n > 0 && d && input) {
            manager_console_input(d, buf, end ? (size_t)(end - buf) : (size_t)n);
        }
        if (end) {
            return 0;
        }
        input = input && n >= 0;
    }
    return 0;
}

int cmd_console(struct cli *c, int argc, char **argv)
{
    bool log = argc > 1 && strcmp(argv[1], "--log") == 0;
    struct xeno_error err;
    struct managed *d;
    uint64_t pos = 0;

    if (argc != 2 + log) {
        return cli_usage(c, "console");
    }
    d = log ? manager_record(c->m, argv[1 + log]) : NULL;
    if (!d) {
        d = manager_find(c->m, argv[1 + log], &err);
    }
    if (!d) {
        /* One that has just ended: its last words, rather than an error. */
        d = manager_record(c->m, argv[1 + log]);
        if (!d || log) {
            return cli_error(c, "console", "%s", err.text);
        }
        log = true;
    }
    if (log) {
        print_new(c, d, &pos);
        return 0;
    }
    return follow(c, d);
}
