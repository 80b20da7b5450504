/* SPDX-License-Identifier: MIT */
/*
 * What 'xeno top' shows, whatever it is shown by: domains with their time, memory, networks and disks, taken again and again, in an order
 * that is asked for. Shares of the CPUs are since the last time.
 */
#ifndef LIBXENO_LINUX_TOP_H
#define LIBXENO_LINUX_TOP_H

#include "libxeno/linux/io_counts.h"
#include "libxeno/manager.h"

struct top_row {
    uint32_t domid, vcpus, ssid;
    char name[DOMAIN_NAME_MAX], state[7];
    uint64_t cpu_ns, cpu_permille; /* permille: of one CPU, since the last time */
    uint64_t kib, max_kib;
    bool unlimited; /* max_kib is more than the machine has */
    struct io_counts io;
};

enum top_order {
    TOP_BY_CPU,
    TOP_BY_MEMORY,
    TOP_BY_NETWORK,
    TOP_BY_DISK,
    TOP_BY_NAME,
    TOP_BY_ID,
    NR_TOP_ORDERS
};

struct top {
    enum top_order order;
    uint64_t when_ns, total_kib, free_kib;
    uint32_t nr, room, cpus;
    struct top_row *rows;
};

/* Take all domains anew. 0, or -1: they cannot be listed; -2: out of memory. */
int top_take(struct top *t, struct manager *m);
void top_free(struct top *t);

/* Put what was taken into t->order. */
void top_sort(struct top *t);
const char *top_order_text(enum top_order o);

#endif
