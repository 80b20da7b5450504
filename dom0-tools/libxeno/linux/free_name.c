/* SPDX-License-Identifier: MIT */
/*
 * Whether a domain may have a name, without a list of all domains: what a command takes that makes one should not grow with how many
 * there are.
 * Invariant: true only if each record has its domain, nothing is unfinished and no living domain has the name. Whatever else there is,
 * refresh() sorts it out.
 */
#include <string.h>

#include "libxeno/linux/registry.h"

struct look {
    struct registry *r;
    const char *name;
    uint64_t recorded[DOMID_FIRST_RESERVED / 64 + 1]; /* a bit a number */
    unsigned int records_left;                        /* whose domains have not been seen */
    bool taken;
};

static void see_record(void *ctx, uint32_t domid, const char *name)
{
    struct look *k = ctx;

    k->recorded[domid / 64] |= UINT64_C(1) << domid % 64;
    k->records_left++;
    k->taken = k->taken || strcmp(name, k->name) == 0;
}

static void see_domain(void *ctx, const struct xen_domctl_getdomaininfo *info)
{
    struct look *k = ctx;
    char name[DOMAIN_NAME_MAX];

    if (info->domain < DOMID_FIRST_RESERVED && k->recorded[info->domain / 64] >> info->domain % 64 & 1) {
        k->records_left--;
    } else if (info->domain != k->r->l->t.own_domid) {
        k->taken = k->taken || (registry_foreign_name(k->r, info->domain, name) && strcmp(name, k->name) == 0);
    }
}

bool registry_name_is_free(void *ctx, const char *name)
{
    struct registry *r = ctx;
    struct look k = {.r = r, .name = name};

    return !unfinished_is_there() && record_each(REGISTRY_LIVING, see_record, &k) == 0 &&
           xeno_each_domain(&r->m->x, see_domain, &k) == 0 && k.records_left == 0 && !k.taken;
}
