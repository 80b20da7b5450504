/* SPDX-License-Identifier: MIT */
/*
 * Interfaces of domains, see network.h. What is known of one is in its back end's folder: whoever takes it out, after a tool was killed
 * too, needs nothing else. The back end's driver makes the interface when it sees the nodes, and takes it back when they have gone.
 */
#include "libxeno/linux/network.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <xen/io/xenbus.h>

#include "libxeno/linux/hotplug.h"
#include "libxeno/linux/link.h"

#define RETRIES 64 /* of a transaction that collides with others */
#define OUI     "00:16:3e"
#define STEP_SCRIPT                                                                                \
    "vif-bridge" /* what the step below does; where there is no such file, it is done */

#define DEVICES  "/sys/bus/xen-backend/devices"
#define LAST_MS  1000u /* for an interface that may be about to come when it is to go */

#define STATE(s) (1u << XenbusState##s)

void network_choose_mac(struct domain_vif *v)
{
    uint8_t b[3] = {0};

    (void)!getrandom(b, sizeof(b), 0);
    snprintf(v->mac, sizeof(v->mac), OUI ":%02x:%02x:%02x", b[0] & 0x7f, b[1], b[2]);
}

const char *network_interface(uint32_t domid, uint32_t devid, char *name, size_t size)
{
    char path[80];
    const struct dirent *e;
    DIR *folder;

    name[0] = '\0';
    snprintf(path, sizeof(path), DEVICES "/vif-%u-%u/net", domid, devid);
    folder = opendir(path);
    while (folder && (e = readdir(folder)) != NULL) {
        if (e->d_name[0] != '.') {
            snprintf(name, size, "%.15s", e->d_name);
        }
    }
    if (folder) {
        closedir(folder);
    }
    return name;
}

static bool has_come(const void *device)
{
    const struct device *d = device;
    char name[LINK_NAME];

    return *network_interface(d->domid, d->number, name, sizeof(name));
}

/* The driver sets its state before it makes the interface. "": it has not come. */
static const char *await_interface(const struct device *d, char *name, unsigned int patience_ms)
{
    link_wait(has_come, d, patience_ms);
    return network_interface(d->domid, d->number, name, LINK_NAME);
}

static bool driver_has_it(const struct device *d)
{
    char path[80];

    snprintf(path, sizeof(path), DEVICES "/vif-%u-%u", d->domid, d->number);
    return access(path, F_OK) == 0;
}

/* ---- its nodes ---- */

static void write_nodes(struct xeno_store *s, const struct device *d, const struct domain_vif *v)
{
    char rate[48];
    uint64_t bytes;
    uint32_t us;

    device_begin(s, d);
    device_write_number(s, d->front, "handle", d->number);
    device_write(s, d->front, "mac", v->mac);
    device_write(s, d->front, "trusted", v->untrusted ? "0" : "1");
    device_write_number(s, d->back, "handle", d->number);
    device_write(s, d->back, "mac", v->mac);
    device_write(s, d->back, "type", "vif");
    device_write(s, d->back, "script", v->script); /* the driver insists on the node */
    device_write(s, d->back, "bridge", *v->bridge ? v->bridge : DOMAIN_VIF_BRIDGE);
    if (*v->ip) {
        device_write(s, d->back, "ip", v->ip);
    }
    if (*v->vifname) {
        device_write(s, d->back, "vifname", v->vifname);
    }
    if (*v->rate && domain_vif_rate(v->rate, &bytes, &us) == 0) {
        snprintf(rate, sizeof(rate), "%lu,%u", bytes, us);
        device_write(s, d->back, "rate", rate);
    }
    if (v->mtu) {
        device_write_number(s, d->front, "mtu", v->mtu);
        device_write_number(s, d->back, "mtu", v->mtu);
    }
}

static int make_nodes(struct xeno_store *s, const struct device *d, const struct domain_vif *v)
{
    int rc = -EAGAIN;

    for (int i = 0; rc == -EAGAIN && i < RETRIES; i++) {
        rc = store_begin(s);
        if (rc) {
            return rc;
        }
        write_nodes(s, d, v);
        rc = store_commit(s);
    }
    return rc;
}

