/* SPDX-License-Identifier: MIT */
/*
 * xeno shutdown and reboot through xenstore, and waiting for ends: an event of the store's where one runs, else a look every now
 * and then. -a is all domains but the control domain; -F changes nothing: a PV domain has no power button,
 * and a fully virtualized one has its pressed anyhow.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xen/sched.h>

#include "libxeno/linux/models.h"
#include "xeno/linux/place.h"

#define LOOK_MS 500

struct request {
    const char *verb, *how;
    bool all, wait;
};

static bool is_over(struct cli *c, uint32_t domid)
{
    struct xen_domctl_getdomaininfo info;

    return xeno_domain_info(&c->m->x, domid, &info) ||
           (info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying));
}

void place_wait_end(struct cli *c, uint32_t domid)
{
    struct xeno_store s;
    char path[256];
    bool events = store_open(&s) == 0;

    if (events) {
        store_watch(&s, "@releaseDomain", "end");
        events = store_flush(&s) == 0;
    }
    while (!is_over(c, domid)) {
        struct pollfd p = {.fd = events ? s.fd : -1, .events = POLLIN};

        if (poll(&p, 1, events ? -1 : LOOK_MS) > 0 && store_event(&s, path, sizeof(path)) < 0) {
            store_close(&s);
            events = false;
        }
    }
    store_close(&s);
}

static bool is_full(struct cli *c, uint32_t domid)
{
    struct managed *d = c->m->list;

    while (d && d->domid != domid) {
        d = d->next;
    }
    return d && manager_load(c->m, d) == 0 && d->cfg->engine[0];
}

/* A machine's buttons: power, which its kernel hears of; reset, which it does not. */
static int press(struct cli *c, const struct request *r, const char *name, uint32_t domid)
{
    long rc = strcmp(r->how, "reboot") == 0
                  ? xeno_domain_shutdown_as(&c->m->x, domid, SHUTDOWN_reboot)
                  : model_power_button(domid);

    return rc ? cli_error(c, r->verb, "%s: %s", name,
                          rc == -ESRCH ? "its device model does not run: 'xeno device-model' tells"
                                       : xeno_errno_text(rc))
              : 0;
}

static int ask(struct cli *c, const struct request *r, const char *name, uint32_t domid)
{
    struct xeno_store *s = registry_store(place);
    char path[64];
    int rc;

    if (domid == c->m->x.t->own_domid) {
        return cli_error(c, r->verb, "%s is this control domain: use its own %s", name, r->how);
    }
    if (is_full(c, domid)) {
        return is_over(c, domid) ? 0 : press(c, r, name, domid);
    }
    if (!s) {
        return cli_error(
            c, r->verb,
            "%s cannot be asked to: no xenstored runs here: start it, or use 'xeno destroy %s'",
            name, name);
    }
    if (is_over(c, domid)) {
        return 0;
    }
    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    store_write(s, path, r->how);
    rc = store_flush(s);
    return rc ? cli_error(c, r->verb, "%s: xenstored: %s", name, strerror(-rc)) : 0;
}

static int ask_all(struct cli *c, const struct request *r)
{
    xen_domctl_getdomaininfo_t list[64];
    uint32_t next = 1;
    int status = 0;
    long n;

    do {
        n = xeno_domain_list(&c->m->x, next, list, 64);
        for (long i = 0; i < n; i++) {
            char buf[32];

            next = list[i].domain + 1u;
            status |=
                ask(c, r, manager_name(c->m, list[i].domain, buf, sizeof(buf)), list[i].domain);
        }
    } while (n == 64);
    for (uint32_t first = 1; r->wait && !status && xeno_domain_list(&c->m->x, first, list, 1) == 1;
         first = list[0].domain + 1u) {
        place_wait_end(c, list[0].domain);
    }
    return status;
}

static int power(struct cli *c, int argc, char **argv, const char *verb, const char *how)
{
    struct request r = {.verb = verb, .how = how};
    long domid;
    int status = 0;

    r.all = cli_flag(&argc, argv, "-a");
    r.wait = cli_flag(&argc, argv, "-w");
    cli_flag(&argc, argv, "-F");
    if (argc != 2 - r.all) {
        return cli_usage(c, verb);
    }
    if (r.all) {
        return ask_all(c, &r);
    }
    domid = cli_domid(c, verb, argv[1]);
    if (domid < 0) {
        return 1;
    }
    status = ask(c, &r, argv[1], (uint32_t)domid);
    if (status == 0 && r.wait) {
        place_wait_end(c, (uint32_t)domid);
    }
    return status;
}

int cmd_shutdown_linux(struct cli *c, int argc, char **argv)
{
    return power(c, argc, argv, "shutdown", "poweroff");
}

int cmd_reboot_linux(struct cli *c, int argc, char **argv)
{
    return power(c, argc, argv, "reboot", "reboot");
}
