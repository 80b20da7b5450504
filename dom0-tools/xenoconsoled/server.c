/* SPDX-License-Identifier: MIT */
/*
 * The socket: a client sends one line, "attach N NAME" (of a domain that is being made), "view N [FROM]", "gone N" (after
 * its destruction) or "ping", and gets "ok" or a line that says why not. After "view" the connection is the console: output from its first byte, input to it; it ends
 * when the domain has and all has been read. A client that reads slowly holds up nobody: it has a place in the log, no queue.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/compiler.h"
#include "xenoconsoled/consoled.h"

#define MAX_CLIENTS 256u

int server_open(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = CONSOLE_SOCKET ".new"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
    mode_t mask;

    if (fd < 0) {
        return -errno;
    }
    unlink(a.sun_path); /* ours alone: a lock keeps a second daemon out */
    mask = umask(0177);
    rc = bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 64) ||
                 rename(a.sun_path, CONSOLE_SOCKET)
             ? -errno
             : 0;
    umask(mask);
    if (rc) {
        close(fd);
        return rc;
    }
    return fd;
}

void server_accept(struct consoled *c)
{
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct client *more;

    if (fd < 0) {
        return;
    }
    more = c->nr_clients < MAX_CLIENTS ? realloc(c->clients, (c->nr_clients + 1) * sizeof(*more))
                                       : NULL;
    if (!more) {
        close(fd);
        return;
    }
    c->clients = more;
    more[c->nr_clients++] = (struct client){.fd = fd};
}

static void answer(struct client *k, const char *line)
{
    if (send(k->fd, line, strlen(line), MSG_NOSIGNAL) < 0) {
        k->finished = true;
    }
}

static void refuse(struct client *k, const char *why)
{
    char line[400];

    snprintf(line, sizeof(line), "%s\n", why);
    answer(k, line);
    k->finished = true;
}

/* The answer has the pty's name, for the domain's node. */
static void attach(struct consoled *c, struct client *k, uint32_t domid, const char *name)
{
    struct xeno_error err;
    char line[96];
    const struct served *d;
    const char *tty;

    if (served_attach(c, domid, name, true, &err)) {
        refuse(k, err.text);
        return;
    }
    d = served_find(c, domid);
    tty = d && d->master >= 0 ? ptsname(d->master) : NULL;
    snprintf(line, sizeof(line), "ok %s", tty ? tty : "");
    refuse(k, line);
}

static void request(struct consoled *c, struct client *k)
{
    unsigned int domid;
    char name[DOMAIN_NAME_MAX];

    if (strcmp(k->request, "ping") == 0) {
        refuse(k, "ok");
    } else if (sscanf(k->request, "attach %u %63s", &domid, name) == 2) {
        attach(c, k, domid, name);
    } else if (sscanf(k->request, "gone %u", &domid) == 1) {
        served_check(c); /* before the answer: its last frame is given back by now */
        refuse(k, "ok");
    } else if (sscanf(k->request, "view %u %lu", &domid, &k->pos) >= 1) {
        k->d = served_find(c, domid);
        if (k->d) {
            answer(k, "ok\n");
        } else {
            refuse(k, "not served here");
        }
    } else {
        refuse(k, "unknown request");
    }
}

/* What follows the first line in the same piece is input for the console. */
static void read_request(struct consoled *c, struct client *k, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n') {
            k->request[k->nr_request] = '\0';
            request(c, k);
            if (k->d && i + 1 < n) {
                served_input(k->d, text + i + 1, n - i - 1);
            }
            return;
        }
        if (k->nr_request == sizeof(k->request) - 1) {
            k->finished = true;
            return;
        }
        k->request[k->nr_request++] = text[i];
    }
}

void server_read(struct consoled *c, struct client *k)
{
    char buf[512];
    size_t room = k->d ? served_input_room(k->d) : sizeof(buf);
    ssize_t n;

    if (room == 0) {
        return; /* it stays in the socket */
    }
    n = recv(k->fd, buf, MIN(room, sizeof(buf)), 0);

    if (n <= 0) {
        k->finished = k->finished || n == 0 || (errno != EAGAIN && errno != EINTR);
    } else if (k->d) {
        served_input(k->d, buf, (size_t)n);
    } else {
        read_request(c, k, buf, (size_t)n);
    }
}

bool server_is_full(const struct client *k)
{
    return k->d && served_input_room(k->d) == 0;
}

bool server_has_output(const struct client *k)
{
    return k->d && !k->deaf && k->pos < k->d->history.note->base + k->d->history.size;
}

void server_write(struct client *k)
{
    char buf[4096];
    uint64_t was = k->pos, start;
    size_t n = history_read(&k->d->history, &k->pos, buf, sizeof(buf));
    ssize_t sent;

    start = k->pos - n;
    if (n == 0) {
        k->pos = was > k->pos ? was : k->pos;
        k->finished = true; /* the log is shorter than it was written: somebody has cut it */
        return;
    }
    sent = send(k->fd, buf, n, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        k->deaf = true; /* it has left; what it typed before that is still to be read */
    }
    k->pos = start + (sent > 0 ? (uint64_t)sent : 0);
}

void server_sweep(struct consoled *c)
{
    for (size_t i = 0; i < c->nr_clients;) {
        struct client *k = &c->clients[i];

        if (!k->finished && !(k->d && k->d->ended && !server_has_output(k))) {
            i++;
            continue;
        }
        close(k->fd);
        c->sweep = c->sweep || k->d;
        *k = c->clients[--c->nr_clients];
    }
}