/* ---- its place in the network ---- */

static int plug(struct xeno_store *s, const struct device *d, const struct domain_vif *v,
                const char *interface, struct xeno_error *err)
{
    const char *bridge = *v->bridge ? v->bridge : DOMAIN_VIF_BRIDGE;
    const char *name = *v->vifname ? v->vifname : interface;
    uint32_t mtu = v->mtu ? v->mtu : link_mtu(bridge);
    int rc = *v->vifname ? link_rename(interface, name) : 0;

    if (rc) {
        return xeno_fail(err, "vifname=%s: %s", name,
                         rc == -EEXIST ? "an interface of that name is there already"
                                       : strerror(-rc));
    }
    rc = mtu ? link_set_mtu(name, mtu) : 0;
    if (rc) {
        return xeno_fail(err, "mtu=%u: %s", mtu, strerror(-rc));
    }
    link_no_addresses(name);
    rc = link_into_bridge(name, bridge);
    rc = rc ? rc : link_up(name);
    if (rc) {
        return xeno_fail(err, "bridge %s does not take it: %s", bridge, strerror(-rc));
    }
    device_write(s, d->back, "hotplug-status", "connected");
    rc = store_flush(s);
    return rc ? xeno_fail(err, "xenostored: %s", store_error_text(rc)) : 0;
}

/* Is it a script that joins it to the network? */
static bool has_script(const char *script)
{
    char path[160];

    hotplug_path(script, path, sizeof(path));
    return *script && (strcmp(script, STEP_SCRIPT) != 0 || access(path, X_OK) == 0);
}

static int join(struct xeno_store *s, const struct device *d, const struct domain_vif *v,
                const char *interface, struct xeno_error *err)
{
    char status[16];

    if (!has_script(v->script)) {
        return plug(s, d, v, interface, err);
    }
    if (hotplug_run(s, d, v->script, "online", interface, err)) {
        return -1;
    }
    if (strcmp(device_read(s, d->back, "hotplug-status", status, sizeof(status)), "connected") !=
        0) {
        return xeno_fail(err, "script %s: it has not written hotplug-status=connected", v->script);
    }
    return 0;
}

/* ---- coming and going ---- */

static int driver_failed(struct xeno_store *s, const struct device *d, int state,
                         struct xeno_error *err)
{
    char path[DEVICE_PATH + 16], why[160];

    snprintf(path, sizeof(path), "/local/domain/0/error/%s", d->back + strlen("/local/domain/0/"));
    device_read(s, path, "error", why, sizeof(why));
    if (state == -ETIMEDOUT || state == XenbusStateInitWait) {
        return xeno_fail(err, "xen-netback has not made it in %u s: see this domain's dmesg",
                         DEVICE_PATIENCE_MS / 1000);
    }
    return state < 0 ? xeno_fail(err, "xenostored: %s", store_error_text(state))
                     : xeno_fail(err, "xen-netback refuses it: %s", *why ? why : "without a word");
}

static int bring_up(struct xeno_store *s, const struct device *d, const struct domain_vif *v,
                    struct xeno_error *err)
{
    char interface[LINK_NAME];
    int rc = make_nodes(s, d, v), state;

    if (rc) {
        return xeno_fail(err, "xenostored: %s", store_error_text(rc));
    }
    state = device_wait_state(s, d, STATE(InitWait) | STATE(Closing) | STATE(Closed),
                              DEVICE_PATIENCE_MS);
    if (state != XenbusStateInitWait || !*await_interface(d, interface, DEVICE_PATIENCE_MS)) {
        return driver_failed(s, d, state, err);
    }
    return join(s, d, v, interface, err);
}

/* The interface's name, also where it is on its way out: the driver lets go when the domain's own nodes have gone. */
static void find_interface(struct xeno_store *s, const struct device *d, char *name)
{
    name[0] = '\0';
    if (driver_has_it(d)) {
        await_interface(d, name, LAST_MS);
    }
    if (!*name && !*device_read(s, d->back, "vifname", name, LINK_NAME)) {
        snprintf(name, LINK_NAME, "vif%u.%u", d->domid, d->number);
    }
}

