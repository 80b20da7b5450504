/* SPDX-License-Identifier: MIT */
/*
 * xeno trace: the crossings between a domain and the hypervisor in the order of time, from the rings of all CPUs; or how many of
 * each kind there were and how long they took. Invariant: what a ring had to drop is said, on the error channel.
 */
#include <stdlib.h>

#include "common/errno.h"
#include "common/string.h"
#include "xeno/counter_names.h"
#include "xeno/xeno_cli.h"

#define MAX_CPUS   64u
#define CHUNK      256u
#define KIND(kind) ((kind)&7u)

struct trace {
    xenolith_trace_record_t *record;
    size_t nr, room;
    uint64_t lost, tsc_khz;
};

enum form {
    FORM_TEXT,
    FORM_JSON,
    FORM_SUMMARY
};

/* Records of one CPU are in order; those of several are not. No two of one CPU are of the same time. */
static int by_time(const void *a, const void *b)
{
    const xenolith_trace_record_t *x = a, *y = b;

    return x->tsc < y->tsc ? -1 : x->tsc > y->tsc ? 1 : 0;
}

static long take_cpu(struct cli *c, struct trace *t, uint32_t cpu)
{
    uint64_t lost, tsc_khz;
    long n;

    do {
        if (t->nr + CHUNK > t->room) {
            size_t room = t->room ? 2 * t->room : 16 * CHUNK;
            void *more = realloc(t->record, room * sizeof(*t->record));

            if (!more) {
                return -ENOMEM;
            }
            t->record = more;
            t->room = room;
        }
        n = xeno_trace_read(&c->m->x, cpu, t->record + t->nr, CHUNK, &lost, &tsc_khz);
        if (n >= 0) {
            t->nr += (size_t)n;
            t->lost += lost;
            t->tsc_khz = tsc_khz;
        }
    } while (n > 0);
    return n;
}

/* Everything that the rings hold. */
static long take(struct cli *c, struct trace *t)
{
    long rc = 0;

    for (uint32_t cpu = 0; cpu < MAX_CPUS && rc == 0; cpu++) {
        rc = take_cpu(c, t, cpu);
        if (rc == -ENOENT && cpu > 0) {
            rc = 0;
            break;
        }
    }
    return rc;
}

static void sort(struct trace *t)
{
    qsort(t->record, t->nr, sizeof(*t->record), by_time);
}

static const char *what_of(const xenolith_trace_record_t *r)
{
    return r->kind == XENOLITH_TRACE_MARK     ? "mark"
           : r->kind == XENOLITH_TRACE_SWITCH ? "switch"
           : r->kind & XENOLITH_TRACE_COUNTER ? "counter"
           : r->kind & XENOLITH_TRACE_END     ? "end"
                                              : "begin";
}

static void print_json(struct cli *c, const struct trace *t)
{
    cli_print(c, "{\"tsc_khz\": %lu, \"lost\": %lu, \"records\": [", t->tsc_khz, t->lost);
    for (size_t i = 0; i < t->nr; i++) {
        const xenolith_trace_record_t *r = &t->record[i];
        bool counted = r->kind != XENOLITH_TRACE_MARK && r->kind != XENOLITH_TRACE_SWITCH;

        cli_print(
            c, "%s\n{\"tsc\": %lu, \"cpu\": %u, \"domain\": %u, \"vcpu\": %u, \"what\": \"%s\", ",
            i ? "," : "", r->tsc, r->cpu, r->domain, r->vcpu, what_of(r));
        if (counted) {
            cli_print(c, "\"kind\": \"%s\", \"name\": \"%s\", ", counter_kind(KIND(r->kind)),
                      counter_name(KIND(r->kind), r->index));
        }
        cli_print(c, "\"index\": %u, \"value\": %lu}", r->index, r->value);
    }
    cli_print(c, "\n]}\n");
}

static void print_text(struct cli *c, const struct trace *t)
{
    uint64_t mhz = t->tsc_khz / 1000 ? t->tsc_khz / 1000 : 1;

    cli_print(c, "%14s %3s %6s %4s %-8s %-10s %s\n", "time/us", "CPU", "domain", "vCPU", "what",
              "kind", "which");
    for (size_t i = 0; i < t->nr; i++) {
        const xenolith_trace_record_t *r = &t->record[i];
        uint64_t ticks = r->tsc - t->record[0].tsc;

        cli_print(c, "%10lu.%03lu %3u %6u %4u %-8s ", ticks / mhz, ticks % mhz * 1000 / mhz, r->cpu,
                  r->domain, r->vcpu, what_of(r));
        if (r->kind == XENOLITH_TRACE_MARK) {
            cli_print(c, "%lu\n", r->value);
        } else if (r->kind == XENOLITH_TRACE_SWITCH) {
            cli_print(c, "%-10s %u\n", "to", r->index);
        } else {
            cli_print(c, r->kind & XENOLITH_TRACE_COUNTER ? "%-10s %s %lu\n" : "%-10s %s at %lx\n", counter_kind(KIND(r->kind)),
                      counter_name(KIND(r->kind), r->index), r->value);
        }
    }
}

