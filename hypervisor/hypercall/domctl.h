/* SPDX-License-Identifier: MIT */
/*
 * Control operations as rows of one table. The runner copies the request in, checks version and target, takes a reference,
 * calls the row's handler on the private copy, and copies back where the row says so. Handlers return 0, -E… or -ERESTART.
 */
#ifndef HYPERCALL_DOMCTL_H
#define HYPERCALL_DOMCTL_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/domctl.h>

#include "domain/domain.h"

enum domctl_target {
    DOMCTL_NO_TARGET, /* the handler finds its domain itself, d is NULL */
    DOMCTL_ANY,
    DOMCTL_NOT_SELF,
};

struct domctl_row {
    int64_t (*run)(struct domain *d, struct xen_domctl *op);
    uint8_t target;   /* enum domctl_target */
    bool copy_back;
};

#define DOMCTL(name, target, back) int64_t domctl_##name(struct domain *d, struct xen_domctl *op);
#include "hypercall/domctls.def"
#undef DOMCTL

/* Fill an info structure; d is referenced by the caller. For sysctl's list as well. */
void domain_info_fill(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* CPU masks as the ABI passes them: read up to 64 bits, or write ours; -EFAULT, -EINVAL. */
int cpumap_read(const struct xenctl_bitmap *map, uint64_t *mask);
int cpumap_write(const struct xenctl_bitmap *map, uint64_t mask);

#endif
