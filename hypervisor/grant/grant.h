/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: a domain lets another map or copy single frames. Entries are guest memory: each flag word is
 * read once and changed by compare-and-swap, with a bounded number of tries.
 */
#ifndef GRANT_GRANT_H
#define GRANT_GRANT_H

#include <stdint.h>

#include <xen/grant_table.h>

#include "domain/domain.h"

/*
 * The GNTTABOP multiplexer on a guest array: uop is the guest address of count elements. Preemptible: -ERESTART with
 * *done elements finished; otherwise 0 or -E…, with each element's own status in the array.
 */
long grant_table_op(uint32_t cmd, gva_t uop, uint32_t count, uint32_t *done);

/* Frame idx of d's table for XENMEM_acquire_resource and add_to_physmap; grows it within the limit. */
int grant_table_frame(struct domain *d, uint32_t idx, mfn_t *out);

#endif
