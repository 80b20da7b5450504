/* SPDX-License-Identifier: MIT */
/* xeno sched-credit2: weights and caps, of one domain or of all. */
#include <stdlib.h>

#include "common/string.h"
#include "xeno/xeno_cli.h"

#define CHUNK      32u
#define MAX_WEIGHT 65535

static void show_one(struct cli *c, uint32_t domid, bool json, bool first)
{
    char buf[32];
    const char *name = manager_name(c->m, domid, buf, sizeof(buf));
    uint32_t weight, cap;

    if (xeno_domain_get_sched(&c->m->x, domid, &weight, &cap)) {
        return; /* it has just gone */
    }
    if (!json) {
        cli_print(c, "%-33s %4u %6u %4u\n", name, domid, weight, cap);
        return;
    }
    cli_print(c, "%s    {\"name\": ", first ? "" : ",\n");
    cli_json_string(c, name);
    cli_print(c, ", \"domid\": %u, \"weight\": %u, \"cap\": %u}", domid, weight, cap);
}

static int show(struct cli *c, long domid, bool json)
{
    xen_domctl_getdomaininfo_t *list = malloc(CHUNK * sizeof(*list));
    uint32_t next = 0;
    bool first = true;
    long n = 0;

    if (!list) {
        return cli_error(c, "sched-credit2", "the control domain is out of memory");
    }
    if (json) {
        cli_print(c, "[\n");
    } else {
        cli_print(c, "%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
    }
    if (domid >= 0) {
        show_one(c, (uint32_t)domid, json, true);
    }
    do {
        n = domid >= 0 ? 0 : xeno_domain_list(&c->m->x, next, list, CHUNK);
        for (long i = 0; i < n; i++, first = false) {
            show_one(c, list[i].domain, json, first);
            next = list[i].domain + 1u;
        }
    } while (n == CHUNK);
    if (json) {
        cli_print(c, "\n]\n");
    }
    free(list);
    return n < 0 ? 1 : 0;
}

struct request {
    const char *domain, *weight, *cap;
};

static int options(int argc, char **argv, struct request *r)
{
    for (int i = 1; i < argc; i += 2) {
        const char **slot = !strcmp(argv[i], "-d")   ? &r->domain
                            : !strcmp(argv[i], "-w") ? &r->weight
                            : !strcmp(argv[i], "-c") ? &r->cap
                                                     : NULL;

        if (!slot || i + 1 == argc) {
            return -1;
        }
        *slot = argv[i + 1];
    }
    return !r->domain && (r->weight || r->cap) ? -1 : 0;
}

int cmd_sched_credit2(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json");
    struct request r = {.domain = NULL};
    uint32_t weight = 0, cap = 0;
    long domid = -1, w, k, rc;

    if (options(argc, argv, &r)) {
        return cli_usage(c, "sched-credit2");
    }
    if (r.domain) {
        domid = cli_domid(c, "sched-credit2", r.domain);
        if (domid < 0) {
            return 1;
        }
    }
    if (!r.weight && !r.cap) {
        return show(c, domid, json);
    }
    rc = xeno_domain_get_sched(&c->m->x, (uint32_t)domid, &weight, &cap);
    w = r.weight ? cli_number(c, "sched-credit2", r.weight, MAX_WEIGHT) : (long)weight;
    k = r.cap ? cli_number(c, "sched-credit2", r.cap, MAX_WEIGHT) : (long)cap;
    if (w < 0 || k < 0) {
        return 1;
    }
    if (r.weight && w == 0) {
        return cli_error(c, "sched-credit2", "'%s': expected a weight from 1 to %d", r.weight, MAX_WEIGHT);
    }
    rc = rc ? rc : xeno_domain_set_sched(&c->m->x, (uint32_t)domid, (uint32_t)w, (uint32_t)k);
    return rc ? cli_error(c, "sched-credit2", "%s: %s", r.domain, xeno_errno_text(rc)) : 0;
}