/* Crossings by domain, vCPU and kind; the time is from a beginning to the next end of its kind on that vCPU. */
static void print_summary(struct cli *c, const struct trace *t)
{
    struct sum {
        uint64_t n, ticks, since;
        const xenolith_trace_record_t *first;
    } *sums = calloc(t->nr + 1, sizeof(*sums));
    size_t nr = 0;

    for (size_t i = 0; sums && i < t->nr; i++) {
        const xenolith_trace_record_t *r = &t->record[i];
        size_t k = 0;

        if (r->kind & XENOLITH_TRACE_COUNTER || KIND(r->kind) == 0 ||
            r->kind == XENOLITH_TRACE_SWITCH) {
            continue;
        }
        while (k < nr &&
               !(sums[k].first->domain == r->domain && sums[k].first->vcpu == r->vcpu &&
                 KIND(sums[k].first->kind) == KIND(r->kind) && sums[k].first->index == r->index)) {
            k++;
        }
        sums[k].first = sums[k].first ? sums[k].first : r;
        nr += k == nr;
        if (r->kind & XENOLITH_TRACE_END) {
            sums[k].ticks += sums[k].since ? r->tsc - sums[k].since : 0;
        } else {
            sums[k].n++;
        }
        sums[k].since = r->kind & XENOLITH_TRACE_END ? 0 : r->tsc;
    }
    cli_print(c, "%6s %4s %-10s %-30s %12s %12s\n", "domain", "vCPU", "kind", "what", "count",
              "ticks");
    for (size_t k = 0; k < nr; k++) {
        const xenolith_trace_record_t *r = sums[k].first;

        cli_print(c, "%6u %4u %-10s %-30s %12lu %12lu\n", r->domain, r->vcpu,
                  counter_kind(KIND(r->kind)), counter_name(KIND(r->kind), r->index), sums[k].n,
                  sums[k].ticks);
    }
    free(sums);
}

static int refused(struct cli *c, long rc)
{
    if (rc == -ENOSYS) {
        return cli_error(c, "trace", "this hypervisor takes no traces: they are Xenolith's");
    }
    return cli_error(c, "trace", "%s",
                     rc == -ENOENT
                         ? "nothing has been traced yet: begin with 'xeno trace --on DOMAIN'"
                     : rc == -EINVAL ? "a control domain cannot trace itself"
                                     : xeno_errno_text(rc));
}

static int read_and_print(struct cli *c, enum form form)
{
    struct trace t = {.record = NULL};
    long rc = take(c, &t);

    if (rc == 0) {
        sort(&t);
        (form == FORM_JSON ? print_json : form == FORM_SUMMARY ? print_summary : print_text)(c, &t);
        if (t.lost && form != FORM_JSON) {
            cli_error(c, "trace", "%lu records were lost: the rings were full", t.lost);
        }
    }
    free(t.record);
    return rc ? refused(c, rc) : 0;
}

static bool runs(struct cli *c, uint32_t domid)
{
    struct xen_domctl_getdomaininfo info;

    return xeno_domain_info(&c->m->x, domid, &info) >= 0 &&
           !(info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown));
}

/* Until the domain has ended, or there is input, or none any more. */
static void wait_for_end(struct cli *c, uint32_t domid)
{
    char buf[16];

    while (runs(c, domid) && c->io->wait_input(c->io->ctx, buf, sizeof(buf)) == 0) {
    }
}

int cmd_trace(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json"), summary = cli_flag(&argc, argv, "--summary");
    bool on = cli_flag(&argc, argv, "--on"), off = cli_flag(&argc, argv, "--off"),
         print = cli_flag(&argc, argv, "--read");
    bool marks = cli_flag(&argc, argv, "--marks"), armed = cli_flag(&argc, argv, "--armed");
    uint32_t what = XENOLITH_TRACE_MARKS | (marks   ? 0
                                            : armed ? XENOLITH_TRACE_ARMED
                                                    : XENOLITH_TRACE_CROSSINGS);
    enum form form = json ? FORM_JSON : summary ? FORM_SUMMARY : FORM_TEXT;
    long domid, rc;

    if (on + off + print > 1 || marks + armed > 1 || json + summary > 1 ||
        ((on || off) && json + summary) || argc != 2 - print) {
        return cli_usage(c, "trace");
    }
    if (print) {
        return read_and_print(c, form);
    }
    domid = cli_domid(c, "trace", argv[1]);
    if (domid < 0) {
        return 1;
    }
    rc = xeno_trace_set(&c->m->x, (uint32_t)domid, off ? 0 : what);
    if (rc || on || off) {
        return rc ? refused(c, rc) : 0;
    }
    wait_for_end(c, (uint32_t)domid);
    (void)xeno_trace_set(&c->m->x, (uint32_t)domid, 0); /* which fails where it has gone */
    return read_and_print(c, form);
}
