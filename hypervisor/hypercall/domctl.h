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

int64_t domctl_createdomain(struct domain *d, struct xen_domctl *op);
int64_t domctl_destroydomain(struct domain *d, struct xen_domctl *op);
int64_t domctl_pausedomain(struct domain *d, struct xen_domctl *op);
int64_t domctl_unpausedomain(struct domain *d, struct xen_domctl *op);
int64_t domctl_getdomaininfo(struct domain *d, struct xen_domctl *op);
int64_t domctl_resumedomain(struct domain *d, struct xen_domctl *op);
int64_t domctl_setdomainhandle(struct domain *d, struct xen_domctl *op);
int64_t domctl_setdebugging(struct domain *d, struct xen_domctl *op);
int64_t domctl_settimeoffset(struct domain *d, struct xen_domctl *op);
int64_t domctl_address_size_set(struct domain *d, struct xen_domctl *op);
int64_t domctl_address_size_get(struct domain *d, struct xen_domctl *op);
int64_t domctl_settscinfo(struct domain *d, struct xen_domctl *op);
int64_t domctl_gettscinfo(struct domain *d, struct xen_domctl *op);

int64_t domctl_max_vcpus(struct domain *d, struct xen_domctl *op);
int64_t domctl_setvcpucontext(struct domain *d, struct xen_domctl *op);
int64_t domctl_getvcpucontext(struct domain *d, struct xen_domctl *op);
int64_t domctl_sethvmcontext(struct domain *d, struct xen_domctl *op);
int64_t domctl_gethvmcontext(struct domain *d, struct xen_domctl *op);
int64_t domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op);
int64_t domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op);
int64_t domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op);
int64_t domctl_setnodeaffinity(struct domain *d, struct xen_domctl *op);
int64_t domctl_getnodeaffinity(struct domain *d, struct xen_domctl *op);
int64_t domctl_scheduler_op(struct domain *d, struct xen_domctl *op);

int64_t domctl_max_mem(struct domain *d, struct xen_domctl *op);
int64_t domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op);
int64_t domctl_hypercall_init(struct domain *d, struct xen_domctl *op);

/* Fill an info structure; d is referenced by the caller. For sysctl's list as well. */
void domain_info_fill(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* CPU masks as the ABI passes them: read up to 64 bits, or write ours; -EFAULT, -EINVAL. */
int cpumap_read(const struct xenctl_bitmap *map, uint64_t *mask);
int cpumap_write(const struct xenctl_bitmap *map, uint64_t mask);

#endif
