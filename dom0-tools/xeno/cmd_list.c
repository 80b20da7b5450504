/* SPDX-License-Identifier: MIT */
/*
 * xeno list, vm-list, domid, domname: formats are those that scripts for xl parse (six blank-separated fields, literal tabs in
 * the header). Why a domain ended is told to a person at a terminal, to --ended and to --json, never to a script's plain list.
 */
#include <stdlib.h>

#include "common/format.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

#define MIB_PAGES  256u
#define NS_TENTH_S 100000000ul

enum style { STYLE_TABLE, STYLE_LONG, STYLE_JSON };

struct lister {
    struct cli *c;
    enum style style;
    bool verbose, numa, pool, ended;
    unsigned int rows;
};

#define RED   "\033[31m"
#define PLAIN "\033[m"

static void tenths(char *buf, size_t size, uint64_t ns)
{
    uint64_t t = (ns + NS_TENTH_S / 2) / NS_TENTH_S;

    format(buf, size, "%lu.%lu", t / 10, t % 10);
}

static void print_uuid(struct cli *c, const struct xen_domctl_getdomaininfo *info)
{
    for (unsigned int i = 0; i < sizeof(info->handle); i++) {
        cli_print(c, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", info->handle[i]);
    }
}

static uint32_t shutdown_code(const struct xen_domctl_getdomaininfo *info)
{
    return info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

static void row_table(const struct lister *l, const struct xen_domctl_getdomaininfo *info,
                      const char *name)
{
    struct cli *c = l->c;
    char state[7], seconds[24];
    bool red;

    xeno_state_text(info, state);
    red = c->terminal && state[4] == 'c';
    tenths(seconds, sizeof(seconds), info->cpu_time);
    cli_print(c, "%s%-40s %5u %5lu %5u     %s  %8s", red ? RED : "", name, info->domain,
              (uint64_t)info->tot_pages / MIB_PAGES, info->nr_online_vcpus, state, seconds);
    if (l->verbose) {
        cli_print(c, " ");
        print_uuid(c, info);
        if (info->flags & XEN_DOMINF_shutdown) {
            cli_print(c, " %8x %16s", shutdown_code(info), "-");
        } else {
            cli_print(c, " %8s %16s", "-", "-");
        }
    }
    cli_print(c, "%s%s%s\n", l->pool ? "         Pool-0" : "", l->numa ? " all" : "",
              red ? PLAIN : "");
}

static void row_long(struct lister *l, const struct xen_domctl_getdomaininfo *info, const char *name)
{
    struct cli *c = l->c;

    cli_print(c, "%s    {\n        \"domid\": %u,\n        \"config\": {\n            \"c_info\": {\n                \"type\": \"pv\",\n"
                 "                \"name\": ",
              l->rows ? ",\n" : "", info->domain);
    cli_json_string(c, name);
    cli_print(c, ",\n                \"uuid\": \"");
    print_uuid(c, info);
    cli_print(
        c,
        "\"\n            },\n            \"b_info\": {\n                \"max_vcpus\": %u,\n                \"max_memkb\": %lu\n"
        "            }\n        }\n    }",
        info->max_vcpu_id + 1, (uint64_t)info->max_pages * 4);
}

static void row_json(struct lister *l, const struct xen_domctl_getdomaininfo *info, const char *name)
{
    struct cli *c = l->c;
    char state[7];

    xeno_state_text(info, state);
    cli_print(c, "%s    {\"name\": ", l->rows ? ",\n" : "");
    cli_json_string(c, name);
    cli_print(c, ", \"domid\": %u, \"state\": \"%s\", \"memory_kib\": %lu, \"max_memory_kib\": %lu, \"vcpus\": %u, \"cpu_ns\": %lu",
              info->domain, state, (uint64_t)info->tot_pages * 4, (uint64_t)info->max_pages * 4, info->nr_online_vcpus,
              (uint64_t)info->cpu_time);
    if (info->flags & XEN_DOMINF_shutdown) {
        cli_print(c, ", \"shutdown_reason\": %u", shutdown_code(info));
    }
    if (c->trouble && c->trouble(c, info->domain)) {
        cli_print(c, ", \"trouble\": ");
        cli_json_string(c, c->trouble(c, info->domain));
    }
    cli_print(c, "}");
}

/* Beside the table, which is for parsers. */
static void trouble(struct cli *c, uint32_t domid, const char *name)
{
    const char *what = c->trouble ? c->trouble(c, domid) : NULL;

    if (what) {
        cli_error(c, "list", "%s: %s", name, what);
    }
}

static void row(void *ctx, const struct xen_domctl_getdomaininfo *info)
{
    struct lister *l = ctx;
    char buf[32];
    const char *name = manager_name(l->c->m, info->domain, buf, sizeof(buf));

    if (l->style == STYLE_TABLE) {
        row_table(l, info, name);
        trouble(l->c, info->domain, name);
    } else if (l->style == STYLE_LONG) {
        row_long(l, info, name);
    } else {
        row_json(l, info, name);
    }
    l->rows++;
}

static int all_rows(struct lister *l)
{
    long rc = xeno_each_domain(&l->c->m->x, row, l);

    return rc ? cli_error(l->c, "list", "cannot list domains: %s", xeno_errno_text(rc)) : 0;
}

static int named_rows(struct lister *l, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        struct xen_domctl_getdomaininfo info;
        long domid = cli_domid(l->c, "list", argv[i]);

        if (domid < 0) {
            return 1;
        }
        if (xeno_domain_info(&l->c->m->x, (uint32_t)domid, &info)) {
            return cli_error(l->c, "list", "%s: it has just gone", argv[i]);
        }
        row(l, &info);
    }
    return 0;
}

/* Domains that ended lately, with the reason. */
static void ended_rows(struct lister *l)
{
    struct cli *c = l->c;
    bool title = l->style == STYLE_TABLE;

    for (struct managed *d = c->m->list; d; d = d->next) {
        if (d->domid != DOMID_NONE) {
            continue;
        }
        manager_load(c->m, d);
        if (l->style == STYLE_TABLE) {
            cli_print(c, "%s%-40s %5u  %s%s%s\n",
                      title ? "\nEnded                                       ID  Why\n" : "",
                      d->name, d->last_domid, c->terminal && d->ended == END_CRASH ? RED : "",
                      manager_end_text(d->ended),
                      c->terminal && d->ended == END_CRASH ? PLAIN : "");
        } else {
            cli_print(c, "%s    {\"name\": ", l->rows ? ",\n" : "");
            cli_json_string(c, d->name);
            cli_print(c, ", \"domid\": %u, \"ended\": \"%s\"}", d->last_domid,
                      manager_end_text(d->ended));
        }
        title = false;
        l->rows++;
    }
}

static int options(struct lister *l, int argc, char **argv)
{
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "-l") || !strcmp(argv[i], "--long")) {
            l->style = STYLE_LONG;
        } else if (!strcmp(argv[i], "--json")) {
            l->style = STYLE_JSON;
        } else if (!strcmp(argv[i], "-v") || !strcmp(argv[i], "--verbose")) {
            l->verbose = true;
        } else if (!strcmp(argv[i], "-n") || !strcmp(argv[i], "--numa")) {
            l->numa = true; /* memory is not told apart by nodes here */
        } else if (!strcmp(argv[i], "-c") || !strcmp(argv[i], "--cpupool")) {
            l->pool = true; /* there is one */
        } else if (!strcmp(argv[i], "--ended")) {
            l->ended = true;
        } else {
            return -1;
        }
    }
    return i;
}

