/* SPDX-License-Identifier: MIT */
/*
 * xeno create: read the configuration, let key=value words override it, build, start. With -n nothing is made.
 */
#include <stdlib.h>

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

#define LOG_PREFIX 5u /* "(hv) " */

struct create_options {
    bool paused, console, foreground, quiet, dry, wait;
    const char *file;
    int nr_overrides;
};

struct warner {
    struct cli *c;
    bool quiet;
};

static void warn(void *ctx, const char *line)
{
    struct warner *w = ctx;

    if (!w->quiet) {
        cli_error(w->c, "create", "warning: %s", line);
    }
}

/* One that may stand by itself; false: no such option. */
static bool option(const char *a, struct create_options *o)
{
    if (!strcmp(a, "-p")) {
        o->paused = true;
    } else if (!strcmp(a, "-c")) {
        o->console = true;
    } else if (!strcmp(a, "-F")) {
        o->foreground = true;
    } else if (!strcmp(a, "-q") || !strcmp(a, "--quiet")) {
        o->quiet = true;
    } else if (!strcmp(a, "-n") || !strcmp(a, "--dryrun")) {
        o->dry = true;
    } else {
        return !strcmp(a, "-e"); /* xl: nobody waits in the background; nobody does here */
    }
    return true;
}

/* Before and behind the file, as with xl. The overrides are gathered at argv[1]. */
static int options(struct cli *c, int argc, char **argv, struct create_options *o)
{
    for (int i = 1; i < argc; i++) {
        char *a = argv[i];

        if ((!strcmp(a, "-f") || !strcmp(a, "--defconfig")) && i + 1 < argc) {
            o->file = argv[++i];
        } else if (a[0] == '-' && a[1]) {
            if (!option(a, o)) {
                return cli_usage(c, "create");
            }
        } else if (!o->file && !o->nr_overrides && !strchr(a, '=')) {
            o->file = a;
        } else {
            argv[1 + o->nr_overrides++] = a;
        }
    }
    return o->file || o->nr_overrides ? 0 : cli_usage(c, "create");
}

/* A whole number, or the first of several pairs; "2 words" and an identity that begins with a digit are neither. */
static bool is_number(const char *value)
{
    char *end;

    strtoul(value, &end, 0);
    return *value >= '0' && *value <= '9' && (!*end || *end == ';');
}

/* key=value from the command line: the shell has taken the quotes, so a value that is no number or list is a string. */
static int override(struct cfg *cfg, const char *word, char *err, size_t err_size)
{
    const char *eq = strchr(word, '=');
    char text[1200];
    int n;

    if (!eq) {
        format(err, err_size, "%s: expected KEY=VALUE", word);
        return -1;
    }
    if (eq[1] == '"' || eq[1] == '\'' || eq[1] == '[' || is_number(eq + 1)) {
        return cfg_parse_more(cfg, "command line", word, strlen(word), err, err_size);
    }
    n = format(text, sizeof(text), "%.*s\"%s\"", (int)(eq + 1 - word), word, eq + 1);
    if ((size_t)n >= sizeof(text)) {
        format(err, err_size, "command line: the value of %.*s is too long", (int)(eq - word), word);
        return -1;
    }
    return cfg_parse_more(cfg, "command line", text, (size_t)n, err, err_size);
}

static int read_config(struct cli *c, const struct create_options *o, char **argv, struct cfg *cfg, char *err, size_t err_size)
{
    const struct xeno_transport *t = c->m->x.t;
    const void *text = "";
    size_t size = 0;
    int rc = 0;

    if (o->file && strcmp(o->file, "/dev/null") != 0) {
        rc = t->file_open(t->ctx, o->file, &text, &size);
        if (rc) {
            format(err, err_size, "%s: %s: give a configuration file that is there", o->file, xeno_errno_text(rc));
            return -1;
        }
    }
    rc = cfg_parse(cfg, o->file ? o->file : "command line", text, size, err, err_size);
    if (size) {
        t->file_close(t->ctx, text, size);
    }
    for (int i = 1; rc == 0 && i <= o->nr_overrides; i++) {
        rc = override(cfg, argv[i], err, err_size);
        if (rc) {
            cfg_free(cfg);
        }
    }
    return rc;
}

static int dry_run(struct cli *c, const struct domain_cfg *d)
{
    cli_print(c, "{\n    \"c_info\": {\n        \"type\": \"pv\",\n        \"name\": ");
    cli_json_string(c, d->name);
    cli_print(c, ",\n        \"uuid\": ");
    cli_json_string(c, d->uuid);
    cli_print(c, "\n    },\n    \"b_info\": {\n        \"max_vcpus\": %ld,\n        \"max_memkb\": %ld,\n        \"kernel\": ", d->vcpus,
              d->memory_mib * 1024);
    cli_json_string(c, d->kernel);
    cli_print(c, ",\n        \"cmdline\": ");
    cli_json_string(c, d->cmdline);
    cli_print(c, "\n    }\n}\n");
    return 0;
}

