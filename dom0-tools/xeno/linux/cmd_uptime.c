/* SPDX-License-Identifier: MIT */
/* xeno uptime: since when each domain has run. The control domain's is the kernel's own; others' is in their records. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "xeno/linux/place.h"

static int64_t own_uptime(void)
{
    struct timespec t;

    return clock_gettime(CLOCK_BOOTTIME, &t) ? 0 : (int64_t)t.tv_sec;
}

static void row(struct cli *c, const char *name, uint32_t domid, int64_t seconds, bool json,
                bool first)
{
    char days[24] = "";

    if (json) {
        cli_print(c, "%s    {\"name\": ", first ? "" : ",\n");
        cli_json_string(c, name);
        cli_print(c, ", \"domid\": %u, \"uptime_s\": %ld}", domid, seconds);
        return;
    }
    if (seconds >= 86400) {
        snprintf(days, sizeof(days), "%ld day%s, ", seconds / 86400,
                 seconds >= 2 * 86400 ? "s" : "");
    }
    cli_print(c, "%-33s %4u %s%2ld:%02ld:%02ld\n", name, domid, days, seconds / 3600 % 24,
              seconds / 60 % 60, seconds % 60);
}

int cmd_uptime(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json"), first = true;
    long only = argc > 1 ? cli_domid(c, "uptime", argv[1]) : -1;
    int64_t now = (int64_t)time(NULL);

    if (argc > 2) {
        return cli_usage(c, "uptime");
    }
    if (argc > 1 && only < 0) {
        return 1;
    }
    if (json) {
        cli_print(c, "[\n");
    } else {
        cli_print(c, "%-33s %4s %s\n", "Name", "ID", "Uptime");
    }
    if (only < 0 || only == (long)c->m->x.t->own_domid) {
        row(c, "Domain-0", c->m->x.t->own_domid, own_uptime(), json, first);
        first = false;
    }
    for (struct managed *d = c->m->list; d; d = d->next) {
        if (d->domid == DOMID_NONE || (only >= 0 && only != (long)d->domid)) {
            continue;
        }
        manager_load(c->m, d);
        row(c, d->name, d->domid, d->started ? now - d->started : 0, json, first);
        first = false;
    }
    if (json) {
        cli_print(c, "\n]\n");
    }
    return 0;
}
