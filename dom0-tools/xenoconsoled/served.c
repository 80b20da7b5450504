/* SPDX-License-Identifier: MIT */
/*
 * Domains and their rings. The ring page is the guest's: indices are copied once and their difference is checked before bytes
 * are taken. Each domain has an allowance of bytes a period; what is beyond stays in its ring, and the guest waits, not we.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "common/compiler.h"
#include "libxeno/console_ring.h"
#include "xenoconsoled/consoled.h"

struct served *served_find(struct consoled *c, uint32_t domid)
{
    struct served *d = c->served;

    while (d && d->domid != domid) {
        d = d->next;
    }
    return d;
}

static void event(void *arg)
{
    struct served *d = arg;

    d->ready = d->daemon->any_ready = true;
}

/* ---- the pty ---- */

static void tty_node(struct consoled *c, const struct served *d)
{
    const char *tty = d->master >= 0 ? ptsname(d->master) : NULL;
    char path[64], was[64];

    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", d->domid);
    /* Whoever makes a domain makes the node; without one the domain has gone meanwhile, and nothing of it is to come back. */
    if (c->store.fd >= 0 && tty && store_read(&c->store, path, was, sizeof(was)) >= 0) {
        store_write(&c->store, path, tty);
        store_flush(&c->store); /* a store that refuses it costs the tty's name only */
    }
}

void served_tty_nodes(struct consoled *c)
{
    for (const struct served *d = c->served; d; d = d->next) {
        if (!d->ended) {
            tty_node(c, d);
        }
    }
}

static void pty_close(struct served *d)
{
    if (d->master >= 0) {
        epoll_ctl(d->daemon->ptys, EPOLL_CTL_DEL, d->master, NULL);
        close(d->master);
    }
    if (d->slave >= 0) {
        close(d->slave);
    }
    d->master = d->slave = -1;
}

/* Tell of the next that is typed, unless the guest has no room for it. */
static void pty_await(struct served *d)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = d};

    if (!d->pty_awaited && d->master >= 0 && served_input_room(d)) {
        d->pty_awaited = epoll_ctl(d->daemon->ptys, EPOLL_CTL_MOD, d->master, &e) == 0;
    }
}

/* A console without a pty still has its log and its viewers. The slave is held open, so that a reader's leaving is no hang-up. */
static void pty_open(struct served *d)
{
    struct termios raw;
    struct epoll_event none = {.data.ptr = d};
    const char *name;

    d->slave = -1;
    d->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (d->master < 0) {
        return;
    }
    name = grantpt(d->master) == 0 && unlockpt(d->master) == 0 ? ptsname(d->master) : NULL;
    d->slave = name ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (d->slave < 0 || tcgetattr(d->slave, &raw) ||
        epoll_ctl(d->daemon->ptys, EPOLL_CTL_ADD, d->master, &none)) {
        pty_close(d);
        return;
    }
    cfmakeraw(&raw);
    tcsetattr(d->slave, TCSANOW, &raw);
    pty_await(d);
}

static void pty_output(struct served *d, const char *text, size_t n)
{
    /* Nobody reads it: the oldest go, as on a line without a terminal. */
    if (d->master >= 0 && write(d->master, text, n) < 0 && errno == EAGAIN) {
        tcflush(d->slave, TCIFLUSH);
    }
}

void served_ptys_input(struct consoled *c)
{
    struct epoll_event events[16];
    int nr = epoll_wait(c->ptys, events, ARRAY_SIZE(events), 0);

    for (int i = 0; i < nr; i++) {
        struct served *d = events[i].data.ptr;
        char buf[256];
        ssize_t n = read(d->master, buf, MIN(served_input_room(d), sizeof(buf)));

        d->pty_awaited = false;
        if (n > 0) {
            served_input(d, buf, (size_t)n);
        }
        pty_await(d);
    }
}

/* ---- the ring ---- */

void served_drain(struct served *d)
{
    const struct xeno_transport *t = &d->daemon->l.t;
    struct xencons_interface *ring = d->ring;
    uint32_t cons, n;
    char buf[sizeof(ring->out)];

    d->ready = false;
    if (!ring) {
        return;
    }
    pty_await(d); /* the event may mean that there is room again */
    cons = __atomic_load_n(&ring->out_cons, __ATOMIC_RELAXED);
    n = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE) - cons;
    if (n == 0 || n > sizeof(ring->out)) {
        return; /* nonsense stays nonsense until the guest mends it */
    }
    if (n > d->allowance) {
        n = (uint32_t)d->allowance;
        d->ready = d->daemon->any_ready = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        buf[i] = ring->out[MASK_XENCONS_IDX(cons + i, ring->out)];
    }
    if (n) {
        d->allowance -= n;
        history_add(&d->history, cons, buf, n);
        __atomic_store_n(&ring->out_cons, cons + n, __ATOMIC_RELEASE);
        t->event_notify(t->ctx, d->port);
        pty_output(d, buf, n);
    }
}

size_t served_input_room(const struct served *d)
{
    const struct xencons_interface *ring = d->ring;
    uint32_t held;

    if (!ring || d->ended) {
        return SIZE_MAX; /* it takes all, and hears nothing */
    }
    held = __atomic_load_n(&ring->in_prod, __ATOMIC_RELAXED) -
           __atomic_load_n(&ring->in_cons, __ATOMIC_ACQUIRE);
    return held < sizeof(ring->in) ? sizeof(ring->in) - held : 0;
}

void served_input(struct served *d, const char *text, size_t n)
{
    const struct xeno_transport *t = &d->daemon->l.t;

    if (d->ring && !d->ended && console_ring_input(d->ring, text, n)) {
        t->event_notify(t->ctx, d->port);
    }
}

