/* SPDX-License-Identifier: MIT */
/*
 * xeno info, dmesg, version, help. info prints the lines that parsers of `xl info` read: "%-22s : value"; a KEY prints
 * the values of the lines that begin with it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <xen/version.h>

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

#define LOG_CHUNK 4096u

struct info_line {
    char key[24];
    char value[128];
};

struct info_lines {
    struct info_line line[32];
    unsigned int nr;
};

static void __attribute__((format(printf, 3, 4)))
add(struct info_lines *l, const char *key, const char *fmt, ...)
{
    va_list args;

    if (l->nr < ARRAY_SIZE(l->line)) {
        struct info_line *n = &l->line[l->nr++];

        format(n->key, sizeof(n->key), "%s", key);
        va_start(args, fmt);
        format_v(n->value, sizeof(n->value), fmt, args);
        va_end(args);
    }
}

static void add_machine(struct info_lines *l, const struct xen_sysctl_physinfo *p)
{
    add(l, "nr_cpus", "%u", p->nr_cpus);
    add(l, "max_cpu_id", "%u", p->max_cpu_id);
    add(l, "nr_nodes", "%u", p->nr_nodes);
    add(l, "cores_per_socket", "%u", p->cores_per_socket);
    add(l, "threads_per_core", "%u", p->threads_per_core);
    add(l, "cpu_mhz", "%u.%03u", p->cpu_khz / 1000, p->cpu_khz % 1000);
    add(l, "hw_caps", "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", p->hw_cap[0], p->hw_cap[1],
        p->hw_cap[2], p->hw_cap[3], p->hw_cap[4], p->hw_cap[5], p->hw_cap[6], p->hw_cap[7]);
    add(l, "virt_caps", "pv%s", p->capabilities & XEN_SYSCTL_PHYSCAP_hvm ? " hvm" : "");
    add(l, "total_memory", "%lu", (uint64_t)p->total_pages >> 8);
    add(l, "free_memory", "%lu", (uint64_t)p->free_pages >> 8);
    add(l, "outstanding_claims", "%lu", (uint64_t)p->outstanding_pages >> 8);
    add(l, "free_pages", "%lu", (uint64_t)p->free_pages);
    add(l, "scrub_pages", "%lu", (uint64_t)p->scrub_pages);
}

static void add_hypervisor(struct info_lines *l, struct xeno *x)
{
    long v = xeno_version(x, XENVER_version, NULL);
    xen_extraversion_t extra = "";
    xen_capabilities_info_t caps = "";
    xen_commandline_t line = "";

    xeno_version(x, XENVER_extraversion, extra);
    xeno_version(x, XENVER_capabilities, caps);
    xeno_version(x, XENVER_commandline, line);
    add(l, "xen_major", "%ld", v >> 16);
    add(l, "xen_minor", "%ld", v & 0xffff);
    add(l, "xen_extra", "%s", extra);
    add(l, "xen_version", "%ld.%ld%s", v >> 16, v & 0xffff, extra);
    add(l, "xen_caps", "%s", caps);
    add(l, "xen_scheduler", "credit2");
    add(l, "xen_pagesize", "%ld", xeno_version(x, XENVER_pagesize, NULL));
    add(l, "xen_commandline", "%s", line);
}

static void print_lines(struct cli *c, const struct info_lines *l, const char *key, bool json)
{
    const char *before = "{\n    ";

    for (unsigned int i = 0; i < l->nr; i++) {
        if (key && strncmp(l->line[i].key, key, strlen(key)) != 0) {
            continue;
        }
        if (json) {
            cli_print(c, "%s", before);
            cli_json_string(c, l->line[i].key);
            cli_print(c, ": ");
            cli_json_string(c, l->line[i].value);
            before = ",\n    ";
        } else if (!key) {
            cli_print(c, "%-22s : %s\n", l->line[i].key, l->line[i].value);
        } else {
            cli_print(c, "%s\n", l->line[i].value);
        }
    }
    if (json) {
        cli_print(c, "%s\n}\n", *before == '{' ? "{" : "");
    }
}

int cmd_info(struct cli *c, int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    const char *key = argc > 1 + json ? argv[1 + json] : NULL;
    struct xen_sysctl_physinfo phys;
    struct info_lines *l;
    long rc;

    if (argc > 2 + json) {
        return cli_usage(c, "info");
    }
    rc = xeno_physinfo(&c->m->x, &phys);
    l = calloc(1, sizeof(*l));
    if (rc || !l) {
        free(l);
        return cli_error(c, "info", "cannot ask the hypervisor: %s", xeno_errno_text(rc));
    }
    add_machine(l, &phys);
    add_hypervisor(l, &c->m->x);
    print_lines(c, l, key, json);
    free(l);
    return 0;
}

/* As it is, or as the inside of a JSON string. */
static void log_text(struct cli *c, char *text, size_t n, bool json)
{
    if (!json) {
        c->io->out(c->io->ctx, text, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char ch = text[i];

        if (ch == '"' || ch == '\\') {
            cli_print(c, "\\%c", ch);
        } else if (ch == '\n') {
            cli_print(c, "\\n");
        } else {
            cli_print(c, "%c", ch < ' ' || ch > '~' ? '?' : ch);
        }
    }
}

int cmd_dmesg(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json");
    bool clear = argc > 1 && (!strcmp(argv[1], "-c") || !strcmp(argv[1], "--clear"));
    char *buf = malloc(LOG_CHUNK);
    uint32_t index = 0;
    bool incremental = false;
    long n;

    if (argc > 1 + clear || !buf) {
        free(buf);
        return buf ? cli_usage(c, "dmesg")
                   : cli_error(c, "dmesg", "the control domain is out of memory");
    }
    cli_print(c, "%s", json ? "{\"log\": \"" : "");
    while ((n = xeno_read_log(&c->m->x, buf, LOG_CHUNK, &index, incremental, false)) > 0) {
        log_text(c, buf, (size_t)n, json);
        incremental = true;
    }
    cli_print(c, "%s", json ? "\"}\n" : "");
    if (clear) {
        n = xeno_read_log(&c->m->x, buf, 0, &index, true, true);
    }
    free(buf);
    return n < 0 ? cli_error(c, "dmesg", "cannot read the log: %s", xeno_errno_text(n)) : 0;
}

int cmd_version(struct cli *c, int argc, char **argv)
{
    long v = xeno_version(&c->m->x, XENVER_version, NULL);
    bool json = cli_flag(&argc, argv, "--json");
    xen_extraversion_t extra = "";

    if (argc != 1) {
        return cli_usage(c, "version");
    }
    xeno_version(&c->m->x, XENVER_extraversion, extra);
    if (json) {
        cli_print(c, "{\"interface\": \"4.17\", \"hypervisor\": \"%ld.%ld%s\"}\n", v >> 16,
                  v & 0xffff, extra);
        return 0;
    }
    cli_print(c, "xeno, for Xen interface 4.17\nhypervisor %ld.%ld%s\n", v >> 16, v & 0xffff,
              extra);
    return 0;
}

int cmd_help(struct cli *c, int argc, char **argv)
{
    const struct verb *v;

    for (unsigned int i = 0; (v = cli_verb(c, i)) != NULL; i++) {
        if (argc < 2 && v->help) {
            cli_print(c, "  %-13s %-40s %s\n", v->name, v->usage, v->help);
        } else if (argc >= 2 && strcmp(v->name, argv[1]) == 0) {
            cli_print(c, "xeno %s %s\n  %s\n", v->name, v->usage,
                      v->help ? v->help : "for the tools' own use");
            return 0;
        }
    }
    return argc < 2 ? 0 : cli_error(c, "help", "%s: no such verb: 'xeno help' lists them", argv[1]);
}
