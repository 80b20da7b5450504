/* SPDX-License-Identifier: MIT */
/*
 * libxeno: control of domains over a transport. Functions return 0 or more, or -errno; build functions also leave one line
 * for the operator in struct xeno_error. No globals.
 */
#ifndef LIBXENO_XENO_H
#define LIBXENO_XENO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/xenolith.h>

#include "libxeno/transport.h"

struct xeno {
    const struct xeno_transport *t;
};

/* What went wrong: what, where, what to do. One line without a newline. */
struct xeno_error {
    char text[320];
};

/* Set the line and return -1, so that callers can `return xeno_fail(err, …)`. */
int xeno_fail(struct xeno_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A name for an errno value, for messages: "not permitted", "no such domain" … */
const char *xeno_errno_text(long rc);

/* ---- domctl: one wrapper an operation ---- */
long xeno_domain_create(struct xeno *x, uint32_t *domid, const struct xen_domctl_createdomain *cfg);
long xeno_domain_destroy(struct xeno *x, uint32_t domid);
long xeno_domain_pause(struct xeno *x, uint32_t domid);
long xeno_domain_unpause(struct xeno *x, uint32_t domid);
/* Exactly this domain: -ESRCH when it is not there. */
long xeno_domain_info(struct xeno *x, uint32_t domid, struct xen_domctl_getdomaininfo *info);
/* The state column of lists: "r-----" and so on, never r or b together with d. */
void xeno_state_text(const struct xen_domctl_getdomaininfo *info, char out[7]);
long xeno_domain_max_vcpus(struct xeno *x, uint32_t domid, uint32_t max);
long xeno_domain_max_mem(struct xeno *x, uint32_t domid, uint64_t kib);
long xeno_domain_set_context(struct xeno *x, uint32_t domid, uint32_t vcpu,
                             vcpu_guest_context_t *ctx);
long xeno_domain_get_context(struct xeno *x, uint32_t domid, uint32_t vcpu,
                             vcpu_guest_context_t *ctx);
/* Frames of the machine in, XEN_DOMCTL_PFINFO_* out: XTAB for one that is not the domain's. At most 1024 at a time. */
long xeno_frame_kinds(struct xeno *x, uint32_t domid, xen_pfn_t *frames, uint64_t nr);
/* Save records of a fully virtualized domain. */
long xeno_domain_set_hvm_context(struct xeno *x, uint32_t domid, const void *records, uint32_t bytes);
long xeno_domain_hypercall_page(struct xeno *x, uint32_t domid, uint64_t mfn);
long xeno_domain_set_sched(struct xeno *x, uint32_t domid, uint32_t weight, uint32_t cap);
long xeno_domain_get_sched(struct xeno *x, uint32_t domid, uint32_t *weight, uint32_t *cap);
long xeno_vcpu_info(struct xeno *x, uint32_t domid, uint32_t vcpu, struct xen_domctl_getvcpuinfo *info);
long xeno_vcpu_set_affinity(struct xeno *x, uint32_t domid, uint32_t vcpu, uint64_t cpus);
/* Masks of CPUs 0 to 63 that the vCPU may run on, and prefers. */
long xeno_vcpu_get_affinity(struct xeno *x, uint32_t domid, uint32_t vcpu, uint64_t *hard, uint64_t *soft);
long xeno_vcpu_set_soft_affinity(struct xeno *x, uint32_t domid, uint32_t vcpu, uint64_t cpus);
/* XEN_DOMCTL_SENDTRIGGER_* */
long xeno_domain_trigger(struct xeno *x, uint32_t domid, uint32_t trigger, uint32_t vcpu);
long xeno_domain_shutdown_as(struct xeno *x, uint32_t domid, uint32_t reason);

/* ---- sysctl ---- */
long xeno_physinfo(struct xeno *x, struct xen_sysctl_physinfo *info);
/* Up to max entries with domid >= first; the number of entries. */
long xeno_domain_list(struct xeno *x, uint32_t first, xen_domctl_getdomaininfo_t *list, uint32_t max);
/* fn(ctx, info) for all domains, by number; it may not make or destroy any. 0 or -errno: not all. */
long xeno_each_domain(struct xeno *x, void (*fn)(void *ctx, const struct xen_domctl_getdomaininfo *info), void *ctx);
/* Log text from *index on; bytes read. */
long xeno_read_log(struct xeno *x, char *buf, uint32_t size, uint32_t *index, bool incremental, bool clear);
/* As if typed at the hypervisor's console. */
long xeno_debug_keys(struct xeno *x, const char *keys, uint32_t nr);
/* Counters of one vCPU that are not zero; the number of entries, tsc_khz set. */
long xeno_counters(struct xeno *x, uint32_t domid, uint32_t vcpu, xenolith_counter_t *buf, uint32_t max, uint64_t *tsc_khz);

/* What of a domain goes into the trace from now on: XENOLITH_TRACE_MARKS, _CROSSINGS; 0: nothing. */
long xeno_trace_set(struct xeno *x, uint32_t domid, uint32_t what);
/* Take the oldest records of a CPU, at most max: their number, 0 if there are none. -ENOENT: no such CPU, or nothing was ever traced. */
long xeno_trace_read(struct xeno *x, uint32_t cpu, xenolith_trace_record_t *buf, uint32_t max, uint64_t *lost, uint64_t *tsc_khz);

/* ---- memory, events, grants, tables ---- */
/*
 * nr frames of 2^order pages; the number of extents that were had, or -errno. mfns: the pfns that they get, which the hypervisor enters
 * into the machine-to-physical table; then, for a PV domain, their machine frame numbers.
 */
long xeno_populate(struct xeno *x, uint32_t domid, uint64_t *mfns, uint64_t nr, unsigned int order);
long xeno_alloc_unbound(struct xeno *x, uint32_t domid, uint32_t remote);
/* The frames that begin the machine-to-physical table's pieces of 2 MiB; 0, -ENOENT if there are fewer. */
long xeno_m2p_frames(struct xeno *x, uint64_t *mfns, uint32_t nr);
/* One above the machine's last frame of RAM. */
long xeno_max_page(struct xeno *x);
long xeno_pin_l4(struct xeno *x, uint32_t domid, uint64_t mfn);
/* Grant table frame 0 of a domain: its machine frame number. */
long xeno_grant_frame(struct xeno *x, uint32_t domid, uint64_t *mfn);
long xeno_version(struct xeno *x, unsigned int cmd, void *arg);

#endif
