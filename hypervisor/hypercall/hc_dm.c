/* SPDX-License-Identifier: MIT */
/* Thin decoder of dm_op: the first buffer holds the operation, which is copied once and written back whole. */
#include <xen/hvm/dm_op.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "full/full.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"

int64_t hc_dm_op(uint64_t domid, uint64_t nr_bufs, uint64_t bufs)
{
    struct xen_dm_op op = {.op = 0};
    struct xen_dm_op_buf buf;
    struct domain *d = domain_get_by_id((domid_t)domid);
    uint64_t bytes;
    int64_t rc;

    if (!d) {
        return -ESRCH;
    }
    rc = d->full && nr_bufs ? guest_read(&buf, gva_make(bufs), sizeof(buf)) : -EINVAL;
    if (rc == 0) {
        bytes = MIN(buf.size, sizeof(op));
        rc = guest_read(&op, gva_make((uint64_t)buf.h.p), bytes);
        rc = rc ? rc : op.pad ? -EINVAL : full_dm_op(d, &op);
        rc = rc ? rc : guest_write(gva_make((uint64_t)buf.h.p), &op, bytes);
    }
    domain_put(d);
    return rc;
}
