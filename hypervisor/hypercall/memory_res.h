/* SPDX-License-Identifier: MIT */
/*
 * memory_op's calls on a domain's frames: populate, increase, decrease, exchange. Each works through extents and stops at
 * preemption points with *done telling how far it came.
 */
#ifndef HYPERCALL_MEMORY_RES_H
#define HYPERCALL_MEMORY_RES_H

#include <xen/memory.h>

#include "common/compiler.h"
#include "domain/domain.h"

/*
 * Extents [*done, nr) of r for d: 0 when the end was reached or an extent could not be had (then *done < nr, as the ABI wants
 * it), -ERESTART, -EFAULT and the like.
 */
int memory_populate(struct domain *d, const struct xen_memory_reservation *r, bool with_pfns,
                    uint64_t *done) __must_check;
int memory_decrease(struct domain *d, const struct xen_memory_reservation *r,
                    uint64_t *done) __must_check;

/* Trades chunks from x->nr_exchanged on, which rises. 0, -ERESTART, -ENOMEM, -EINVAL …. */
int memory_exchange(struct domain *d, struct xen_memory_exchange *x) __must_check;

#endif