/* Until the domain that was made has ended: whoever has taken its name since is another. */
static int stay(struct cli *c, const char *name)
{
    struct xeno_error err;
    const struct managed *d;

    if (!c->wait_end) {
        return cli_error(c, "create", "%s runs; nobody here can wait for its end", name);
    }
    d = manager_find(c->m, name, &err);
    if (d) {
        c->wait_end(c, d->domid);
    }
    return 0;
}

/* ---- how a domain ended that somebody has waited for ---- */

/* What the hypervisor's log has of a crash: why, and lines with the vCPU's state and last exits. */
struct crash_report {
    char begin[24], more[24]; /* of its lines */
    char why[128], state[1024];
    char line[512];
    size_t length;
};

/* A line is complete. A number may have been another domain's before: the last crash counts. */
static void report_line(struct crash_report *r)
{
    size_t begin = strlen(r->begin), room = sizeof(r->state) - strlen(r->state);

    r->line[r->length] = '\0';
    if (!strncmp(r->line, r->begin, begin)) {
        format(r->why, sizeof(r->why), ": %s", r->line + begin);
        r->state[0] = '\0';
    } else if (r->why[0] && !strncmp(r->line, r->more, strlen(r->more)) && r->length + 4 < room) {
        format(r->state + sizeof(r->state) - room, room, "  %s\n", r->line + LOG_PREFIX);
    }
    r->length = 0;
}

static void report_read(struct cli *c, uint32_t domid, struct crash_report *r)
{
    uint32_t index = 0;
    char buf[512];
    long n;

    *r = (struct crash_report){.length = 0};
    format(r->begin, sizeof(r->begin), "(hv) d%u crashed: ", domid);
    format(r->more, sizeof(r->more), "(hv) d%u v", domid);
    for (bool on = false; (n = xeno_read_log(&c->m->x, buf, sizeof(buf), &index, on, false)) > 0; on = true) {
        for (long i = 0; i < n; i++) {
            if (buf[i] == '\n') {
                report_line(r);
            } else if (buf[i] != '\r' && r->length + 1 < sizeof(r->line)) {
                r->line[r->length++] = buf[i];
            }
        }
    }
}

/* 1 after lines that say why, if it has crashed; said: its line has been. */
static int tell_end(struct cli *c, const char *name, uint32_t domid, bool said)
{
    struct crash_report *r = malloc(sizeof(*r));
    struct managed *d;

    manager_service(c->m);
    for (d = c->m->list; d && d->last_domid != domid; d = d->next) {
    }
    if (d) {
        manager_load(c->m, d);
    }
    if (r && d && d->ended == END_CRASH) {
        report_read(c, domid, r);
        if (!said) {
            said = cli_error(c, "create", "%s crashed%s", name, r->why[0] ? r->why : ": its console may tell why");
        } else if (r->why[0]) {
            format(r->line, sizeof(r->line), "  %s\n", r->why + 2);
            c->io->err(c->io->ctx, r->line, strlen(r->line));
        }
        c->io->err(c->io->ctx, r->state, strlen(r->state));
    }
    free(r);
    return said;
}

/* The number that it has, or had if it has ended already. */
static uint32_t number_of(struct cli *c, const char *name)
{
    struct xeno_error err;
    const struct managed *d;

    manager_refresh(c->m);
    d = manager_find(c->m, name, &err);
    d = d ? d : manager_record(c->m, name);
    return d ? d->last_domid : DOMID_NONE;
}

int cmd_create(struct cli *c, int argc, char **argv)
{
    struct create_options o = {.wait = cli_flag(&argc, argv, "--wait")}; /* also behind the file */
    int rc = options(c, argc, argv, &o);
    struct warner w = {.c = c, .quiet = o.quiet};
    struct domain_cfg d;
    struct xeno_error err;
    struct cfg cfg;
    uint32_t domid;

    if (rc) {
        return rc;
    }
    if (read_config(c, &o, argv, &cfg, err.text, sizeof(err.text))) {
        return cli_error(c, "create", "%s", err.text);
    }
    rc = domain_cfg_read(&cfg, &d, warn, &w, err.text, sizeof(err.text));
    cfg_free(&cfg);
    if (rc == 0 && (o.dry || c->dry_run)) {
        return dry_run(c, &d);
    }
    if (rc || manager_create(c->m, &d, o.paused, &err)) {
        return cli_error(c, "create", "%s", err.text);
    }
    if (!o.wait && !o.console && !o.foreground) {
        return 0;
    }
    domid = number_of(c, d.name);
    if (o.wait && !o.paused && !c->wait_running) {
        return cli_error(c, "create", "%s runs; nobody here can wait for its first word", d.name);
    }
    if (o.wait && !o.paused && c->wait_running(c, d.name)) {
        return tell_end(c, d.name, domid, true);
    }
    if (o.console) {
        char *words[] = {(char *)"console", d.name, NULL};

        rc = cli_run(c, 2, words);
    }
    if (rc == 0 && o.foreground) {
        rc = stay(c, d.name);
    }
    return rc || !(o.console || o.foreground) ? rc : tell_end(c, d.name, domid, false);
}
