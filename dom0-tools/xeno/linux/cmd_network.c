/* SPDX-License-Identifier: MIT */
/*
 * xeno network-attach, network-detach, network-list: the interfaces of a domain that runs. What is attached stays the domain's when it
 * starts again, what is detached is no more. The list has xl's columns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libxeno/linux/device.h"
#include "libxeno/linux/network.h"
#include "xeno/linux/place.h"

/* Is the store there? An error line if not. */
static struct xeno_store *need_store(struct cli *c, const char *verb)
{
    struct xeno_store *s = registry_store(place);

    if (!s) {
        cli_error(c, verb, "it needs xenostored, which does not run: start it");
    }
    return s;
}

/* ---- attach ---- */

/* Its number is known when the lock is held. */
static int attach(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct domain_cfg *cfg = d->cfg;
    struct domain_vif *v;
    char why[128];

    if (!cfg) {
        return xeno_fail(err, "%s: another tool made this domain", d->name);
    }
    if (cfg->nr_vifs == DOMAIN_VIFS) {
        return xeno_fail(err, "%s: it has %u interfaces, which is all that one can have", d->name,
                         DOMAIN_VIFS);
    }
    v = &cfg->vif[cfg->nr_vifs];
    *v = *(const struct domain_vif *)ctx;
    if (domain_vifs_number(cfg->vif, cfg->nr_vifs + 1, why, sizeof(why))) {
        return xeno_fail(err, "%s: %s", d->name, why);
    }
    if (!v->mac[0]) {
        network_choose_mac(v);
    }
    if (network_check(d->name, v, err) ||
        network_attach(registry_store(place), d->domid, d->name, v, err)) {
        return -1;
    }
    cfg->nr_vifs++;
    return 0;
}

int cmd_network_attach(struct cli *c, int argc, char **argv)
{
    struct xeno_error err;
    struct domain_vif v;
    char fields[640] = "";
    long domid;

    if (argc < 2) {
        return cli_usage(c, "network-attach");
    }
    for (int i = 2; i < argc; i++) {
        size_t n = strlen(fields);

        snprintf(fields + n, sizeof(fields) - n, "%s%s", n ? "," : "", argv[i]);
    }
    if (domain_vif_parse(fields, &v, err.text, sizeof(err.text))) {
        return cli_error(c, "network-attach", "%s", err.text);
    }
    domid = cli_domid(c, "network-attach", argv[1]);
    if (domid < 0 || !need_store(c, "network-attach")) {
        return 1;
    }
    if (registry_change(place, (uint32_t)domid, attach, &v, &err)) {
        return cli_error(c, "network-attach", "%s", err.text);
    }
    return 0;
}

/* ---- detach ---- */

struct search {
    const char *what;
    bool force;
    struct xeno_store *s;
    uint32_t domid;
    int64_t devid; /* -1: not found */
};

static void compare(void *ctx, uint32_t number)
{
    struct search *q = ctx;
    char text[24];
    struct device d;

    device_init(&d, "vif", q->domid, number);
    snprintf(text, sizeof(text), "%u", number);
    if (strcmp(q->what, text) == 0 ||
        strcasecmp(q->what, device_read(q->s, d.back, "mac", text, sizeof(text))) == 0) {
        q->devid = number;
    }
}

static int detach(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct search *q = ctx;
    struct domain_cfg *cfg = d->cfg;
    uint32_t kept = 0;

    q->domid = d->domid;
    device_each(q->s, "vif", d->domid, compare, q);
    if (q->devid < 0) {
        return xeno_fail(err, "%s has no interface %s: 'xeno network-list %s' shows those it has",
                         d->name, q->what, d->name);
    }
    if (network_detach(q->s, d->domid, d->name, (uint32_t)q->devid, !q->force, err)) {
        return -1;
    }
    for (uint32_t i = 0; cfg && i < cfg->nr_vifs; i++) {
        if (cfg->vif[i].devid != q->devid) {
            cfg->vif[kept++] = cfg->vif[i];
        }
    }
    if (cfg) {
        cfg->nr_vifs = kept;
    }
    return 0;
}

