/* SPDX-License-Identifier: MIT */
/*
 * The table of control operations and its runner. Who may call at all is the hypercall table's matter (CTRL); whom a row may
 * be used on is this one's. An operation that is not here answers -ENOSYS.
 */
#include "hypercall/domctl.h"

#include "common/compiler.h"
#include "common/errno.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

static const struct domctl_row rows[] = {
#define DOMCTL(name, target, back) [XEN_DOMCTL_##name] = {domctl_##name, DOMCTL_##target, back},
#include "hypercall/domctls.def"
#undef DOMCTL
};

static int target_find(const struct domctl_row *row, domid_t id, struct domain **d)
{
    *d = NULL;
    if (row->target == DOMCTL_NO_TARGET) {
        return 0;
    }
    *d = domain_get_by_id(id);
    if (!*d) {
        return -ESRCH;
    }
    if (row->target == DOMCTL_NOT_SELF && *d == current_domain()) {
        domain_put(*d);
        return -EINVAL;
    }
    return 0;
}

int64_t hc_domctl(uint64_t addr)
{
    struct xen_domctl op;
    const struct domctl_row *row;
    struct domain *d;
    int64_t rc = guest_read(&op, gva_make(addr), sizeof(op));

    if (rc) {
        return rc;
    }
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op.cmd >= ARRAY_SIZE(rows) || !rows[op.cmd].run) {
        return -ENOSYS;
    }
    row = &rows[op.cmd];
    rc = target_find(row, op.domain, &d);
    if (rc) {
        return rc;
    }
    rc = row->run(d, &op);
    if (d) {
        domain_put(d);
    }
    if (rc == -ERESTART) {
        return hc_continue_domctl(addr);
    }
    if (rc == 0 && row->copy_back) {
        rc = guest_write(gva_make(addr), &op, sizeof(op));
    }
    return rc;
}
