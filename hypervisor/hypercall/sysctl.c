/* SPDX-License-Identifier: MIT */
/*
 * Operations on the host: the log, the machine's figures, lists of domains, and the counters. A table as for domctl; every
 * reply is zeroed before it is filled, and lists are written entry by entry with a preemption point between two.
 */
#include <xen/sysctl.h>
#include <xen/xenolith.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "debug/console.h"
#include "debug/counters.h"
#include "hypercall/debug_keys.h"
#include "hypercall/domctl.h"
#include "hypercall/hypercall.h"
#include "hypercall/sysctl_trace.h"
#include "mm/guest_copy.h"
#include "mm/heap.h"
#include "mm/hv_alloc.h"
#include "mm/page.h"
#include "sched/sched.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/percpu.h"
#include "x86/time.h"

static int64_t readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    char chunk[256];
    uint32_t index = r->index, done = 0;
    bool incremental = r->incremental;

    while (done < r->count) {
        uint32_t want = MIN(r->count - done, (uint32_t)sizeof(chunk));
        size_t n = console_read_ring(chunk, want, &index, false, incremental);
        int rc = n ? guest_write(gva_make((uint64_t)r->buffer.p + done), chunk, n) : 0;

        if (rc) {
            return rc;
        }
        done += (uint32_t)n;
        incremental = true;
        if (n < want) {
            break;
        }
    }
    if (r->clear) {
        console_read_ring(chunk, 0, &index, true, true);
    }
    r->count = done;
    r->index = index;
    return 0;
}

static int64_t physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;

    memset(p, 0, sizeof(*p));
    p->threads_per_core = 1;
    p->cores_per_socket = nr_cpus;
    p->nr_cpus = nr_cpus;
    p->max_cpu_id = nr_cpus - 1;
    p->nr_nodes = 1;
    p->cpu_khz = (uint32_t)tsc_khz;
    p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 | XENOLITH_PHYSCAP_ZEROED;
    p->total_pages = frames_total();
    p->free_pages = frames_free();
    p->scrub_pages = frames_dirty();
    p->outstanding_pages = heap_claimed();
    p->max_mfn = nr_frames - 1;
    p->hw_cap[0] = cpuid(1, 0).edx;
    p->hw_cap[1] = cpuid(1, 0).ecx;
    p->hw_cap[2] = cpuid(0x80000001, 0).edx;
    p->hw_cap[3] = cpuid(0x80000001, 0).ecx;
    p->hw_cap[5] = cpu_features.max_leaf >= 7 ? cpuid(7, 0).ebx : 0;
    p->hw_cap[6] = cpu_features.max_leaf >= 7 ? cpuid(7, 0).ecx : 0;
    return 0;
}

static int64_t sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

static int64_t getdomaininfolist(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    struct xen_domctl_getdomaininfo info;
    uint32_t next = l->first_domain;
    uint32_t n;

    for (n = 0; n < l->max_domains && next < DOMID_FIRST_RESERVED; n++) {
        struct domain *d = domain_next((domid_t)next);
        int rc;

        if (!d) {
            break;
        }
        domain_info_fill(d, &info);
        next = d->id + 1u;
        domain_put(d);
        rc = guest_write_elem(gva_make((uint64_t)l->buffer.p), n, &info, sizeof(info));
        if (rc) {
            return rc;
        }
        /* Work that has come up meanwhile is done after this call; a list of all domains is short work each. */
        if (n % 64 == 63 && preempt_pending()) {
            n++;
            break;
        }
    }
    l->num_domains = n;
    return 0;
}

static int64_t getcpuinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *c = &op->u.getcpuinfo;
    uint32_t n = MIN(c->max_cpus, nr_cpus);

    for (uint32_t i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo info = {.idletime = percpu_of(i)->idle_ns};
        int rc = guest_write_elem(gva_make((uint64_t)c->info.p), i, &info, sizeof(info));

        if (rc) {
            return rc;
        }
    }
    c->nr_cpus = n;
    return 0;
}

/* One socket of single-threaded cores on one node: what a virtual machine's topology is worth. */
static int64_t cputopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    uint32_t n = t->cputopo.p ? MIN(t->num_cpus, nr_cpus) : 0;

    for (uint32_t i = 0; i < n; i++) {
        struct xen_sysctl_cputopo c = {.core = i};
        int rc = guest_write_elem(gva_make((uint64_t)t->cputopo.p), i, &c, sizeof(c));

        if (rc) {
            return rc;
        }
    }
    t->num_cpus = nr_cpus;
    return 0;
}