/* What a daemon that was killed had already written. */
static void skip_unfinished(struct served *d)
{
    uint32_t cons = d->ring->out_cons, prod = __atomic_load_n(&d->ring->out_prod, __ATOMIC_ACQUIRE);

    if (prod - cons <= sizeof(d->ring->out)) {
        __atomic_store_n(&d->ring->out_cons, cons + history_unfinished(&d->history, cons, prod),
                         __ATOMIC_RELEASE);
    }
}

/* ---- attach and detach ---- */

static void release(struct served *d)
{
    const struct xeno_transport *t = &d->daemon->l.t;

    if (d->ring) {
        t->event_unbind(t->ctx, d->port);
        t->unmap_foreign(t->ctx, d->ring, 1);
        d->ring = NULL;
    }
    d->daemon->sweep = true;
    pty_close(d);
}

static int connect_ring(struct served *d, const struct registry_head *h, struct xeno_error *err)
{
    const struct xeno_transport *t = &d->daemon->l.t;
    long port;

    d->ring = t->map_foreign(t->ctx, d->domid, &h->console_mfn, 1);
    if (!d->ring) {
        return xeno_fail(err, "its ring cannot be mapped");
    }
    port = t->event_bind(t->ctx, d->domid, h->console_port, event, d);
    if (port < 0) {
        t->unmap_foreign(t->ctx, d->ring, 1);
        d->ring = NULL;
        return xeno_fail(err, "its event channel: %s", xeno_errno_text(port));
    }
    d->port = (uint32_t)port;
    return 0;
}

static void orphan_namesakes(struct consoled *c, const char *name)
{
    for (struct served *d = c->served; d; d = d->next) {
        if (strcmp(d->name, name) == 0) {
            d->history.orphan = true;
        }
    }
}

int served_attach(struct consoled *c, uint32_t domid, const char *name, bool fresh,
                  struct xeno_error *err)
{
    struct registry_head h;
    struct served *d;
    char *text;
    int rc = name ? record_read(REGISTRY_LIVING, domid, name, &h, &text)
                  : registry_read(domid, &h, &text);

    if (rc) {
        return xeno_fail(err, "domain %u has no record: %s", domid, strerror(-rc));
    }
    free(text);
    d = served_find(c, domid);
    if (d && d->ring) {
        return 0;
    }
    if (d) {
        d->domid = DOMID_NONE; /* the number is used again; its viewers read on to its end */
    }
    d = calloc(1, sizeof(*d));
    if (!d) {
        return xeno_fail(err, "out of memory");
    }
    d->daemon = c;
    d->domid = domid;
    d->allowance = sizeof(d->ring->out);
    snprintf(d->name, sizeof(d->name), "%s", h.name);
    if (connect_ring(d, &h, err)) {
        free(d);
        return -1;
    }
    if (fresh) {
        orphan_namesakes(c, d->name);
    }
    rc = history_open(&d->history, d->name, domid, c->log_limit, fresh);
    if (rc) {
        d->master = d->slave = -1;
        release(d);
        free(d);
        return xeno_fail(err, CONSOLE_LOGS ": %s", strerror(-rc));
    }
    skip_unfinished(d);
    pty_open(d);
    d->ready = c->any_ready = true;
    d->next = c->served;
    c->served = d;
    if (!fresh) {
        tty_node(c, d);
    }
    return 0;
}

static void take_rest(struct served *d)
{
    d->allowance = sizeof(d->ring->out);
    served_drain(d);
}

static void note(void *ctx, const struct xen_domctl_getdomaininfo *info)
{
    struct served *d = served_find(ctx, info->domain);

    if (d) {
        d->there = true;
        d->flags = info->flags;
    }
}

bool served_check(struct consoled *c)
{
    bool ended = false;

    for (struct served *d = c->served; d; d = d->next) {
        d->there = false;
    }
    if (xeno_each_domain(&c->x, note, c)) {
        return false; /* nobody is known to have gone */
    }
    for (struct served *d = c->served; d; d = d->next) {
        bool gone = d->ring && (!d->there || (d->flags & XEN_DOMINF_dying));

        if (!d->ring || (!gone && !(d->flags & XEN_DOMINF_shutdown))) {
            continue;
        }
        take_rest(d);
        ended = ended || !d->ended;
        d->ended = true;
        if (gone) {
            release(d); /* its frames can go only when nobody maps them */
        }
    }
    return ended;
}

void served_sweep(struct consoled *c)
{
    struct served **link = &c->served;

    if (!c->sweep) {
        return; /* which would look at all of them, each time that anything happens */
    }
    c->sweep = false;
    while (*link) {
        struct served *d = *link;
        bool read_by = false;

        for (size_t i = 0; i < c->nr_clients; i++) {
            read_by = read_by || c->clients[i].d == d;
        }
        if (d->ring || read_by) {
            link = &d->next;
            continue;
        }
        *link = d->next;
        history_close(&d->history);
        if (d->domid != DOMID_NONE) {
            history_forget(d->domid);
        }
        free(d);
    }
}

static void attach_old(void *ctx, const struct xen_domctl_getdomaininfo *info)
{
    struct consoled *c = ctx;
    struct xeno_error err;

    if (info->domain != c->l.t.own_domid && !served_find(c, info->domain)) {
        /* Without a record it is another tool's. */
        served_attach(c, info->domain, NULL, false, &err);
    }
}

/* All domains that there is a record of: a daemon that starts goes on where the last one stopped. */
void served_all(struct consoled *c)
{
    xeno_each_domain(&c->x, attach_old, c);
}
