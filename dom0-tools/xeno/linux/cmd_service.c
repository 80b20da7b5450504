/* SPDX-License-Identifier: MIT */
/*
 * xeno service: do what the configurations of domains that have ended say, and take out what is left of those that are gone.
 * xenoconsoled runs it; all it knows is in the records, so it matters not when or how often it runs.
 */
#include <syslog.h>

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