static void title(const struct lister *l)
{
    if (l->style != STYLE_TABLE) {
        cli_print(l->c, "[\n");
        return;
    }
    cli_print(l->c,
              "Name                                        ID   Mem VCPUs\tState\tTime(s)%s%s%s\n",
              l->verbose ? "   UUID                            Reason-Code\tSecurity Label" : "",
              l->pool ? "         Cpupool" : "", l->numa ? " NODE Affinity" : "");
}

int cmd_list(struct cli *c, int argc, char **argv)
{
    struct lister l = {.c = c, .style = STYLE_TABLE};
    int i = options(&l, argc, argv), rc;

    if (i < 0) {
        return cli_usage(c, "list");
    }
    for (int k = i; k < argc; k++) {
        if (cli_domid(c, "list", argv[k]) < 0) {
            return 1; /* the error is the only line */
        }
    }
    title(&l);
    rc = i < argc ? named_rows(&l, argc - i, argv + i) : all_rows(&l);
    if (rc == 0 && i == argc &&
        (l.style == STYLE_JSON || (l.style == STYLE_TABLE && (l.ended || c->terminal)))) {
        ended_rows(&l);
    }
    if (l.style != STYLE_TABLE) {
        cli_print(c, "\n]\n");
    }
    return rc;
}

static void vm_row(struct cli *c, const struct xen_domctl_getdomaininfo *info, bool json,
                   bool first)
{
    char buf[32];
    const char *name = manager_name(c->m, info->domain, buf, sizeof(buf));

    if (json) {
        cli_print(c, "%s    {\"uuid\": \"", first ? "" : ",\n");
        print_uuid(c, info);
        cli_print(c, "\", \"domid\": %u, \"name\": ", info->domain);
        cli_json_string(c, name);
        cli_print(c, "}");
        return;
    }
    print_uuid(c, info);
    cli_print(c, "  %d    %-30s\n", info->domain, name);
}

int cmd_vm_list(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json"), first = true;
    struct xen_domctl_getdomaininfo info;

    if (argc != 1) {
        return cli_usage(c, "vm-list");
    }
    cli_print(c, json ? "[\n" : "UUID                                  ID    name\n");
    for (uint32_t next = 0; xeno_domain_list(&c->m->x, next, &info, 1) == 1;
         next = info.domain + 1u) {
        vm_row(c, &info, json, first);
        first = false;
    }
    cli_print(c, "%s", json ? "\n]\n" : "");
    return 0;
}

int cmd_domid(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json");
    long domid;

    if (argc != 2) {
        return cli_usage(c, "domid");
    }
    domid = cli_domid(c, "domid", argv[1]);
    if (domid < 0) {
        return 1;
    }
    cli_print(c, json ? "{\"domid\": %ld}\n" : "%ld\n", domid);
    return 0;
}

int cmd_domname(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json");
    struct xen_domctl_getdomaininfo info;
    char buf[32], *end;
    unsigned long id;

    if (argc != 2) {
        return cli_usage(c, "domname");
    }
    id = strtoul(argv[1], &end, 10);
    if (*end || id >= DOMID_FIRST_RESERVED || xeno_domain_info(&c->m->x, (uint32_t)id, &info)) {
        return cli_error(c, "domname", "%s: no such domain: 'xeno list' shows those that there are", argv[1]);
    }
    if (!json) {
        cli_print(c, "%s\n", manager_name(c->m, (uint32_t)id, buf, sizeof(buf)));
        return 0;
    }
    cli_print(c, "{\"name\": ");
    cli_json_string(c, manager_name(c->m, (uint32_t)id, buf, sizeof(buf)));
    cli_print(c, "}\n");
    return 0;
}
