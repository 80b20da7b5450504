/* SPDX-License-Identifier: MIT */
/* Wrappers of sysctl: the machine's figures, the list of domains, the log, the counters. */
#include <stdlib.h>

#include "common/errno.h"
#include "common/string.h"
#include "libxeno/xeno.h"

static long do_sysctl(struct xeno *x, struct xen_sysctl *op, uint32_t cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return x->t->hypercall(x->t->ctx, __HYPERVISOR_sysctl, (uint64_t)(uintptr_t)op, 0, 0, 0);
}

long xeno_physinfo(struct xeno *x, struct xen_sysctl_physinfo *info)
{
    struct xen_sysctl op = {.cmd = 0};
    long rc = do_sysctl(x, &op, XEN_SYSCTL_physinfo);

    *info = op.u.physinfo;
    return rc;
}

long xeno_domain_list(struct xeno *x, uint32_t first, xen_domctl_getdomaininfo_t *list, uint32_t max)
{
    struct xen_sysctl op = {.u.getdomaininfolist = {.first_domain = (domid_t)first, .max_domains = max}};
    long rc;

    set_xen_guest_handle(op.u.getdomaininfolist.buffer, list);
    rc = do_sysctl(x, &op, XEN_SYSCTL_getdomaininfolist);
    return rc ? rc : (long)op.u.getdomaininfolist.num_domains;
}

/* A page of them, which few machines have more of; then as many as one call of a small arena can take along. */
#define CHUNK      24u
#define CHUNK_MORE 72u

long xeno_each_domain(struct xeno *x, void (*fn)(void *ctx, const struct xen_domctl_getdomaininfo *info), void *ctx)
{
    xen_domctl_getdomaininfo_t *list = malloc(CHUNK_MORE * sizeof(*list));
    uint32_t next = 0, most = CHUNK;
    long n;

    if (!list) {
        return -ENOMEM;
    }
    for (;;) {
        n = xeno_domain_list(x, next, list, most);
        for (long i = 0; i < n; i++) {
            next = list[i].domain + 1u;
            fn(ctx, &list[i]);
        }
        if (n < (long)most) {
            break;
        }
        most = CHUNK_MORE;
    }
    free(list);
    return n < 0 ? n : 0;
}

long xeno_read_log(struct xeno *x, char *buf, uint32_t size, uint32_t *index, bool incremental, bool clear)
{
    struct xen_sysctl op = {.u.readconsole = {.clear = clear, .incremental = incremental, .index = *index, .count = size}};
    long rc;

    set_xen_guest_handle(op.u.readconsole.buffer, buf);
    rc = do_sysctl(x, &op, XEN_SYSCTL_readconsole);
    *index = op.u.readconsole.index;
    return rc ? rc : (long)op.u.readconsole.count;
}

long xeno_debug_keys(struct xeno *x, const char *keys, uint32_t nr)
{
    struct xen_sysctl op = {.u.debug_keys = {.nr_keys = nr}};

    memcpy(&op.u.debug_keys.keys, &keys, sizeof(keys));
    return do_sysctl(x, &op, XEN_SYSCTL_debug_keys);
}

long xeno_counters(struct xeno *x, uint32_t domid, uint32_t vcpu, xenolith_counter_t *buf, uint32_t max, uint64_t *tsc_khz)
{
    struct xenolith_sysctl_counters c = {.domain = (domid_t)domid, .vcpu = (uint16_t)vcpu, .nr = max};
    struct xen_sysctl op = {.cmd = 0};
    long rc;

    set_xen_guest_handle(c.buffer, buf);
    memcpy(op.u.pad, &c, sizeof(c));
    rc = do_sysctl(x, &op, XEN_SYSCTL_xenolith_counters);
    memcpy(&c, op.u.pad, sizeof(c));
    *tsc_khz = c.tsc_khz;
    return rc ? rc : (long)c.nr;
}

static long do_trace(struct xeno *x, struct xenolith_sysctl_trace *t)
{
    struct xen_sysctl op = {.cmd = 0};
    long rc;

    memcpy(op.u.pad, t, sizeof(*t));
    rc = do_sysctl(x, &op, XEN_SYSCTL_xenolith_trace);
    memcpy(t, op.u.pad, sizeof(*t));
    return rc;
}

long xeno_trace_set(struct xeno *x, uint32_t domid, uint32_t what)
{
    struct xenolith_sysctl_trace t = {.op = XENOLITH_TRACE_set, .domain = (domid_t)domid, .what = what};

    return do_trace(x, &t);
}

long xeno_trace_read(struct xeno *x, uint32_t cpu, xenolith_trace_record_t *buf, uint32_t max, uint64_t *lost, uint64_t *tsc_khz)
{
    struct xenolith_sysctl_trace t = {.op = XENOLITH_TRACE_read, .cpu = cpu, .nr = max};
    long rc;

    set_xen_guest_handle(t.buffer, buf);
    rc = do_trace(x, &t);
    *lost = t.lost;
    *tsc_khz = t.tsc_khz;
    return rc ? rc : (long)t.nr;
}
