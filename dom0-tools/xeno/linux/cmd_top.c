/* SPDX-License-Identifier: MIT */
/*
 * xeno top: time and memory of each domain, again and again. -b prints the columns of xentop's batch mode; on a terminal the screen
 * is redrawn by plain ANSI sequences, and q ends it. The first table has no CPU share: there is nothing to compare with.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "xeno/linux/place.h"

#define MAX_SHOWN 4096u
#define PAGE_KIB  4u
#define DELAY_S   3

struct sample {
    uint64_t when_ns;
    long nr;
    xen_domctl_getdomaininfo_t *list;
};

struct options {
    bool batch, json;
    long count, delay;
};

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int take(struct cli *c, struct sample *s)
{
    uint32_t next = 0;
    long n;

    s->nr = 0;
    s->when_ns = now_ns();
    do {
        n = xeno_domain_list(&c->m->x, next, s->list + s->nr, 64);
        s->nr += n > 0 ? n : 0;
        next = s->nr ? s->list[s->nr - 1].domain + 1u : 0;
    } while (n == 64 && s->nr + 64 <= (long)MAX_SHOWN);
    return n < 0 ? -1 : 0;
}

/* Tenths of a percent of one CPU between two samples. */
static uint64_t share(const struct sample *was, const struct sample *is,
                      const struct xen_domctl_getdomaininfo *d)
{
    uint64_t ns = is->when_ns - was->when_ns;

    for (long i = 0; i < was->nr; i++) {
        if (was->list[i].domain == d->domain && d->cpu_time >= was->list[i].cpu_time && ns) {
            return (d->cpu_time - was->list[i].cpu_time) * 1000 / ns;
        }
    }
    return 0;
}

static void row(struct cli *c, const struct xen_domctl_getdomaininfo *d, uint64_t tenths,
                uint64_t total_kib, bool json, bool first)
{
    char state[7], buf[32], limit[24], percent[16];
    const char *name = manager_name(c->m, d->domain, buf, sizeof(buf));
    uint64_t kib = (uint64_t)d->tot_pages * PAGE_KIB, max = (uint64_t)d->max_pages * PAGE_KIB;
    bool unlimited = max > total_kib;

    cli_state(d, state);
    if (json) {
        cli_print(c, "%s    {\"name\": ", first ? "" : ",\n");
        cli_json_string(c, name);
        cli_print(
            c,
            ", \"domid\": %u, \"state\": \"%s\", \"cpu_ns\": %lu, \"cpu_permille\": %lu, \"memory_kib\": %lu, \"vcpus\": %u}",
            d->domain, state, (uint64_t)d->cpu_time, tenths, kib, d->nr_online_vcpus);
        return;
    }
    snprintf(limit, sizeof(limit), unlimited ? "no limit" : "%lu", max);
    snprintf(percent, sizeof(percent), unlimited ? "n/a" : "%.1f",
             (double)max * 100 / (double)total_kib);
    cli_print(
        c,
        "%10.10s %6s %10lu %4lu.%lu %10lu %6lu.%lu %11s %9s %5u %4u %8u %8u %4u %8u %8u %8u %10u %10u %4u\n",
        name, state, (uint64_t)d->cpu_time / 1000000000, tenths / 10, tenths % 10, kib,
        kib * 1000 / total_kib / 10, kib * 1000 / total_kib % 10, limit, percent,
        d->nr_online_vcpus, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, d->ssidref);
}

static void table(struct cli *c, const struct sample *was, const struct sample *is,
                  const struct options *o)
{
    struct xen_sysctl_physinfo phys;
    uint64_t total_kib = xeno_physinfo(&c->m->x, &phys) ? 1 : (uint64_t)phys.total_pages * PAGE_KIB;

    if (o->json) {
        cli_print(c, "[\n");
    } else {
        if (!o->batch) {
            cli_print(c, "\033[H\033[2Jxeno top   %ld domains, %lu of %lu MiB free   q ends it\n",
                      is->nr, (uint64_t)phys.free_pages >> 8, (uint64_t)phys.total_pages >> 8);
        }
        cli_print(
            c,
            "      NAME  STATE   CPU(sec) CPU(%%)     MEM(k) MEM(%%)  MAXMEM(k) MAXMEM(%%) VCPUS NETS NETTX(k) NETRX(k) VBDS   "
            "VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID\n");
    }
    for (long i = 0; i < is->nr; i++) {
        row(c, &is->list[i], share(was, is, &is->list[i]), total_kib, o->json, i == 0);
    }
    if (o->json) {
        cli_print(c, "\n]\n");
    }
    place_flush();
}

/* False when the operator wants no more. */
static bool pause_until_next(const struct options *o)
{
    struct pollfd p = {.fd = o->batch || o->json ? -1 : STDIN_FILENO, .events = POLLIN};
    char key;

    if (poll(&p, 1, (int)o->delay * 1000) <= 0) {
        return true;
    }
    return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q' && key != 3;
}

static int run(struct cli *c, const struct options *o)
{
    struct sample was = {.nr = 0}, is = {.nr = 0}, swap;
    int status = 0;

    was.list = calloc(MAX_SHOWN, sizeof(*was.list));
    is.list = calloc(MAX_SHOWN, sizeof(*is.list));
    if (!was.list || !is.list) {
        status = cli_error(c, "top", "the control domain is out of memory");
    }
    for (long i = 0; status == 0 && (o->count == 0 || i < o->count); i++) {
        if (i && !pause_until_next(o)) {
            break;
        }
        manager_refresh(c->m);
        if (take(c, &is)) {
            status = cli_error(c, "top", "cannot list domains");
            break;
        }
        table(c, &was, &is, o);
        swap = was;
        was = is;
        is = swap;
    }
    free(was.list);
    free(is.list);
    return status;
}

static long value(struct cli *c, int *argc, char **argv, const char *option, long def)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (strcmp(argv[i], option) == 0) {
            long n = cli_number(c, "top", argv[i + 1], 1000000);

            memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 1) * sizeof(*argv));
            *argc -= 2;
            return n;
        }
    }
    return def;
}

int cmd_top(struct cli *c, int argc, char **argv)
{
    struct options o = {.json = cli_flag(&argc, argv, "--json")};
    struct termios old, raw;
    bool terminal;
    int status;

    o.batch = cli_flag(&argc, argv, "-b");
    o.count = value(c, &argc, argv, "-i", o.json ? 1 : 0);
    o.delay = value(c, &argc, argv, "-d", DELAY_S);
    if (o.count < 0 || o.delay < 0) {
        return 1;
    }
    if (argc != 1) {
        return cli_usage(c, "top");
    }
    terminal = !o.batch && !o.json && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
    o.batch = o.batch || !terminal;
    if (terminal) {
        raw = old;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    status = run(c, &o);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
    }
    return status;
}
