/* SPDX-License-Identifier: MIT */
/* The table of 'xeno top', see top.h. What is in it lives until it is taken again; a domain that was not there then has no share. */
#include "libxeno/linux/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK    64u
#define PAGE_KIB 4u

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct top_row *find(const struct top *t, uint32_t domid)
{
    for (uint32_t i = 0; i < t->nr; i++) {
        if (t->rows[i].domid == domid) {
            return &t->rows[i];
        }
    }
    return NULL;
}

static void fill(struct top_row *r, const struct xen_domctl_getdomaininfo *d,
                 const struct top *before, const struct top *now, struct manager *m)
{
    const struct top_row *was = find(before, d->domain);
    uint64_t ns = now->when_ns - before->when_ns;
    char buf[32];

    *r = (struct top_row){.domid = d->domain,
                          .vcpus = d->nr_online_vcpus,
                          .ssid = d->ssidref,
                          .cpu_ns = d->cpu_time,
                          .kib = (uint64_t)d->tot_pages * PAGE_KIB,
                          .max_kib = (uint64_t)d->max_pages * PAGE_KIB};
    r->unlimited = r->max_kib > now->total_kib;
    snprintf(r->name, sizeof(r->name), "%s", manager_name(m, d->domain, buf, sizeof(buf)));
    xeno_state_text(d, r->state);
    if (was && d->cpu_time >= was->cpu_ns && ns) {
        r->cpu_permille = (d->cpu_time - was->cpu_ns) * 1000 / ns;
    }
    io_counts_add_model(r->domid, &r->io);
}

static void add_counts(void *ctx, uint32_t domid, const struct io_counts *counts)
{
    struct top_row *r = find(ctx, domid);

    if (r) {
        io_counts_add(&r->io, counts);
    }
}

/* Rows after those that there are: how many, -1 or -2 as top_take(). */
static long more_rows(struct top *t, const struct top *before, struct manager *m)
{
    xen_domctl_getdomaininfo_t list[CHUNK];
    uint32_t next = t->nr ? t->rows[t->nr - 1].domid + 1 : 0;
    long n = xeno_domain_list(&m->x, next, list, CHUNK);

    if (n < 0) {
        return -1;
    }
    if (t->nr + CHUNK > t->room) {
        struct top_row *rows = realloc(t->rows, (size_t)(t->room + CHUNK) * sizeof(*rows));

        if (!rows) {
            return -2;
        }
        t->rows = rows;
        t->room += CHUNK;
    }
    for (long i = 0; i < n; i++) {
        fill(&t->rows[t->nr], &list[i], before, t, m);
        t->nr++;
    }
    return n;
}

int top_take(struct top *t, struct manager *m)
{
    struct top before = *t, now = {.order = t->order, .when_ns = now_ns()};
    struct xen_sysctl_physinfo phys;
    long n;

    manager_refresh(m);
    if (xeno_physinfo(&m->x, &phys) == 0) {
        now.total_kib = (uint64_t)phys.total_pages * PAGE_KIB;
        now.free_kib = (uint64_t)phys.free_pages * PAGE_KIB;
        now.cpus = phys.nr_cpus;
    }
    now.total_kib = now.total_kib ? now.total_kib : 1;
    do {
        n = more_rows(&now, &before, m);
    } while (n == (long)CHUNK);
    if (n < 0) {
        top_free(&now);
        return (int)n;
    }
    io_counts_each(add_counts, &now);
    top_free(&before);
    *t = now;
    return 0;
}

void top_free(struct top *t)
{
    free(t->rows);
    t->rows = NULL;
    t->nr = t->room = 0;
}

/* ---- order ---- */

static uint64_t weight(const struct top_row *r, enum top_order o)
{
    switch (o) {
    case TOP_BY_CPU:
        return r->cpu_permille;
    case TOP_BY_MEMORY:
        return r->kib;
    case TOP_BY_NETWORK:
        return r->io.sent + r->io.received;
    case TOP_BY_DISK:
        return r->io.disk.sectors_read + r->io.disk.sectors_written;
    default:
        return 0;
    }
}

/* More first; who is equal, by number. */
static int compare(const void *left, const void *right, void *order)
{
    const struct top_row *a = left, *b = right;
    enum top_order o = *(const enum top_order *)order;
    uint64_t wa = weight(a, o), wb = weight(b, o);
    int names = o == TOP_BY_NAME ? strcmp(a->name, b->name) : 0;

    if (wa != wb) {
        return wa > wb ? -1 : 1;
    }
    return names ? names : (a->domid > b->domid) - (a->domid < b->domid);
}

void top_sort(struct top *t)
{
    if (t->nr) {
        qsort_r(t->rows, t->nr, sizeof(*t->rows), compare, &t->order);
    }
}

const char *top_order_text(enum top_order o)
{
    static const char *const texts[NR_TOP_ORDERS] = {
        [TOP_BY_CPU] = "CPU",   [TOP_BY_MEMORY] = "memory", [TOP_BY_NETWORK] = "network",
        [TOP_BY_DISK] = "disk", [TOP_BY_NAME] = "name",     [TOP_BY_ID] = "ID"};

    return texts[o];
}