/* Nodes, interface, and what its script did. False: the interface is still there. */
static bool take_out(struct xeno_store *s, const struct device *d)
{
    char interface[LINK_NAME], script[128];
    struct xeno_error ignored; /* what is to go does, whatever its script thinks of it */

    find_interface(s, d, interface);
    device_read(s, d->back, "script", script, sizeof(script));
    if (has_script(script)) {
        (void)hotplug_run(s, d, script, "offline", interface, &ignored);
    }
    device_remove(s, d);
    return link_wait_gone(interface, DEVICE_PATIENCE_MS);
}

int network_check(const char *name, const struct domain_vif *v, struct xeno_error *err)
{
    const char *bridge = *v->bridge ? v->bridge : DOMAIN_VIF_BRIDGE;

    if (access(NETBACK, F_OK)) {
        return xeno_fail(err, "%s: vif %d: its driver is missing: modprobe xen-netback", name,
                         v->devid);
    }
    if (!has_script(v->script) && !link_is_bridge(bridge)) {
        return xeno_fail(
            err,
            "%s: vif %d: there is no bridge %s: make it (ip link add %s type bridge) or name another by bridge=",
            name, v->devid, bridge, bridge);
    }
    if (*v->vifname && link_is_there(v->vifname)) {
        return xeno_fail(err, "%s: vif %d: vifname=%s: an interface of that name is there already",
                         name, v->devid, v->vifname);
    }
    return 0;
}

int network_attach(struct xeno_store *s, uint32_t domid, const char *name,
                   const struct domain_vif *v, struct xeno_error *err)
{
    struct xeno_error why;
    struct device d;

    device_init(&d, "vif", domid, (uint32_t)v->devid);
    take_out(s, &d); /* what a domain of this number has left behind */
    if (bring_up(s, &d, v, &why)) {
        take_out(s, &d);
        return xeno_fail(err, "%s: vif %d: %s", name, v->devid, why.text);
    }
    return 0;
}

int network_detach(struct xeno_store *s, uint32_t domid, const char *name, uint32_t devid, bool ask,
                   struct xeno_error *err)
{
    struct device d;
    int state = XenbusStateClosed;

    device_init(&d, "vif", domid, devid);
    if (ask) {
        device_write(s, d.back, "online", "0");
        device_write_number(s, d.back, "state", XenbusStateClosing);
        state = store_flush(s);
        state = state
                    ? state
                    : device_wait_state(s, &d, STATE(Unknown) | STATE(Closed), DEVICE_PATIENCE_MS);
    }
    if (state == -ETIMEDOUT) {
        return xeno_fail(
            err, "%s: vif %u: the guest has not let go of it in %u s: --force takes it away", name,
            devid, DEVICE_PATIENCE_MS / 1000);
    }
    if (state < 0) {
        return xeno_fail(err, "%s: vif %u: xenostored: %s", name, devid, store_error_text(state));
    }
    return take_out(s, &d)
               ? 0
               : xeno_fail(err, "%s: vif %u: its interface is still there", name, devid);
}

struct going {
    struct xeno_store *s;
    uint32_t domid;
    bool gone;
};

static void one_goes(void *ctx, uint32_t number)
{
    struct going *g = ctx;
    struct device d;

    device_init(&d, "vif", g->domid, number);
    g->gone = take_out(g->s, &d) && g->gone;
}

bool network_gone(struct xeno_store *s, uint32_t domid)
{
    struct going g = {.s = s, .domid = domid, .gone = true};

    device_each(s, "vif", domid, one_goes, &g);
    return g.gone;
}

int network_connect(struct xeno_store *s, const struct managed *d, struct xeno_error *err)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < d->cfg->nr_vifs; i++) {
        rc = network_attach(s, d->domid, d->name, &d->cfg->vif[i], err);
    }
    return rc;
}
