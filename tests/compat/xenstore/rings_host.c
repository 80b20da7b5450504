/* SPDX-License-Identifier: MIT */
/*
 * What stands below our xenostored in tests that need guests and have no hypervisor, in place of its linux/rings.c: rings are
 * files ring-DOMID in $FAKE_XEN_DIR, events come through the FIFO kick and go to the FIFO notify, as in fake_xen.c.
 */
#include "xenostored/linux/rings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenostored/linux/loop.h"
#include "xenostored/ring.h"

#define RINGS 64u

static struct peer *rings[RINGS];
static int kick = -1;
static int notify = -1;

static int open_in(const char *name, int flags)
{
    const char *dir = getenv("FAKE_XEN_DIR");
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir ? dir : ".", name);
    return open(path, flags | O_CLOEXEC);
}

static void tell(uint32_t port)
{
    if (write(notify, &port, sizeof(port)) < 0) {
        perror("notify");
    }
}

static int attach(struct daemon *d, const struct xs_domain *domain, bool fresh)
{
    struct peer *p = rings[domain->domid % RINGS];
    char name[32];
    int fd;

    if (!p) {
        snprintf(name, sizeof(name), "ring-%u", domain->domid);
        fd = open_in(name, O_RDWR);
        p = fd < 0 ? NULL : peer_new(d, domain->conn);
        if (!p) {
            return -EINVAL;
        }
        p->ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        p->domid = domain->domid;
        rings[domain->domid % RINGS] = p;
    }
    p->port = domain->port;
    xs_ring_attach(&d->store, xs_conn_at(&d->store, domain->conn), p->ring, fresh);
    peer_ready(d, p);
    tell(p->port);
    return 0;
}

int rings_introduce(struct xs_store *store, struct xs_domain *domain, struct xs_conn *conn)
{
    (void)conn;
    return attach(store->host_ctx, domain, true);
}

void rings_release(struct xs_store *store, struct xs_domain *domain)
{
    struct peer *p = rings[domain->domid % RINGS];

    munmap(p->ring, 4096);
    rings[domain->domid % RINGS] = NULL;
    peer_forget(store->host_ctx, p);
}

bool rings_domain_exists(struct xs_store *store, uint16_t domid)
{
    (void)store;
    (void)domid;
    return true;
}

void ring_serve(struct daemon *d, struct peer *p)
{
    bool more;

    if (xs_ring_serve(&d->store, p->conn, p->ring, TURN, &more)) {
        tell(p->port);
    }
    if (more) {
        peer_ready(d, p);
    }
}

void rings_event(struct daemon *d)
{
    uint32_t port;

    while (read(kick, &port, sizeof(port)) == (ssize_t)sizeof(port)) {
        for (unsigned int i = 0; i < RINGS; i++) {
            if (rings[i] && rings[i]->port == port) {
                peer_ready(d, rings[i]);
            }
        }
    }
}

int rings_open(struct daemon *d)
{
    struct xs_domain *domain;
    unsigned int from = 0;

    kick = open_in("kick", O_RDWR | O_NONBLOCK);
    notify = open_in("notify", O_RDWR | O_NONBLOCK);
    if (kick < 0 || notify < 0 || loop_add(d, kick, EPOLLIN, LOOP_EVENT_CHANNELS)) {
        perror("fake rings");
        return -1;
    }
    while ((domain = xs_domain_next(&d->store, from)) != NULL) {
        from = domain->domid + 1u;
        if (attach(d, domain, false)) {
            return -1;
        }
    }
    domain = xs_domain_next(&d->store, 0);
    return domain && domain->domid == 0 ? 0 : xs_domain_introduce(&d->store, 0, 0, 1);
}
