/* SPDX-License-Identifier: MIT */
/*
 * The store that guests of the boot domain see: xenostored's rooms without a process around them. Each domain that is built
 * gets its nodes and a ring; the operator's requests to shut down go through control/shutdown, as everywhere.
 * Invariant: the store is used under the transport's lock alone; a ring's page stays mapped until its domain has gone.
 */
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "bootdom.h"
#include "common/compiler.h"
#include "common/errno.h"
#include "common/format.h"
#include "xenostored/ring.h"

#define REGION_BYTES (1u << 20)
#define UNDO_ENTRIES 8192u
#define TURNS        8u /* requests of one domain before others have theirs */

struct ring_client {
    struct ring_client *next;
    uint32_t domid;
    uint64_t mfn;
    struct xenstore_domain_interface *page;
    uint32_t port; /* our end */
};

static struct manager *manager;
static struct xs_arena arena;
static struct xs_store store;
static xs_ref own; /* our connection, without any limits */
static struct ring_client *clients;

static struct ring_client *client_of(uint32_t domid)
{
    struct ring_client *c = clients;

    while (c && c->domid != domid) {
        c = c->next;
    }
    return c;
}

static int host_introduce(struct xs_store *s, struct xs_domain *domain, struct xs_conn *conn)
{
    struct ring_client *c = client_of(domain->domid);

    if (!c) {
        return -ENOENT;
    }
    xs_ring_attach(s, conn, c->page, true);
    return 0;
}

static bool host_domain_exists(struct xs_store *s, uint16_t domid)
{
    (void)s;
    return domid == 0 || client_of(domid);
}

static const struct xs_host host = {.introduce = host_introduce,
                                    .domain_exists = host_domain_exists};

/* Let every domain have its turns until none has anything left; its events may be due to another's request. */
static void serve_all(void)
{
    bool again = true;

    while (again) {
        again = false;
        for (struct ring_client *c = clients; c; c = c->next) {
            const struct xs_domain *d = xs_domain_next(&store, c->domid);
            bool more = false;

            if (!d || d->domid != c->domid || !d->conn) {
                continue;
            }
            if (xs_ring_serve(&store, d->conn, c->page, TURNS, &more)) {
                manager->x.t->event_notify(manager->x.t->ctx, c->port);
            }
            again = again || more;
        }
    }
    while (xs_store_work(&store)) {
    }
}

/* A domain's event: interrupts are off, which is what the lock is. */
static void ring_event(void *unused)
{
    (void)unused;
    serve_all();
    device_models_store_changed();
    serve_all(); /* events that are due to what they have written */
}

/*
 * A request of our own; its payload is `parts` strings, each with its zero but perhaps the last. 0 or -EIO; the reply's text, terminated,
 * goes to buf if there is one, and its length is returned.
 */
static long ask(uint32_t type, const char *const *part, unsigned int parts, bool last_is_data,
                char *buf, size_t size)
{
    struct xsd_sockmsg header = {.type = type};
    struct xs_conn *conn;
    char payload[512];
    const char *bytes;
    size_t n, len = 0;
    long rc = -EIO;

    for (unsigned int i = 0; i < parts; i++) {
        n = strlen(part[i]) + !(last_is_data && i + 1 == parts);
        if (n > sizeof(payload) - len) {
            return -E2BIG;
        }
        memcpy(payload + len, part[i], n);
        len += n;
    }
    header.len = (uint32_t)len;
    if (!xs_request(&store, own, &header, payload, 0)) {
        return -EIO;
    }
    conn = xs_conn_at(&store, own);
    while ((n = xs_conn_output(&store, conn, &bytes)) != 0) {
        const struct xsd_sockmsg *reply = (const void *)bytes;

        rc = n >= sizeof(*reply) && reply->type != XS_ERROR ? 0 : -EIO;
        if (rc == 0 && buf) {
            rc = (long)MIN(n - sizeof(*reply), size - 1);
            memcpy(buf, bytes + sizeof(*reply), (size_t)rc);
            buf[rc] = '\0';
        }
        xs_conn_sent(&store, conn, n);
    }
    return rc;
}

static int request(uint32_t type, const char *const *part, unsigned int parts, bool last_is_data)
{
    return (int)ask(type, part, parts, last_is_data, NULL, 0);
}

long store_read(void *unused, const char *path, char *buf, size_t size)
{
    (void)unused;
    return ask(XS_READ, &path, 1, false, buf, size);
}

int store_write(void *unused, const char *path, const char *value)
{
    const char *const part[] = {path, value};

    (void)unused;
    return request(XS_WRITE, part, 2, true);
}

int store_perms(void *unused, const char *path, const char *perms)
{
    const char *blank = strchr(perms, ' ');
    char owner[16];
    const char *const part[] = {path, owner, blank ? blank + 1 : ""};

    (void)unused;
    format(owner, sizeof(owner), "%.*s", blank ? (int)(blank - perms) : (int)strlen(perms), perms);
    return request(XS_SET_PERMS, part, blank ? 3 : 2, false);
}

void store_remove(const char *path)
{
    (void)request(XS_RM, &path, 1, false);
}

