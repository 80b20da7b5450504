/* SPDX-License-Identifier: MIT */
/* xeno vcpu-list and vcpu-pin. The columns are those that scripts for xl read; affinities are masks of CPUs 0 to 63. */
#include <stdlib.h>

#include "common/errno.h"
#include "common/format.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

#define CHUNK      32u
#define NS_TENTH_S 100000000ul
#define MAX_VCPUS  128u

struct lister {
    struct cli *c;
    uint64_t all; /* every CPU that the machine has */
    bool json;
    unsigned int rows;
};

/* "0-2,5", or "all" where nothing is left out. */
static void ranges(char *buf, size_t size, uint64_t mask, uint64_t all)
{
    size_t n = 0;

    if ((mask & all) == all || mask == 0) {
        format(buf, size, "all");
        return;
    }
    buf[0] = '\0';
    for (unsigned int from = 0, to; from < 64; from = to + 1) {
        for (to = from; to < 63 && (mask >> from & 1) && (mask >> (to + 1) & 1); to++) {
        }
        if (mask >> from & 1) {
            n += (size_t)format(buf + n, size - n, from == to ? "%s%u" : "%s%u-%u", n ? "," : "", from, to);
            n = n < size ? n : size - 1;
        }
    }
}

static void one_row(struct lister *l, uint32_t domid, const char *name, uint32_t vcpu, const struct xen_domctl_getvcpuinfo *v)
{
    struct cli *c = l->c;
    uint64_t hard, soft, t = (v->cpu_time + NS_TENTH_S / 2) / NS_TENTH_S;
    char hard_text[128], soft_text[128], seconds[24], cpu[12];

    if (xeno_vcpu_get_affinity(&c->m->x, domid, vcpu, &hard, &soft)) {
        hard = soft = l->all;
    }
    ranges(hard_text, sizeof(hard_text), hard, l->all);
    ranges(soft_text, sizeof(soft_text), soft, l->all);
    if (l->json) {
        cli_print(c, "%s    {\"name\": ", l->rows++ ? ",\n" : "");
        cli_json_string(c, name);
        cli_print(c, ", \"domid\": %u, \"vcpu\": %u, \"online\": %s, \"running\": %s, \"blocked\": %s, \"cpu\": %u, \"cpu_ns\": %lu, ", domid,
                  vcpu, v->online ? "true" : "false", v->running ? "true" : "false", v->blocked ? "true" : "false", v->cpu,
                  (uint64_t)v->cpu_time);
        cli_print(c, "\"hard\": \"%s\", \"soft\": \"%s\"}", hard_text, soft_text);
        return;
    }
    format(seconds, sizeof(seconds), "%lu.%lu", t / 10, t % 10);
    format(cpu, sizeof(cpu), v->online ? "%u" : "-", v->cpu);
    cli_print(c, "%-32s %5u %5u %5s   %c%c%c %9s  %s / %s\n", name, domid, vcpu, cpu, v->online && v->running ? 'r' : '-',
              v->online && v->blocked ? 'b' : '-', v->online ? '-' : 'p', seconds, hard_text, soft_text);
}

static void domain_rows(struct lister *l, const struct xen_domctl_getdomaininfo *info)
{
    char buf[32];
    const char *name = manager_name(l->c->m, info->domain, buf, sizeof(buf));

    for (uint32_t v = 0; info->max_vcpu_id != XEN_INVALID_MAX_VCPU_ID && v <= info->max_vcpu_id; v++) {
        struct xen_domctl_getvcpuinfo vcpu;

        if (xeno_vcpu_info(&l->c->m->x, info->domain, v, &vcpu) == 0) {
            one_row(l, info->domain, name, v, &vcpu);
        }
    }
}

