/* SPDX-License-Identifier: MIT */
/*
 * xeno service: do what the configurations of domains that have ended say, and take out what is left of those that are gone.
 * xenoconsoled runs it; all it knows is in the records, so it matters not when or how often it runs. And dump-core, by hand.
 */
#include <syslog.h>

#include "libxeno/linux/dump_core.h"
#include "xeno/linux/place.h"

static void log_line(void *ctx, const char *line)
{
    (void)ctx;
    syslog(LOG_DAEMON | LOG_NOTICE, "%s", line);
}

int cmd_service(struct cli *c, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    openlog("xeno", LOG_PID, LOG_DAEMON);
    c->m->log = log_line;
    manager_service(c->m);
    return 0;
}

/* Paused meanwhile, so that the core is of one moment. */
int cmd_dump_core(struct cli *c, int argc, char **argv)
{
    struct xeno_error err;
    long domid, rc;
    int status;

    if (argc != 3) {
        return cli_usage(c, "dump-core");
    }
    domid = cli_domid(c, "dump-core", argv[1]);
    if (domid < 0) {
        return 1;
    }
    if (domid == (long)c->m->x.t->own_domid) {
        return cli_error(c, "dump-core", "%s is this control domain: it cannot stop itself",
                         argv[1]);
    }
    rc = xeno_domain_pause(&c->m->x, (uint32_t)domid);
    if (rc) {
        return cli_error(c, "dump-core", "%s: %s", argv[1], xeno_errno_text(rc));
    }
    status = linux_dump_core(place->l, (uint32_t)domid, argv[2], &err);
    xeno_domain_unpause(&c->m->x, (uint32_t)domid);
    return status ? cli_error(c, "dump-core", "%s", err.text) : 0;
}
