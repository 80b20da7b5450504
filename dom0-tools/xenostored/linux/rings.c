/* SPDX-License-Identifier: MIT */
/*
 * Pages come from gntdev (guests: the grant that the domain's builder made) or from the kernel's xenbus_backend (dom0);
 * events from evtchn. A domain whose ring cannot be reached after a restart is one that is gone.
 * Invariant: a domain's page is mapped exactly while it has a peer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/grant_table.h>

#include "libxeno/linux/transport.h"
#include "xenostored/linux/loop.h"
#include "xenostored/linux/rings.h"
#include "xenostored/ring.h"

#define PAGE     4096u
#define NO_INDEX UINT64_MAX
#define BACKEND  "/dev/xen/xenbus_backend"

/* drivers/xen/gntdev and xenbus_backend of Linux: stable request numbers and structures. */
struct map_grant {
    uint32_t count, pad;
    uint64_t index;
    struct {
        uint32_t domid, ref;
    } refs[1];
};
struct unmap_grant {
    uint64_t index;
    uint32_t count, pad;
};
#define GNTDEV_MAP     _IOC(_IOC_NONE, 'G', 0, sizeof(struct map_grant))
#define GNTDEV_UNMAP   _IOC(_IOC_NONE, 'G', 1, sizeof(struct unmap_grant))
#define BACKEND_EVTCHN _IOC(_IOC_NONE, 'B', 0, 0)

struct xen_side {
    struct xeno_linux l;
    struct xeno x;
    int gntdev, backend;
    bool look_at_domains;
};

/* What an event channel's handler is given: the peer may be gone when it runs. */
static void ring_event(void *arg)
{
    struct peer *p = arg;

    peer_ready(p->daemon, p);
}

static void on_virq(void *arg)
{
    struct xen_side *xen = arg;

    xen->look_at_domains = true;
}

/* ---- pages ---- */

static int map_guest(struct xen_side *xen, struct peer *p)
{
    struct map_grant m = {.count = 1, .refs = {{p->domid, GNTTAB_RESERVED_XENSTORE}}};
    void *va;

    if (ioctl(xen->gntdev, GNTDEV_MAP, &m)) {
        return -errno;
    }
    va = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, xen->gntdev, (off_t)m.index);
    if (va == MAP_FAILED) {
        struct unmap_grant u = {.index = m.index, .count = 1};
        int rc = -errno;

        ioctl(xen->gntdev, GNTDEV_UNMAP, &u);
        return rc;
    }
    p->ring = va;
    p->map_index = m.index;
    return 0;
}

static int map_own_kernel(struct xen_side *xen, struct peer *p)
{
    void *va = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, xen->backend, 0);

    if (va == MAP_FAILED) {
        return -errno;
    }
    p->ring = va;
    p->map_index = NO_INDEX;
    return 0;
}

static void unmap(struct xen_side *xen, struct peer *p)
{
    struct unmap_grant u = {.index = p->map_index, .count = 1};

    if (!p->ring) {
        return;
    }
    munmap(p->ring, PAGE);
    p->ring = NULL;
    if (p->map_index != NO_INDEX) {
        ioctl(xen->gntdev, GNTDEV_UNMAP, &u);
    }
}

static void disconnect(struct daemon *d, struct peer *p)
{
    struct xen_side *xen = d->xen;

    if (p->port) {
        xen->l.t.event_unbind(xen->l.t.ctx, p->port);
    }
    unmap(xen, p);
    peer_forget(d, p);
}

/* ---- the store's requests ---- */

static int connect_ring(struct daemon *d, const struct xs_domain *domain, bool fresh)
{
    struct xen_side *xen = d->xen;
    struct xs_conn *conn = xs_conn_at(&d->store, domain->conn);
    struct peer *p = peer_of(d, conn);
    long port;
    int rc;

    if (p) {
        disconnect(d, p); /* introduced again: the page or the channel may be another one */
    }
    p = peer_new(d, domain->conn);
    if (!p) {
        return -ENOMEM;
    }
    p->domid = domain->domid;
    rc = domain->domid == 0 ? map_own_kernel(xen, p) : map_guest(xen, p);
    if (rc == 0) {
        port = xen->l.t.event_bind(xen->l.t.ctx, domain->domid, domain->port, ring_event, p);
        rc = port < 0 ? (int)port : 0;
        p->port = port < 0 ? 0 : (uint32_t)port;
    }
    if (rc) {
        disconnect(d, p);
        return rc;
    }
    xs_ring_attach(&d->store, conn, p->ring, fresh);
    /* What came before the channel was bound has made no event here; and the domain looks whether we are there. */
    peer_ready(d, p);
    xen->l.t.event_notify(xen->l.t.ctx, p->port);
    return 0;
}

