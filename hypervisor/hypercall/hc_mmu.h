/* SPDX-License-Identifier: MIT */
/*
 * Whose memory a call means: the domain numbers that memory calls take, with the privileges that go with them.
 */
#ifndef HYPERCALL_HC_MMU_H
#define HYPERCALL_HC_MMU_H

#include <xen/xen.h>

#include "common/compiler.h"
#include "domain/domain.h"

/* d has a reference (to be given back by owner_put), or is NULL for the caller itself and for the special owners. */
struct owner_ref {
    struct domain *d;
    struct mm_owner *o;
};

/*
 * DOMID_SELF or the caller's own number: itself. DOMID_IO: device memory. DOMID_XEN and other domains: control domains
 * only. -ESRCH, -EPERM.
 */
int owner_get(domid_t id, struct owner_ref *out) __must_check;

/* The same for the owner of the frames of a page-table call, where the caller's own number names nobody (as on Xen): -ESRCH. */
int foreign_get(domid_t id, struct owner_ref *out) __must_check;
void owner_put(struct owner_ref *r);

/* Top bit of a call's count: *done already holds what was done before the call was preempted. */
#define COUNT_CONTINUED 0x80000000u

/*
 * The `done` pointer of batches (0: none): what it held when the call was continued; and the report at the
 * end of a call. A bad address is the caller's own loss, as on Xen.
 */
uint32_t hc_done_before(uint64_t done_ptr);
void hc_done_report(uint64_t done_ptr, uint32_t done);

#endif
