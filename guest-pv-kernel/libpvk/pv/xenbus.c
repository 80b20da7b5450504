/* SPDX-License-Identifier: MIT */
/*
 * The xenstore client: one request at a time. Whoever waits for a reply also takes in the watch events that come before it;
 * a thread of its own delivers them, so that a watch function may use the store.
 * Invariant: `mutex` is held from the first byte of a request to the last byte of its reply.
 */
#include "pvk/pv/xenbus.h"

#include <stdlib.h>
#include <string.h>

#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "common/format.h"
#include "libpvk/pv/xenbus_ring.h"
#include "pvk/pv/domain.h"
#include "pvk/thread.h"

/* A watch event that has arrived and not been delivered. */
struct fired {
    struct list link;
    uint32_t token;
    char path[];
};

/* One string of a request's payload. */
struct part {
    const char *text;
    size_t len;
};

static struct mutex mutex = MUTEX_INIT(mutex);
static struct list watches = LIST_INIT(watches); /* lock: delivery */
static struct list fired = LIST_INIT(fired);     /* lock: mutex */
static struct mutex delivery = MUTEX_INIT(delivery);
static struct thread *watcher;
static uint32_t next_request; /* lock: mutex */

static int errno_of_name(const char *name)
{
    static const struct {
        const char *name;
        int value;
    } errors[] = {
#define XEN_ERRNO(name, value) {#name, value},
#include <xen/errno.h>
    };

    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        if (strcmp(errors[i].name, name) == 0) {
            return -errors[i].value;
        }
    }
    return -XEN_EIO;
}

/* Read one message; *payload (terminated) is the caller's to free. */
static int read_message(struct xsd_sockmsg *header, char **payload)
{
    int rc = store_ring_read(header, sizeof(*header));

    if (rc != 0) {
        return rc;
    }
    if (header->len > XENSTORE_PAYLOAD_MAX) {
        return -XEN_EIO;
    }
    *payload = malloc((size_t)header->len + 1);
    if (*payload == NULL) {
        return -XEN_ENOMEM;
    }
    (*payload)[header->len] = '\0';
    rc = store_ring_read(*payload, header->len);
    if (rc != 0) {
        free(*payload);
    }
    return rc;
}

/* "path|token|" becomes an entry of the list; an event that makes no sense is dropped. */
static void queue_event(const char *payload, size_t len)
{
    size_t path_len = strnlen(payload, len);
    struct fired *f;

    if (path_len >= len) {
        return;
    }
    f = malloc(sizeof(*f) + path_len + 1);
    if (f == NULL) {
        return;
    }
    memcpy(f->path, payload, path_len + 1);
    f->token = (uint32_t)strtoul(payload + path_len + 1, NULL, 10);
    list_add_tail(&fired, &f->link);
}

/* Send a request and wait for its reply. *reply (may be NULL) is the caller's to free. */
static int request(enum xsd_sockmsg_type type, uint32_t tx, const struct part *parts,
                   unsigned nr_parts, char **reply, size_t *reply_len)
{
    struct xsd_sockmsg header = {.type = type, .tx_id = tx};
    char *payload = NULL;
    uint32_t id;
    int rc;

    if (!xenbus_present()) {
        return -XEN_ENODEV;
    }
    for (unsigned i = 0; i < nr_parts; i++) {
        header.len += (uint32_t)parts[i].len;
    }
    if (header.len > XENSTORE_PAYLOAD_MAX) {
        return -XEN_E2BIG;
    }
    mutex_lock(&mutex);
    id = ++next_request;
    header.req_id = id;
    rc = store_ring_write(&header, sizeof(header));
    for (unsigned i = 0; rc == 0 && i < nr_parts; i++) {
        rc = store_ring_write(parts[i].text, parts[i].len);
    }
    while (rc == 0) {
        rc = read_message(&header, &payload);
        if (rc != 0 || header.type != XS_WATCH_EVENT) {
            break;
        }
        queue_event(payload, header.len);
        free(payload);
    }
    mutex_unlock(&mutex);
    if (!list_empty(&fired)) {
        wait_queue_wake(&store_queue);
    }
    if (rc != 0) {
        return rc;
    }
    if (header.type == XS_ERROR) {
        rc = errno_of_name(payload);
    } else if (header.type != (uint32_t)type || header.req_id != id) {
        rc = -XEN_EIO;
    }
    if (rc != 0 || reply == NULL) {
        free(payload);
        return rc;
    }
    *reply = payload;
    *reply_len = header.len;
    return 0;
}

static struct part string(const char *text)
{
    return (struct part){text, strlen(text) + 1};
}

int xenbus_read(uint32_t tx, const char *path, char **value, size_t *len)
{
    struct part parts[] = {string(path)};

    return request(XS_READ, tx, parts, 1, value, len);
}

int xenbus_write(uint32_t tx, const char *path, const char *value)
{
    struct part parts[] = {string(path), {value, strlen(value)}};

    return request(XS_WRITE, tx, parts, 2, NULL, NULL);
}