static int all_rows(struct lister *l)
{
    xen_domctl_getdomaininfo_t *list = malloc(CHUNK * sizeof(*list));
    uint32_t next = 0;
    long n = 0;

    if (!list) {
        return cli_error(l->c, "vcpu-list", "the control domain is out of memory");
    }
    do {
        n = xeno_domain_list(&l->c->m->x, next, list, CHUNK);
        for (long i = 0; i < n; i++) {
            domain_rows(l, &list[i]);
            next = list[i].domain + 1u;
        }
    } while (n == CHUNK);
    free(list);
    return n < 0 ? cli_error(l->c, "vcpu-list", "cannot list domains: %s", xeno_errno_text(n)) : 0;
}

static uint64_t all_cpus(struct cli *c)
{
    struct xen_sysctl_physinfo phys;

    return xeno_physinfo(&c->m->x, &phys) == 0 && phys.nr_cpus < 64 ? (1ul << phys.nr_cpus) - 1 : UINT64_MAX;
}

int cmd_vcpu_list(struct cli *c, int argc, char **argv)
{
    struct lister l = {.c = c, .all = all_cpus(c), .json = cli_flag(&argc, argv, "--json")};
    int rc = 0;

    for (int i = 1; i < argc; i++) {
        if (cli_domid(c, "vcpu-list", argv[i]) < 0) {
            return 1; /* the error is the only line */
        }
    }
    if (l.json) {
        cli_print(c, "[\n");
    } else {
        cli_print(c, "%-32s %5s %5s %5s %5s %9s  %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)", "Affinity (Hard / Soft)");
    }
    for (int i = 1; i < argc; i++) {
        struct xen_domctl_getdomaininfo info;
        long domid = cli_domid(c, "vcpu-list", argv[i]);

        if (domid >= 0 && xeno_domain_info(&c->m->x, (uint32_t)domid, &info) == 0) {
            domain_rows(&l, &info);
        }
    }
    rc = argc > 1 ? 0 : all_rows(&l);
    if (l.json) {
        cli_print(c, "\n]\n");
    }
    return rc;
}

static long pin(struct cli *c, uint32_t domid, uint32_t vcpu, const uint64_t *hard, const uint64_t *soft)
{
    long rc = hard ? xeno_vcpu_set_affinity(&c->m->x, domid, vcpu, *hard ? *hard : UINT64_MAX) : 0;

    return rc || !soft ? rc : xeno_vcpu_set_soft_affinity(&c->m->x, domid, vcpu, *soft ? *soft : UINT64_MAX);
}

int cmd_vcpu_pin(struct cli *c, int argc, char **argv)
{
    uint64_t hard = 0, soft = 0;
    bool all, has_hard, has_soft = argc == 5;
    long domid, first, rc = 0;
    uint32_t done = 0;

    if (argc != 4 && argc != 5) {
        return cli_usage(c, "vcpu-pin");
    }
    all = strcmp(argv[2], "all") == 0;
    has_hard = strcmp(argv[3], "-") != 0; /* xl: leave it as it is */
    has_soft = has_soft && strcmp(argv[4], "-") != 0;
    if ((has_hard && domain_cpus_parse(argv[3], &hard)) || (has_soft && domain_cpus_parse(argv[4], &soft))) {
        return cli_error(c, "vcpu-pin", "expected a list of CPUs like \"0-3,5,^1\", \"all\", or \"-\" for no change");
    }
    domid = cli_domid(c, "vcpu-pin", argv[1]);
    first = all ? 0 : cli_number(c, "vcpu-pin", argv[2], MAX_VCPUS - 1);
    if (domid < 0 || first < 0) {
        return 1;
    }
    for (uint32_t v = (uint32_t)first; v < MAX_VCPUS && (all || v == (uint32_t)first); v++, done++) {
        rc = pin(c, (uint32_t)domid, v, has_hard ? &hard : NULL, has_soft ? &soft : NULL);
        if (rc) {
            break; /* behind the last vCPU: that is where "all" ends */
        }
    }
    return rc && (done == 0 || !all)
               ? cli_error(c, "vcpu-pin", "%s: %s: is there such a vCPU, and does the machine have one of these CPUs?", argv[1], xeno_errno_text(rc))
               : 0;
}
