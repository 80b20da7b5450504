/* SPDX-License-Identifier: MIT */
/* grant_table_op: hands the array to grant/ and turns its progress into a continuation with the rest of the array. */
#include <xen/grant_table.h>

#include "common/errno.h"
#include "grant/grant.h"
#include "hypercall/hypercall.h"

static uint32_t elem_size(uint32_t cmd)
{
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return sizeof(struct gnttab_map_grant_ref);
    case GNTTABOP_unmap_grant_ref:
        return sizeof(struct gnttab_unmap_grant_ref);
    default:
        return sizeof(struct gnttab_copy);
    }
}

int64_t hc_grant_table_op(uint64_t cmd, uint64_t uop, uint64_t count)
{
    uint32_t op = (uint32_t)cmd, nr = (uint32_t)count, done = 0;
    long rc = grant_table_op(op, gva_make(uop), nr, &done);

    if (rc == -ERESTART) {
        return hc_continue_grant_table_op(cmd, uop + (uint64_t)done * elem_size(op), nr - done);
    }
    return rc;
}
