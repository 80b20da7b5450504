/* SPDX-License-Identifier: MIT */
/*
 * Requests are queued as bytes and answered in order. Watch events may come between replies: they are dropped there, because a
 * connection that watches asks nothing else. Whatever the daemon sends is bounded and checked.
 */
#include "libxeno/linux/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "common/compiler.h"
#include "libxeno/fault.h"
#include "libxeno/linux/daemon_socket.h"

#define SOCKET  "/run/xenstored/socket"
#define IN_ROOM 8192u

static int open_store(struct xeno_store *s, bool wait)
{
    const char *path = getenv("XENSTORED_PATH");

    *s = (struct xeno_store){.fd = -1};
    s->in = malloc(IN_ROOM);
    s->fd = s->in ? daemon_connect(path ? path : SOCKET, wait) : -ENOMEM;
    if (s->fd < 0) {
        int rc = s->fd;

        store_close(s);
        return rc;
    }
    return 0;
}

int store_open(struct xeno_store *s)
{
    return open_store(s, true);
}

int store_open_now(struct xeno_store *s)
{
    return open_store(s, false);
}

const char *store_error_text(int rc)
{
    switch (rc) {
    case -ENOENT:
    case -ECONNREFUSED:
        return "it does not run";
    case -ETIMEDOUT:
        return "it does not answer";
    case -ECONNRESET:
    case -EPIPE:
        return "it has closed the connection";
    default:
        return strerror(-rc);
    }
}

void store_close(struct xeno_store *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
    free(s->out);
    free(s->in);
    *s = (struct xeno_store){.fd = -1};
}

static void fail_later(struct xeno_store *s, int rc)
{
    s->failed = s->failed ? s->failed : rc;
}

/* One request: strings with their zeros, and a last part without (may be NULL). */
static void queue(struct xeno_store *s, uint32_t type, const char *strings, size_t string_bytes,
                  const char *last)
{
    size_t last_bytes = last ? strlen(last) : 0;
    struct xsd_sockmsg h = {.type = type,
                            .req_id = s->next_id++,
                            .tx_id = s->tx,
                            .len = (uint32_t)(string_bytes + last_bytes)};
    size_t need = s->out_bytes + sizeof(h) + h.len;

    if (string_bytes + last_bytes > XENSTORE_PAYLOAD_MAX) {
        fail_later(s, -E2BIG);
        return;
    }
    if (need > s->out_room) {
        char *more = realloc(s->out, need * 2);

        if (!more) {
            fail_later(s, -ENOMEM);
            return;
        }
        s->out = more;
        s->out_room = need * 2;
    }
    memcpy(s->out + s->out_bytes, &h, sizeof(h));
    memcpy(s->out + s->out_bytes + sizeof(h), strings, string_bytes);
    if (last_bytes) {
        memcpy(s->out + s->out_bytes + sizeof(h) + string_bytes, last, last_bytes);
    }
    s->out_bytes = need;
    s->queued++;
}