int rings_introduce(struct xs_store *store, struct xs_domain *domain, struct xs_conn *conn)
{
    (void)conn;
    return connect_ring(store->host_ctx, domain, true);
}

void rings_release(struct xs_store *store, struct xs_domain *domain)
{
    struct daemon *d = store->host_ctx;
    struct peer *p = domain->conn ? peer_of(d, xs_conn_at(store, domain->conn)) : NULL;

    if (p) {
        disconnect(d, p);
    }
}

bool rings_domain_exists(struct xs_store *store, uint16_t domid)
{
    struct daemon *d = store->host_ctx;
    struct xen_domctl_getdomaininfo info;

    return xeno_domain_info(&d->xen->x, domid, &info) == 0;
}

/* ---- serving ---- */

void ring_serve(struct daemon *d, struct peer *p)
{
    struct xen_side *xen = d->xen;
    bool more;

    if (xs_ring_serve(&d->store, p->conn, p->ring, TURN, &more)) {
        xen->l.t.event_notify(xen->l.t.ctx, p->port);
    }
    if (more) {
        peer_ready(d, p);
    }
}

/* Which of the domains that we know have shut down or are gone? If none has, it is one that we do not know. */
static void look_at_domains(struct daemon *d)
{
    struct xs_domain *domain;
    unsigned int from = 1;
    bool found = false;

    while ((domain = xs_domain_next(&d->store, from))) {
        struct xen_domctl_getdomaininfo info;
        uint16_t domid = domain->domid;
        long rc = xeno_domain_info(&d->xen->x, domid, &info);

        from = domid + 1u;
        if (rc == -ESRCH || (rc == 0 && (info.flags & XEN_DOMINF_dying))) {
            xs_domain_gone(&d->store, domid);
            found = true;
        } else if (rc == 0 && (info.flags & XEN_DOMINF_shutdown) && !domain->shutdown) {
            xs_domain_shut_down(&d->store, domid);
            found = true;
        }
    }
    if (!found) {
        xs_stranger_ended(&d->store);
    }
}

void rings_event(struct daemon *d)
{
    xeno_linux_dispatch(&d->xen->l);
    if (d->xen->look_at_domains) {
        d->xen->look_at_domains = false;
        look_at_domains(d);
    }
}

/* ---- start ---- */

static int open_device(const char *name)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        fprintf(stderr, "xenostored: cannot open %s: %s\n", name, strerror(errno));
    }
    return fd;
}

static int connect_own_kernel(struct daemon *d)
{
    int port = ioctl(d->xen->backend, BACKEND_EVTCHN);
    struct xs_domain *domain = xs_domain_next(&d->store, 0);
    int rc;

    if (port < 0) {
        rc = -errno;
    } else if (domain && domain->domid == 0 && domain->port == (uint32_t)port) {
        rc = connect_ring(d, domain, false);
    } else {
        rc = xs_domain_introduce(&d->store, 0, 0, (uint32_t)port);
    }
    if (rc) {
        fprintf(stderr, "xenostored: cannot reach this kernel's own ring: %s\n", strerror(-rc));
    }
    return rc;
}

static void connect_known_domains(struct daemon *d)
{
    struct xs_domain *domain;

    for (unsigned int from = 1; (domain = xs_domain_next(&d->store, from));
         from = domain->domid + 1u) {
        if (connect_ring(d, domain, false)) {
            d->xen->look_at_domains = true;
        }
    }
}

int rings_open(struct daemon *d)
{
    static struct xen_side xen;
    struct xeno_error err;
    long port;
    int fd;

    d->xen = &xen;
    if (xeno_linux_open(&xen.l, &err)) {
        fprintf(stderr, "xenostored: %s (--socket-only does without)\n", err.text);
        return -1;
    }
    xen.x.t = &xen.l.t;
    xen.gntdev = open_device("/dev/xen/gntdev");
    xen.backend = open_device(BACKEND);
    fd = xeno_linux_event_fd(&xen.l);
    if (xen.gntdev < 0 || xen.backend < 0 || fd < 0) {
        return -1;
    }
    port = xeno_linux_bind_virq(&xen.l, VIRQ_DOM_EXC, on_virq, &xen);
    if (port < 0) {
        fprintf(stderr, "xenostored: cannot hear of the ends of domains: %s%s\n",
                strerror((int)-port), port == -EEXIST ? ": does another xenstored run?" : "");
        return -1;
    }
    if (loop_add(d, fd, EPOLLIN, LOOP_EVENT_CHANNELS) || connect_own_kernel(d)) {
        return -1;
    }
    connect_known_domains(d);
    /* Domains may have ended while nobody listened. */
    look_at_domains(d);
    return 0;
}