static int write_node(uint32_t domid, const char *name, const char *value, bool guests)
{
    char path[128], perms[16];
    const char *const write[] = {path, value};
    const char *const owner[] = {path, perms};
    int rc;

    format(path, sizeof(path), "/local/domain/%u%s%s", domid, *name ? "/" : "", name);
    rc = request(XS_WRITE, write, 2, true);
    if (rc == 0 && (guests || !*name)) {
        format(perms, sizeof(perms), guests ? "n%u" : "r%u", domid);
        if (guests) {
            return request(XS_SET_PERMS, owner, 2, false);
        } else {
            const char *const readable[] = {path, "n0", perms};

            return request(XS_SET_PERMS, readable, 3, false);
        }
    }
    return rc;
}

static int nodes_create(const struct managed *d)
{
    /* What the guest itself writes; all else it may read. */
    static const char *const guests[] = {"control/shutdown",
                                         "control/feature-poweroff",
                                         "control/feature-reboot",
                                         "control/feature-suspend",
                                         "control/sysrq",
                                         "data",
                                         "device"};
    char number[24];
    int rc = write_node(d->domid, "", "", false);

    rc = rc ? rc : write_node(d->domid, "name", d->name, false);
    format(number, sizeof(number), "%u", d->domid);
    rc = rc ? rc : write_node(d->domid, "domid", number, false);
    format(number, sizeof(number), "%lu", (uint64_t)d->cfg->memory_mib * 1024);
    rc = rc ? rc : write_node(d->domid, "memory/target", number, false);
    for (unsigned int i = 0; rc == 0 && i < sizeof(guests) / sizeof(guests[0]); i++) {
        rc = write_node(d->domid, guests[i], "", true);
    }
    return rc;
}

static void client_remove(struct ring_client *c)
{
    const struct xeno_transport *t = manager->x.t;
    struct ring_client **link = &clients;

    while (*link && *link != c) {
        link = &(*link)->next;
    }
    if (*link) {
        *link = c->next;
    }
    if (c->port) {
        t->event_unbind(t->ctx, c->port);
    }
    if (c->page) {
        t->unmap_foreign(t->ctx, c->page, 1);
    }
    free(c);
}

static int connect(struct managed *d)
{
    const struct xeno_transport *t = manager->x.t;
    struct ring_client *c = calloc(1, sizeof(*c));
    long port;
    int rc;

    if (!c) {
        return -ENOMEM;
    }
    c->domid = d->domid;
    c->mfn = d->built.store_mfn;
    c->next = clients;
    clients = c;
    c->page = t->map_foreign(t->ctx, d->domid, &c->mfn, 1);
    port = c->page ? t->event_bind(t->ctx, d->domid, d->built.store_port, ring_event, c) : -ENOMEM;
    c->port = port > 0 ? (uint32_t)port : 0;
    rc = port > 0 ? nodes_create(d) : (int)port;
    rc = rc ? rc : xs_domain_introduce(&store, (uint16_t)d->domid, (int64_t)c->mfn, c->port);
    if (rc) {
        client_remove(c);
    }
    return rc;
}

static int domain_built(void *unused, struct managed *d, struct xeno_error *err)
{
    int rc = d->built.store_mfn ? connect(d) : 0;

    (void)unused;
    if (d->cfg->nr_vifs && manager->log) {
        manager->log(manager->ctx,
                     "warning: vif= needs Linux as the control domain: the domain starts without");
    }
    return rc ? xeno_fail(err, "%s: cannot connect it to the store: %s", d->name,
                          xeno_errno_text(rc))
              : 0;
}

static void domain_gone(void *unused, const struct managed *d)
{
    struct ring_client *c = client_of(d->last_domid);
    char path[64];
    const char *const part[] = {path};

    (void)unused;
    if (c) {
        xs_domain_gone(&store, (uint16_t)d->last_domid);
        client_remove(c);
        format(path, sizeof(path), "/local/domain/%u", d->last_domid);
        request(XS_RM, part, 1, false);
        serve_all();
    }
}

static int request_shutdown(void *unused, struct managed *d, const char *how,
                            struct xeno_error *err)
{
    const struct xeno_transport *t = manager->x.t;
    int rc;

    (void)unused;
    t->lock(t->ctx);
    rc = d->cfg->engine[0]      ? device_model_press(d, how)
         : client_of(d->domid) ? write_node(d->domid, "control/shutdown", how, true)
                               : -ENOENT;
    serve_all();
    t->unlock(t->ctx);
    return rc ? xeno_fail(err, "%s cannot be asked to end: %s: use 'xeno destroy %s'", d->name,
                          xeno_errno_text(rc), d->name)
              : 0;
}

int store_start(struct manager *m)
{
    manager = m;
    arena = (struct xs_arena){
        .head = calloc(1, REGION_BYTES),
        .undo = calloc(UNDO_ENTRIES, sizeof(struct xs_undo)),
        .bytes = REGION_BYTES,
        .undo_length = UNDO_ENTRIES,
    };
    if (!arena.head || !arena.undo || xs_arena_attach(&arena) ||
        xs_store_open(&store, &arena, 1, &host, NULL)) {
        return -ENOMEM;
    }
    own = xs_conn_open(&store, 0, XS_CONN_PRIVILEGED);
    if (!own) {
        return -ENOMEM;
    }
    m->store_built = domain_built;
    m->store_gone = domain_gone;
    m->request_shutdown = request_shutdown;
    return 0;
}
