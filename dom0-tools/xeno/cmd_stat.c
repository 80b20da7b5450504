/* SPDX-License-Identifier: MIT */
/*
 * xeno stat: what each vCPU of a domain has asked of the hypervisor and where time went. Counts are exact; times are TSC
 * ticks turned into microseconds, where the hypervisor measures them.
 */
#include <stdlib.h>

#include "common/errno.h"
#include "common/string.h"
#include "xeno/counter_names.h"
#include "xeno/xeno_cli.h"

#define MAX_COUNTERS 128u

static void print_vcpu(struct cli *c, uint32_t vcpu, const xenolith_counter_t *k, long nr,
                       uint64_t tsc_khz, bool json, bool first)
{
    if (json) {
        cli_print(c, "%s    {\"vcpu\": %u, \"counters\": [", first ? "" : ",\n", vcpu);
    }
    for (long i = 0; i < nr; i++) {
        uint64_t us = tsc_khz ? k[i].tsc / (tsc_khz / 1000 ? tsc_khz / 1000 : 1) : 0;

        if (json) {
            cli_print(
                c,
                "%s\n        {\"kind\": \"%s\", \"index\": %u, \"name\": \"%s\", \"count\": %lu, \"tsc\": %lu, \"us\": %lu}",
                i ? "," : "", counter_kind(k[i].kind), k[i].index,
                counter_name(k[i].kind, k[i].index), k[i].count, k[i].tsc, us);
        } else {
            cli_print(c, "%5u %-10s %4u %-30s %12lu %12lu\n", vcpu, counter_kind(k[i].kind),
                      k[i].index, counter_name(k[i].kind, k[i].index), k[i].count, us);
        }
    }
    if (json) {
        cli_print(c, "]}");
    }
}

int cmd_stat(struct cli *c, int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    xenolith_counter_t *k;
    uint32_t vcpu = 0;
    long domid, rc;
    uint64_t khz;

    if (argc != 2 + json) {
        return cli_usage(c, "stat");
    }
    domid = cli_domid(c, "stat", argv[1 + json]);
    if (domid < 0) {
        return 1;
    }
    k = malloc(MAX_COUNTERS * sizeof(*k));
    if (!k) {
        return cli_error(c, "stat", "the control domain is out of memory");
    }
    for (;; vcpu++) {
        rc = xeno_counters(&c->m->x, (uint32_t)domid, vcpu, k, MAX_COUNTERS, &khz);
        if (rc < 0) {
            break;
        }
        if (vcpu == 0 && json) {
            cli_print(c, "[\n");
        } else if (vcpu == 0) {
            cli_print(c, "%5s %-10s %4s %-30s %12s %12s\n", "vCPU", "kind", "nr", "what", "count",
                      "time/us");
        }
        print_vcpu(c, vcpu, k, rc, khz, json, vcpu == 0);
    }
    free(k);
    if (vcpu == 0) { /* nothing is printed yet */
        return cli_error(c, "stat",
                         rc == -ENOSYS ? "this hypervisor keeps no counters: they are Xenolith's"
                                       : "%s: %s",
                         argv[1 + json], xeno_errno_text(rc));
    }
    if (json) {
        cli_print(c, "\n]\n");
    }
    return 0;
}
