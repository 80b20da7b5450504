/* SPDX-License-Identifier: MIT */
/*
 * The daemon around the store: one thread, one epoll. Clients are served in turn, a few requests each, so that none waits for
 * another's backlog; what a client may pile up is bounded by the store.
 * Invariant: a reply leaves the process only after the scope of its request was committed to the state file.
 */
#ifndef XENOSTORED_LINUX_DAEMON_H
#define XENOSTORED_LINUX_DAEMON_H

#include <xen/io/xs_wire.h>

#include "xenostored/store.h"

/* A request of full length and the beginning of the next ones. */
#define INPUT_BYTES 8192u
/* Requests of one client before it is the next one's turn. */
#define TURN 16u

/* Somebody at the other end of a connection: a socket's client or a domain's ring. */
struct peer {
    struct peer *ready_next, *gone_next;
    bool is_ready; /* in daemon.ready */
    bool is_gone;  /* in daemon.gone */
    uint16_t domid;
    uint32_t slot; /* its index + 1 in daemon.by_slot */
    xs_ref conn;
    struct daemon *daemon;
    /* A socket's client. */
    int fd;             /* -1: a ring */
    uint32_t looks_for; /* what epoll looks for */
    size_t in_len;      /* bytes in */
    char *in;           /* INPUT_BYTES */
    /* A domain. */
    struct xenstore_domain_interface *ring;
    uint32_t port;      /* our end of the event channel */
    uint64_t map_index; /* of the granted page */
};

struct state_file {
    int fd, undo_fd;
};

struct daemon {
    struct xs_store store;
    struct xs_arena arena;
    struct state_file file;
    int epoll, signals;
    int sockets[2]; /* privileged, read-only */
    bool accepting;
    bool stop;
    unsigned int nr_clients;
    struct peer **by_slot; /* peers of connections */
    uint32_t nr_slots, next_slot;
    struct {
        struct peer *first, *last;
    } ready;
    struct peer *gone;
    struct xen_side *xen; /* NULL with --socket-only */
    const char *run_dir;
};

/* state_file.c: maps the state, made if there is none of this boot. 0, or -1 after a line on stderr. */
int state_open(struct daemon *d, const char *dir, bool fresh);
/* Give back what a large operation needed. */
void state_trim(struct daemon *d);

/* peer.c: NULL if there is no memory. */
struct peer *peer_new(struct daemon *d, xs_ref conn);
struct peer *peer_of(const struct daemon *d, const struct xs_conn *conn);
/* Into the queue of those who have something to do, and out of it: NULL if it is empty. */
void peer_ready(struct daemon *d, struct peer *p);
struct peer *peer_next_ready(struct daemon *d);
/* End a client's connection. */
void peer_drop(struct daemon *d, struct peer *p);
/* The connection is gone already. */
void peer_forget(struct daemon *d, struct peer *p);
/* Free those that are gone. */
void peer_reap(struct daemon *d);

/* socket.c: 0, or -1 after a line on stderr. */
int sockets_open(struct daemon *d);
void sockets_close(struct daemon *d);
/* epoll has something for a listening socket, by its index, or for a client. */
void socket_accept(struct daemon *d, unsigned int index);
void socket_event(struct daemon *d, struct peer *p, uint32_t events);
/* A client's turn. */
void socket_serve(struct daemon *d, struct peer *p);

#endif