static int64_t numainfo(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *n = &op->u.numainfo;
    struct xen_sysctl_meminfo m = {.memsize = frames_total() << PAGE_SHIFT, .memfree = frames_free() << PAGE_SHIFT};
    uint32_t distance = 10; /* ACPI SLIT: to itself */
    int rc = 0;

    if (n->num_nodes && n->meminfo.p) {
        rc = guest_write(gva_make((uint64_t)n->meminfo.p), &m, sizeof(m));
    }
    if (rc == 0 && n->num_nodes && n->distance.p) {
        rc = guest_write(gva_make((uint64_t)n->distance.p), &distance, sizeof(distance));
    }
    n->num_nodes = 1;
    return rc;
}

/* One pool holds everything; it can be looked at and that is all. */
static int64_t cpupool_op(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;

    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        if (p->cpupool_id != 0) {
            return -ENOENT;
        }
        p->sched_id = XEN_SCHEDULER_CREDIT2;
        p->n_dom = domain_count();
        return cpumap_write(&p->cpumap, cpus_online);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return cpumap_write(&p->cpumap, 0);
    default:
        return -EOPNOTSUPP;
    }
}

struct counter_sink {
    gva_t buffer;
    uint32_t room, nr;
    int rc;
};

static void emit_counters(struct counter_sink *s, uint16_t kind, const struct counter *c, unsigned int nr)
{
    for (unsigned int i = 0; i < nr && s->rc == 0; i++) {
        struct xenolith_counter out = {.kind = kind, .index = (uint16_t)i, .count = c[i].n, .tsc = c[i].tsc};

        if (c[i].n == 0) {
            continue;
        }
        if (gva_raw(s->buffer) && s->nr < s->room) {
            s->rc = guest_write_elem(s->buffer, s->nr, &out, sizeof(out));
        }
        s->nr += !gva_raw(s->buffer) || s->nr < s->room;
    }
}

static int64_t counters(struct xen_sysctl *op)
{
    struct xenolith_sysctl_counters c;
    struct domain *d;
    struct counter_sink sink;
    int64_t rc = -ESRCH;

    memcpy(&c, op->u.pad, sizeof(c));
    d = domain_get_by_id(c.domain);
    if (!d) {
        return -ESRCH;
    }
    if (c.vcpu < d->max_vcpus && d->vcpu[c.vcpu]) {
        const struct vcpu_counters *vc = d->vcpu[c.vcpu]->counters;

        sink = (struct counter_sink){.buffer = gva_make((uint64_t)c.buffer.p), .room = c.nr};
        emit_counters(&sink, XENOLITH_COUNT_HYPERCALL, vc->hypercall, COUNT_HYPERCALLS);
        emit_counters(&sink, XENOLITH_COUNT_TRAP, vc->trap, COUNT_TRAPS);
        emit_counters(&sink, XENOLITH_COUNT_EVENT, vc->event, COUNT_EVENTS);
        emit_counters(&sink, XENOLITH_COUNT_EXIT, vc->exit, XENOLITH_EXITS);
        c.nr = sink.nr;
        c.tsc_khz = tsc_khz;
        memcpy(op->u.pad, &c, sizeof(c));
        rc = sink.rc;
    }
    domain_put(d);
    return rc;
}

struct sysctl_row {
    uint32_t cmd;
    int64_t (*run)(struct xen_sysctl *op);
};

static const struct sysctl_row rows[] = {
    {XEN_SYSCTL_readconsole, readconsole},
    {XEN_SYSCTL_physinfo, physinfo},
    {XEN_SYSCTL_sched_id, sched_id},
    {XEN_SYSCTL_getdomaininfolist, getdomaininfolist},
    {XEN_SYSCTL_debug_keys, sysctl_debug_keys},
    {XEN_SYSCTL_getcpuinfo, getcpuinfo},
    {XEN_SYSCTL_cputopoinfo, cputopoinfo},
    {XEN_SYSCTL_numainfo, numainfo},
    {XEN_SYSCTL_cpupool_op, cpupool_op},
    {XEN_SYSCTL_xenolith_counters, counters},
    {XEN_SYSCTL_xenolith_trace, sysctl_trace},
};

int64_t hc_sysctl(uint64_t addr)
{
    struct xen_sysctl op;
    int64_t rc = guest_read(&op, gva_make(addr), sizeof(op));

    if (rc) {
        return rc;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].cmd == op.cmd) {
            rc = rows[i].run(&op);
            return rc == -ERESTART ? hc_continue_sysctl(addr) : rc ? rc : guest_write(gva_make(addr), &op, sizeof(op));
        }
    }
    return -ENOSYS;
}