static int send_all(struct xeno_store *s)
{
    size_t done = 0;

    while (done < s->out_bytes) {
        ssize_t n = send(s->fd, s->out + done, s->out_bytes - done, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR) {
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    s->out_bytes = 0;
    return 0;
}

/* The daemon answers many requests at once: they are taken in one piece, too. */
static int receive(struct xeno_store *s, void *buf, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        size_t n = MIN(bytes - done, s->in_end - s->in_at);
        ssize_t got;

        if (n) {
            memcpy((char *)buf + done, s->in + s->in_at, n);
            s->in_at += n;
            done += n;
            continue;
        }
        got = recv(s->fd, s->in, IN_ROOM, 0);
        if (got == 0) {
            return -ECONNRESET;
        }
        if (got < 0 && errno != EINTR) {
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        }
        s->in_at = 0;
        s->in_end = got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int error_number(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
        if (strcmp(xsd_errors[i].errstring, name) == 0) {
            return -xsd_errors[i].errnum;
        }
    }
    return -EIO;
}

/* One message, terminated, into buf of XENSTORE_PAYLOAD_MAX + 1: its length or -errno of the transport. */
static long receive_message(struct xeno_store *s, uint32_t *type, char *buf)
{
    struct xsd_sockmsg h;
    int rc = receive(s, &h, sizeof(h));

    if (rc == 0 && h.len > XENSTORE_PAYLOAD_MAX) {
        rc = -EBADMSG;
    }
    rc = rc ? rc : receive(s, buf, h.len);
    if (rc) {
        s->broken = rc;
        return rc;
    }
    buf[h.len] = '\0';
    *type = h.type;
    return (long)h.len;
}

/* The next reply: its length, or -errno that it or the transport says. */
static long reply(struct xeno_store *s, char *buf)
{
    uint32_t type;
    long n;

    do {
        n = receive_message(s, &type, buf);
    } while (n >= 0 && type == XS_WATCH_EVENT);
    return n >= 0 && type == XS_ERROR ? error_number(buf) : n;
}

static int send_queued(struct xeno_store *s)
{
    int rc = s->broken ? s->broken : fault_now() ? -EIO : 0;

    if (rc == 0) {
        rc = s->broken = send_all(s);
    }
    return rc;
}

int store_flush(struct xeno_store *s)
{
    char buf[XENSTORE_PAYLOAD_MAX + 1];
    int rc = !s->out_bytes ? 0 : send_queued(s);

    if (rc) {
        s->out_bytes = 0;
        fail_later(s, rc);
        s->queued = 0;
    }
    for (; s->queued; s->queued--) {
        long n = reply(s, buf);

        if (n < 0) {
            fail_later(s, (int)n);
        }
        if (s->broken) {
            s->queued = 0;
            break;
        }
    }
    rc = s->failed;
    s->failed = 0;
    return rc;
}

/* A request whose reply is wanted: it goes alone. */
static long ask(struct xeno_store *s, uint32_t type, const char *strings, size_t bytes, char *buf)
{
    int rc = store_flush(s);

    if (rc) {
        return rc;
    }
    queue(s, type, strings, bytes, NULL);
    rc = s->failed ? s->failed : send_queued(s);
    s->out_bytes = 0;
    s->queued = 0;
    s->failed = 0;
    return rc ? rc : reply(s, buf);
}

int store_begin(struct xeno_store *s)
{
    char buf[XENSTORE_PAYLOAD_MAX + 1];
    long n;

    s->tx = 0;
    n = ask(s, XS_TRANSACTION_START, "", 1, buf);
    if (n >= 0) {
        s->tx = (uint32_t)strtoul(buf, NULL, 10);
    }
    return n < 0 ? (int)n : 0;
}

int store_commit(struct xeno_store *s)
{
    int rc = store_flush(s), end;

    queue(s, XS_TRANSACTION_END, rc ? "F" : "T", 2, NULL);
    end = store_flush(s);
    s->tx = 0;
    return rc ? rc : end;
}

void store_write(struct xeno_store *s, const char *path, const char *value)
{
    queue(s, XS_WRITE, path, strlen(path) + 1, value);
}

void store_mkdir(struct xeno_store *s, const char *path)
{
    queue(s, XS_MKDIR, path, strlen(path) + 1, NULL);
}

void store_rm(struct xeno_store *s, const char *path)
{
    queue(s, XS_RM, path, strlen(path) + 1, NULL);
}

void store_perms(struct xeno_store *s, const char *path, const char *perms)
{
    char strings[512];
    size_t n = strlen(path) + 1, p = strlen(perms) + 1;

    if (n + p > sizeof(strings)) {
        fail_later(s, -E2BIG);
        return;
    }
    memcpy(strings, path, n);
    memcpy(strings + n, perms, p);
    for (size_t i = n; i < n + p; i++) {
        strings[i] = strings[i] == ' ' ? '\0' : strings[i];
    }
    queue(s, XS_SET_PERMS, strings, n + p, NULL);
}

void store_introduce(struct xeno_store *s, uint32_t domid, uint64_t mfn, uint32_t port)
{
    char strings[64];
    /* The frame is a signed number on this wire. */
    int n = snprintf(strings, sizeof(strings), "%u%c%ld%c%u", domid, 0, (long)mfn, 0, port);

    queue(s, XS_INTRODUCE, strings, (size_t)n + 1, NULL);
}

void store_watch(struct xeno_store *s, const char *path, const char *token)
{
    char strings[512];
    int n = snprintf(strings, sizeof(strings), "%s%c%s", path, 0, token);

    if (n < 0 || (size_t)n >= sizeof(strings)) {
        fail_later(s, -E2BIG);
        return;
    }
    queue(s, XS_WATCH, strings, (size_t)n + 1, NULL);
}

static long ask_path(struct xeno_store *s, uint32_t type, const char *path, char *buf, size_t size)
{
    char value[XENSTORE_PAYLOAD_MAX + 1];
    long n = ask(s, type, path, strlen(path) + 1, value);

    if (n < 0) {
        return n;
    }
    if ((size_t)n >= size) {
        return -E2BIG;
    }
    memcpy(buf, value, (size_t)n + 1);
    return n;
}

long store_read(struct xeno_store *s, const char *path, char *buf, size_t size)
{
    return ask_path(s, XS_READ, path, buf, size);
}

long store_list(struct xeno_store *s, const char *path, char *buf, size_t size)
{
    return ask_path(s, XS_DIRECTORY, path, buf, size);
}

long store_event(struct xeno_store *s, char *buf, size_t size)
{
    char message[XENSTORE_PAYLOAD_MAX + 1];
    uint32_t type;
    long n;

    do {
        n = receive_message(s, &type, message);
    } while (n >= 0 && type != XS_WATCH_EVENT);
    if (n < 0) {
        return n;
    }
    snprintf(buf, size, "%s", message);
    return (long)strlen(buf);
}
