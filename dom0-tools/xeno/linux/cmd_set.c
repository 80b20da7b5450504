/* SPDX-License-Identifier: MIT */
/*
 * xeno mem-set, vcpu-set, sysrq: what a domain's kernel reads in its store; and config-update, which changes what the next start of
 * the domain will be.
 */
#include <stdio.h>
#include <string.h>

#include "common/compiler.h"
#include "xeno/linux/place.h"

#define MAX_VCPUS 128

static struct xeno_store *need_store(struct cli *c, const char *verb, const char *name)
{
    struct xeno_store *s = registry_store(place);

    if (!s) {
        cli_error(c, verb, "%s cannot be told: no xenstored runs here: start it", name);
    }
    return s;
}

static int done(struct cli *c, struct xeno_store *s, const char *verb, const char *name)
{
    int rc = store_flush(s);

    return rc ? cli_error(c, verb, "%s: xenstored: %s", name, strerror(-rc)) : 0;
}

int cmd_mem_set(struct cli *c, int argc, char **argv)
{
    struct xen_domctl_getdomaininfo info;
    struct xeno_store *s;
    char path[64], value[32];
    int64_t kib;
    long domid, most;

    if (argc != 3) {
        return cli_usage(c, "mem-set");
    }
    domid = cli_domid(c, "mem-set", argv[1]);
    kib = domid < 0 ? -1 : cli_memory_kib(c, "mem-set", argv[2]);
    s = kib < 0 ? NULL : need_store(c, "mem-set", argv[1]);
    if (!s || xeno_domain_info(&c->m->x, (uint32_t)domid, &info)) {
        return 1;
    }
    snprintf(path, sizeof(path), "/local/domain/%ld/memory/static-max", domid);
    most = store_read(s, path, value, sizeof(value)) > 0 && sscanf(value, "%ld", &most) == 1 ? most
                                                                                             : 0;
    if (most > 0 && kib > most) {
        return cli_error(c, "mem-set", "%s: %ld MiB is more than its maxmem=, %ld MiB", argv[1],
                         kib / 1024, most / 1024);
    }
    if ((uint64_t)kib > (uint64_t)info.max_pages * 4) {
        long rc = xeno_domain_max_mem(&c->m->x, (uint32_t)domid, (uint64_t)kib);

        if (rc) {
            return cli_error(c, "mem-set", "%s: %s", argv[1], xeno_errno_text(rc));
        }
    }
    snprintf(path, sizeof(path), "/local/domain/%ld/memory/target", domid);
    snprintf(value, sizeof(value), "%ld", kib);
    store_write(s, path, value);
    return done(c, s, "mem-set", argv[1]);
}

int cmd_vcpu_set(struct cli *c, int argc, char **argv)
{
    struct xen_domctl_getdomaininfo info;
    struct xeno_store *s;
    long domid, n;

    if (argc != 3) {
        return cli_usage(c, "vcpu-set");
    }
    domid = cli_domid(c, "vcpu-set", argv[1]);
    n = domid < 0 ? -1 : cli_number(c, "vcpu-set", argv[2], MAX_VCPUS);
    s = n < 0 ? NULL : need_store(c, "vcpu-set", argv[1]);
    if (!s || xeno_domain_info(&c->m->x, (uint32_t)domid, &info)) {
        return 1;
    }
    if (n < 1 || n > (long)info.max_vcpu_id + 1) {
        return cli_error(c, "vcpu-set", "%s has 1 to %u vCPUs (maxvcpus= when it was made)",
                         argv[1], info.max_vcpu_id + 1);
    }
    for (uint32_t v = 0; v <= info.max_vcpu_id; v++) {
        char path[64];

        snprintf(path, sizeof(path), "/local/domain/%ld/cpu/%u/availability", domid, v);
        store_write(s, path, v < (uint32_t)n ? "online" : "offline");
    }
    return done(c, s, "vcpu-set", argv[1]);
}

int cmd_sysrq(struct cli *c, int argc, char **argv)
{
    struct xeno_store *s;
    char path[64];
    long domid;

    if (argc != 3 || strlen(argv[2]) != 1) {
        return cli_usage(c, "sysrq");
    }
    domid = cli_domid(c, "sysrq", argv[1]);
    s = domid < 0 ? NULL : need_store(c, "sysrq", argv[1]);
    if (!s) {
        return 1;
    }
    snprintf(path, sizeof(path), "/local/domain/%ld/control/sysrq", domid);
    store_write(s, path, argv[2]);
    return done(c, s, "sysrq", argv[1]);
}

static void warn(void *ctx, const char *line)
{
    cli_error(ctx, "config-update", "warning: %s", line);
}

int cmd_config_update(struct cli *c, int argc, char **argv)
{
    struct domain_cfg cfg;
    struct xeno_error err;
    struct cfg pairs;
    struct managed *d;
    void *text;
    size_t size;
    int rc;

    if (argc != 3) {
        return cli_usage(c, "config-update");
    }
    rc = xeno_linux_read_file(argv[2], CFG_MAX_BYTES, &text, &size);
    if (rc) {
        return cli_error(c, "config-update", "%s: %s", argv[2], strerror(-rc));
    }
    rc = cfg_parse(&pairs, argv[2], text, size, err.text, sizeof(err.text));
    if (rc == 0) {
        rc = domain_cfg_read(&pairs, &cfg, warn, c, err.text, sizeof(err.text));
        cfg_free(&pairs);
    }
    if (rc) {
        return cli_error(c, "config-update", "%s", err.text);
    }
    d = manager_find(c->m, argv[1], &err);
    if (!d || d->foreign) {
        return cli_error(c, "config-update", "%s", d ? "another tool made this domain" : err.text);
    }
    return registry_update(place, d->domid, &cfg, &err)
               ? cli_error(c, "config-update", "%s", err.text)
               : 0;
}
