/* SPDX-License-Identifier: MIT */
/*
 * xeno destroy --why: a domain that was destroyed stays, without running, for as long as somebody holds frames of it. The hypervisor
 * counts holders but knows no names; here are the programs of this domain that map frames of others, and the back ends that the
 * store names. Without --why the common verb.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "xeno/linux/place.h"

#define PAGE 4096u

/* The devices by which a program maps other domains' frames. */
static const char *const devices[] = {"/dev/xen/privcmd", "/proc/xen/privcmd", "/dev/xen/gntdev"};

static const char *device_of(const char *line)
{
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (strstr(line, devices[i])) {
            return devices[i];
        }
    }
    return NULL;
}

/* Prints a line if the process maps any; 1 if it does. */
static unsigned int show_process(struct cli *c, const char *pid)
{
    char path[64], line[512], name[64] = "?";
    const char *device = NULL;
    unsigned long pages = 0, from, to;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
    f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        const char *found = device_of(line);

        if (found && sscanf(line, "%lx-%lx", &from, &to) == 2) {
            device = found;
            pages += (to - from) / PAGE;
        }
    }
    if (f) {
        fclose(f);
    }
    if (!device) {
        return 0;
    }
    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    f = fopen(path, "re");
    if (f) {
        if (fgets(name, sizeof(name), f)) {
            name[strcspn(name, "\n")] = '\0';
        }
        fclose(f);
    }
    cli_print(c, "  process %s (%s) maps %lu pages of other domains by %s\n", pid, name, pages,
              device);
    return 1;
}

static unsigned int show_processes(struct cli *c)
{
    DIR *folder = opendir("/proc");
    const struct dirent *e;
    unsigned int nr = 0;

    while (folder && (e = readdir(folder)) != NULL) {
        if (isdigit((unsigned char)e->d_name[0])) {
            nr += show_process(c, e->d_name);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return nr;
}

/* Back ends of this domain for that one, by the store. */
static unsigned int show_backends(struct cli *c, uint32_t domid)
{
    struct xeno_store *s = registry_store(place);
    char types[XENSTORE_PAYLOAD_MAX + 1], path[96], devices_there[XENSTORE_PAYLOAD_MAX + 1];
    uint32_t own = c->m->x.t->own_domid;
    unsigned int nr = 0;
    long n;

    snprintf(path, sizeof(path), "/local/domain/%u/backend", own);
    n = s ? store_list(s, path, types, sizeof(types)) : 0;
    for (const char *type = types; n > 0 && type < types + n; type += strlen(type) + 1) {
        snprintf(path, sizeof(path), "/local/domain/%u/backend/%.20s/%u", own, type, domid);
        if (store_list(s, path, devices_there, sizeof(devices_there)) > 0) {
            cli_print(c, "  back end %s of this domain serves it: %s\n", type, path);
            nr++;
        }
    }
    return nr;
}

static int why(struct cli *c, const char *name)
{
    const struct managed *d = manager_record(c->m, name);
    struct xen_domctl_getdomaininfo info;
    char *end;
    long domid =
        strtol(name, &end, 10); /* one that has gone is no domain that could be looked up */

    if (*end || end == name) {
        domid = d ? (long)d->last_domid : cli_domid(c, "destroy", name);
    }
    if (domid < 0 || domid >= DOMID_FIRST_RESERVED) {
        return domid < 0 ? 1 : cli_error(c, "destroy", "%s: no such number", name);
    }
    if (xeno_domain_info(&c->m->x, (uint32_t)domid, &info)) {
        cli_print(c, "%s: nothing is left of it\n", name);
        return 0;
    }
    if (!(info.flags & XEN_DOMINF_dying)) {
        cli_print(c, "%s: it has not been destroyed: nothing keeps it\n", name);
        return 0;
    }
    cli_print(
        c,
        "%s (domain %ld): destroyed; %lu pages are left, for somebody still maps some of them:\n",
        name, domid, (unsigned long)info.tot_pages);
    if (show_processes(c) + show_backends(c, (uint32_t)domid) == 0) {
        cli_print(
            c,
            "  no program and no back end here: another domain, by a grant; 'xeno list' shows who is there\n");
    }
    return 0;
}

int cmd_destroy_linux(struct cli *c, int argc, char **argv)
{
    if (!cli_flag(&argc, argv, "--why")) {
        return cmd_destroy(c, argc, argv);
    }
    return argc == 2 ? why(c, argv[1]) : cli_usage(c, "destroy");
}
