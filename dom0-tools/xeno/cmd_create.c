/* SPDX-License-Identifier: MIT */
/*
 * xeno create: read the configuration, let key=value words override it, build, start. With -n nothing is made.
 */
#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

struct create_options {
    bool paused, console, foreground, quiet, dry, wait;
    const char *file;
    int first_override;
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

static int options(struct cli *c, int argc, char **argv, struct create_options *o)
{
    int i = 1;

    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *a = argv[i];

        if (!strcmp(a, "-p")) {
            o->paused = true;
        } else if (!strcmp(a, "-c")) {
            o->console = true;
        } else if (!strcmp(a, "-F")) {
            o->foreground = true;
        } else if (!strcmp(a, "-q") || !strcmp(a, "--quiet")) {
            o->quiet = true;
        } else if (!strcmp(a, "-e")) {
            continue; /* xl: nobody waits in the background; nobody does here */
        } else if (!strcmp(a, "-n") || !strcmp(a, "--dryrun")) {
            o->dry = true;
        } else if ((!strcmp(a, "-f") || !strcmp(a, "--defconfig")) && i + 1 < argc) {
            o->file = argv[++i];
        } else {
            return cli_usage(c, "create");
        }
    }
    if (!o->file && i < argc && !strchr(argv[i], '=')) {
        o->file = argv[i++];
    }
    o->first_override = i;
    return o->file || i < argc ? 0 : cli_usage(c, "create");
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
    if (eq[1] == '"' || eq[1] == '\'' || eq[1] == '[' || (eq[1] >= '0' && eq[1] <= '9')) {
        return cfg_parse_more(cfg, "command line", word, strlen(word), err, err_size);
    }
    n = format(text, sizeof(text), "%.*s\"%s\"", (int)(eq + 1 - word), word, eq + 1);
    if ((size_t)n >= sizeof(text)) {
        format(err, err_size, "command line: the value of %.*s is too long", (int)(eq - word), word);
        return -1;
    }
    return cfg_parse_more(cfg, "command line", text, (size_t)n, err, err_size);
}

static int read_config(struct cli *c, const struct create_options *o, int argc, char **argv, struct cfg *cfg, char *err,
                       size_t err_size)
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
    for (int i = o->first_override; rc == 0 && i < argc; i++) {
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

int cmd_create(struct cli *c, int argc, char **argv)
{
    struct create_options o = {.wait = cli_flag(&argc, argv, "--wait")}; /* also behind the file */
    int rc = options(c, argc, argv, &o);
    struct warner w = {.c = c, .quiet = o.quiet};
    struct domain_cfg d;
    struct xeno_error err;
    struct cfg cfg;

    if (rc) {
        return rc;
    }
    if (read_config(c, &o, argc, argv, &cfg, err.text, sizeof(err.text))) {
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
    if (o.wait && !o.paused && (!c->wait_running || c->wait_running(c, d.name))) {
        return c->wait_running ? 1 : cli_error(c, "create", "%s runs; nobody here can wait for its first word", d.name);
    }
    if (o.console) {
        char *words[] = {(char *)"console", d.name, NULL};

        rc = cli_run(c, 2, words);
    }
    if (rc == 0 && o.foreground) {
        rc = stay(c, d.name);
    }
    return rc;
}