int cmd_network_detach(struct cli *c, int argc, char **argv)
{
    struct search q = {.force = cli_flag(&argc, argv, "--force"), .devid = -1};
    struct xeno_error err;
    long domid;

    if (argc != 3) {
        return cli_usage(c, "network-detach");
    }
    q.what = argv[2];
    domid = cli_domid(c, "network-detach", argv[1]);
    q.s = domid < 0 ? NULL : need_store(c, "network-detach");
    if (!q.s) {
        return 1;
    }
    return registry_change(place, (uint32_t)domid, detach, &q, &err)
               ? cli_error(c, "network-detach", "%s", err.text)
               : 0;
}

/* ---- list ---- */

struct list {
    struct cli *c;
    struct xeno_store *s;
    uint32_t domid, rows;
    bool json;
};

/* What the guest has written is shown as a number, whatever it is. One with several queues has a folder for each. */
static uint32_t of_guest(struct list *l, const struct device *d, const char *name)
{
    char queue[32];
    uint32_t n = device_number(l->s, d->front, name);

    snprintf(queue, sizeof(queue), "queue-0/%s", name);
    return n ? n : device_number(l->s, d->front, queue);
}

static void show(void *ctx, uint32_t number)
{
    struct list *l = ctx;
    char mac[24], bridge[24], interface[24];
    struct device d;
    uint32_t state, port, tx, rx;

    device_init(&d, "vif", l->domid, number);
    state = device_number(l->s, d.back, "state");
    device_read(l->s, d.back, "mac", mac, sizeof(mac));
    port = of_guest(l, &d, "event-channel");
    port = port ? port : of_guest(l, &d, "event-channel-tx");
    tx = of_guest(l, &d, "tx-ring-ref");
    rx = of_guest(l, &d, "rx-ring-ref");
    if (!l->json) {
        cli_print(l->c, "%-3u %-2u %-17s %6u %5u %6u %5u/%-11u %-30s\n", number, 0u, mac, number,
                  state, port, tx, rx, d.back);
        return;
    }
    device_read(l->s, d.back, "bridge", bridge, sizeof(bridge));
    network_interface(l->domid, number, interface, sizeof(interface));
    cli_print(l->c, "%s    {\"domid\": %u, \"devid\": %u, \"mac\": ", l->rows++ ? ",\n" : "",
              l->domid, number);
    cli_json_string(l->c, mac);
    cli_print(l->c, ", \"bridge\": ");
    cli_json_string(l->c, bridge);
    cli_print(l->c, ", \"interface\": ");
    cli_json_string(l->c, interface);
    cli_print(l->c, ", \"state\": %u, \"connected\": %s}", state, state == 4 ? "true" : "false");
}

int cmd_network_list(struct cli *c, int argc, char **argv)
{
    struct list l = {.c = c, .json = cli_flag(&argc, argv, "--json")};
    int status = 0;

    if (argc < 2) {
        return cli_usage(c, "network-list");
    }
    for (int i = 1; i < argc; i++) {
        if (cli_domid(c, "network-list", argv[i]) < 0) {
            return 1; /* the error is the only line */
        }
    }
    l.s = need_store(c, "network-list");
    if (!l.s) {
        return 1;
    }
    if (l.json) {
        cli_print(c, "[\n");
    } else {
        cli_print(c, "%-3s %-2s %-17s %-6s %-5s %-6s %5s/%-5s %-30s\n", "Idx", "BE", "Mac Addr.",
                  "handle", "state", "evt-ch", "tx-", "rx-ring-ref", "BE-path");
    }
    for (int i = 1; i < argc; i++) {
        long domid = cli_domid(c, "network-list", argv[i]);

        status = domid < 0 ? 1 : status; /* it has just gone */
        l.domid = (uint32_t)domid;
        if (domid >= 0) {
            device_each(l.s, "vif", l.domid, show, &l);
        }
    }
    if (l.json) {
        cli_print(c, "\n]\n");
    }
    return status;
}
