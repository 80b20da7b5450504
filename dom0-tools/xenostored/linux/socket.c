/* SPDX-License-Identifier: MIT */
/*
 * The Unix sockets and their clients. Bytes wait in the client's buffer until it is its turn; what it is sent waits in the store.
 * Invariant: a client that does not read its replies is not read from, so it holds at most one buffer and the store's bound.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/compiler.h"
#include "xenostored/linux/daemon.h"
#include "xenostored/linux/loop.h"

#define CLIENTS_MAX 2000u
/* Messages that go out in one system call. */
#define BATCH 64

static const char *const names[2] = {"socket", "socket_ro"};

/* It listens before it gets its name: who finds the name can connect, also while one process follows another. */
static int listen_at(const struct daemon *d, unsigned int index)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char path[sizeof(a.sun_path)];
    int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s.new", d->run_dir, names[index]);
    int fd;

    if (n < 0 || (size_t)n >= sizeof(a.sun_path)) {
        fprintf(stderr, "xenostored: %s: too long for a socket's path\n", d->run_dir);
        return -1;
    }
    snprintf(path, sizeof(path), "%.*s", n - (int)strlen(".new"), a.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(a.sun_path); /* the lock on the state says that nobody listens there */
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
        chmod(a.sun_path, index ? 0660 : 0600) || listen(fd, 128) || rename(a.sun_path, path)) {
        fprintf(stderr, "xenostored: cannot listen at %s: %s\n", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

int sockets_open(struct daemon *d)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(d->sockets); i++) {
        d->sockets[i] = listen_at(d, i);
        if (d->sockets[i] < 0 || loop_add(d, d->sockets[i], EPOLLIN, LOOP_LISTEN + i)) {
            return -1;
        }
    }
    d->accepting = true;
    return 0;
}

void sockets_close(struct daemon *d)
{
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

    for (unsigned int i = 0; i < ARRAY_SIZE(d->sockets); i++) {
        snprintf(path, sizeof(path), "%s/%s", d->run_dir, names[i]);
        unlink(path);
        close(d->sockets[i]);
    }
}

/* With no room for another client, those that wait stay in the kernel's queue. */
static void accept_more(struct daemon *d, bool yes)
{
    for (unsigned int i = 0; d->accepting != yes && i < ARRAY_SIZE(d->sockets); i++) {
        loop_change(d, d->sockets[i], yes ? EPOLLIN : 0, LOOP_LISTEN + i);
    }
    d->accepting = yes;
}

static struct peer *client_new(struct daemon *d, int fd, bool read_only)
{
    xs_ref conn =
        xs_conn_open(&d->store, 0, XS_CONN_PRIVILEGED | (read_only ? XS_CONN_READ_ONLY : 0));
    struct peer *p = conn ? peer_new(d, conn) : NULL;

    if (p) {
        p->in = malloc(INPUT_BYTES);
        p->fd = fd;
        p->looks_for = EPOLLIN;
        if (p->in && loop_add(d, fd, EPOLLIN, LOOP_PEER + p->slot) == 0) {
            return p;
        }
        p->fd = -1; /* closed by the caller */
        peer_drop(d, p);
    } else if (conn) {
        xs_conn_close(&d->store, conn);
    }
    return NULL;
}

void socket_accept(struct daemon *d, unsigned int index)
{
    int fd = accept4(d->sockets[index], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            accept_more(d, false);
        }
        return;
    }
    if (!client_new(d, fd, index == 1)) {
        close(fd);
        return;
    }
    if (++d->nr_clients >= CLIENTS_MAX) {
        accept_more(d, false);
    }
}

static void drop(struct daemon *d, struct peer *p)
{
    close(p->fd);
    p->fd = -1;
    d->nr_clients--;
    peer_drop(d, p);
    accept_more(d, true);
}

static void look_for(struct daemon *d, struct peer *p, uint32_t events)
{
    if (p->looks_for != events) {
        p->looks_for = events;
        loop_change(d, p->fd, events, LOOP_PEER + p->slot);
    }
}

/* As much as the kernel takes. False: the client is gone. */
static bool flush(struct daemon *d, struct peer *p)
{
    struct xs_conn *conn = xs_conn_at(&d->store, p->conn);
    struct iovec part[BATCH];
    struct msghdr m = {.msg_iov = part};
    ssize_t n;

    while (conn->out_first) {
        size_t skip = conn->out_done;

        m.msg_iovlen = 0;
        for (xs_ref ref = conn->out_first; ref && m.msg_iovlen < BATCH; skip = 0) {
            struct xs_message *message = xs_at(&d->arena, ref);

            part[m.msg_iovlen++] =
                (struct iovec){.iov_base = message->bytes + skip, .iov_len = message->len - skip};
            ref = message->next;
        }
        n = sendmsg(p->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        xs_conn_sent(&d->store, conn, (size_t)n);
    }
    return true;
}

/* The requests in the buffer, at most a turn's. False: the client has broken the protocol. */
static bool run_requests(struct daemon *d, struct peer *p)
{
    const struct xs_conn *conn = xs_conn_at(&d->store, p->conn);
    size_t at = 0;
    bool ok = true;

    for (unsigned int i = 0; ok && i < TURN && !xs_conn_must_wait(&d->store, conn); i++) {
        struct xsd_sockmsg head;

        if (p->in_len - at < sizeof(head)) {
            break;
        }
        memcpy(&head, p->in + at, sizeof(head));
        if (head.len > XENSTORE_PAYLOAD_MAX) {
            ok = false;
        } else if (p->in_len - at - sizeof(head) < head.len) {
            break;
        } else {
            ok = xs_request(&d->store, p->conn, &head, p->in + at + sizeof(head), 0);
            at += sizeof(head) + head.len;
        }
    }
    memmove(p->in, p->in + at, p->in_len - at);
    p->in_len -= at;
    return ok;
}

/* Is there a whole request (or one that is too long) in the buffer? */
static bool has_request(const struct peer *p)
{
    struct xsd_sockmsg head;

    if (p->in_len < sizeof(head)) {
        return false;
    }
    memcpy(&head, p->in, sizeof(head));
    return head.len > XENSTORE_PAYLOAD_MAX || p->in_len - sizeof(head) >= head.len;
}

void socket_serve(struct daemon *d, struct peer *p)
{
    const struct xs_conn *conn = xs_conn_at(&d->store, p->conn);
    uint32_t events = 0;
    bool ok = run_requests(d, p);

    /* What was answered before the client went wrong is still its due. */
    if (!flush(d, p) || !ok || (conn->flags & XS_CONN_BROKEN)) {
        drop(d, p);
        return;
    }
    if (conn->out_first) {
        events |= EPOLLOUT;
    }
    if (!xs_conn_must_wait(&d->store, conn)) {
        if (has_request(p)) {
            peer_ready(d, p);
        } else {
            events |= EPOLLIN;
        }
    }
    look_for(d, p, events);
}

void socket_event(struct daemon *d, struct peer *p, uint32_t events)
{
    if (events & EPOLLIN) {
        ssize_t n = recv(p->fd, p->in + p->in_len, INPUT_BYTES - p->in_len, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            drop(d, p);
            return;
        }
        p->in_len += n > 0 ? (size_t)n : 0;
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        drop(d, p);
        return;
    }
    peer_ready(d, p);
}