int xenbus_mkdir(uint32_t tx, const char *path)
{
    struct part parts[] = {string(path)};

    return request(XS_MKDIR, tx, parts, 1, NULL, NULL);
}

int xenbus_remove(uint32_t tx, const char *path)
{
    struct part parts[] = {string(path)};

    return request(XS_RM, tx, parts, 1, NULL, NULL);
}

int xenbus_share(uint32_t tx, const char *path, unsigned domid)
{
    char owner[12]; /* a letter and the number of a domain */
    char reader[12];
    struct part parts[] = {string(path), {owner, 0}, {reader, 0}};
    int self = domain_id();

    if (self < 0) {
        return self;
    }
    format(owner, sizeof(owner), "n%d", self);
    format(reader, sizeof(reader), "r%u", domid);
    parts[1] = string(owner);
    parts[2] = string(reader);
    return request(XS_SET_PERMS, tx, parts, ARRAY_SIZE(parts), NULL, NULL);
}

int xenbus_list(uint32_t tx, const char *path, char ***names, unsigned *count)
{
    struct part parts[] = {string(path)};
    char **table;
    char *reply;
    char *text;
    size_t len;
    unsigned n = 0;
    int rc = request(XS_DIRECTORY, tx, parts, 1, &reply, &len);

    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < len; i++) {
        n += reply[i] == '\0';
    }
    table = malloc(n * sizeof(*table) + len + 1);
    if (table == NULL) {
        free(reply);
        return -XEN_ENOMEM;
    }
    text = (char *)&table[n];
    memcpy(text, reply, len + 1);
    free(reply);
    for (unsigned i = 0; i < n; i++) {
        table[i] = text;
        text += strlen(text) + 1;
    }
    *names = table;
    *count = n;
    return 0;
}

int xenbus_transaction_start(uint32_t *tx)
{
    struct part parts[] = {string("")};
    char *reply;
    size_t len;
    int rc = request(XS_TRANSACTION_START, XENBUS_NO_TX, parts, 1, &reply, &len);

    if (rc == 0) {
        *tx = (uint32_t)strtoul(reply, NULL, 10);
        free(reply);
    }
    return rc;
}

int xenbus_transaction_end(uint32_t tx, bool abort)
{
    struct part parts[] = {string(abort ? "F" : "T")};

    return request(XS_TRANSACTION_END, tx, parts, 1, NULL, NULL);
}

/* Deliver what has arrived. A watch that is gone meanwhile is not called. */
static void deliver_all(void)
{
    for (;;) {
        struct xenbus_watch *watch;
        struct fired *f;

        mutex_lock(&mutex);
        f = list_first(&fired, struct fired, link);
        if (f != NULL) {
            list_del_init(&f->link);
        }
        mutex_unlock(&mutex);
        if (f == NULL) {
            return;
        }
        mutex_lock(&delivery);
        list_for_each (watch, &watches, link) {
            if (watch->token == f->token) {
                watch->fn(f->path, watch->arg);
                break;
            }
        }
        mutex_unlock(&delivery);
        free(f);
    }
}

static void watch_thread(void *unused)
{
    (void)unused;
    for (;;) {
        wait_until(&store_queue, store_ring_has_data() || !list_empty(&fired), 0);
        mutex_lock(&mutex);
        /* Nobody waits for a reply now: what is in the ring is events. */
        while (store_ring_has_data()) {
            struct xsd_sockmsg header;
            char *payload;

            if (read_message(&header, &payload) != 0) {
                mutex_unlock(&mutex);
                return; /* the store is broken beyond use */
            }
            if (header.type == XS_WATCH_EVENT) {
                queue_event(payload, header.len);
            }
            free(payload);
        }
        mutex_unlock(&mutex);
        deliver_all();
    }
}

int xenbus_watch(struct xenbus_watch *watch)
{
    static uint32_t next_token;
    char token[12];
    struct part parts[2];
    int rc;

    if (!xenbus_present()) {
        return -XEN_ENODEV;
    }
    mutex_lock(&delivery);
    watch->token = ++next_token;
    list_add_tail(&watches, &watch->link);
    if (watcher == NULL) {
        watcher = thread_create("xenbus", watch_thread, NULL);
    }
    mutex_unlock(&delivery);
    format(token, sizeof(token), "%u", watch->token);
    parts[0] = string(watch->path);
    parts[1] = string(token);
    rc = watcher == NULL ? -XEN_ENOMEM : request(XS_WATCH, XENBUS_NO_TX, parts, 2, NULL, NULL);
    if (rc != 0) {
        mutex_lock(&delivery);
        list_del_init(&watch->link);
        mutex_unlock(&delivery);
    }
    return rc;
}

int xenbus_unwatch(struct xenbus_watch *watch)
{
    char token[12];
    struct part parts[2];

    mutex_lock(&delivery); /* no call is under way once we have it */
    list_del_init(&watch->link);
    mutex_unlock(&delivery);
    format(token, sizeof(token), "%u", watch->token);
    parts[0] = string(watch->path);
    parts[1] = string(token);
    return request(XS_UNWATCH, XENBUS_NO_TX, parts, 2, NULL, NULL);
}
