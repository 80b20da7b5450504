/* SPDX-License-Identifier: MIT */
/* Devices in the store, see device.h. A wait has a connection of its own: one that watches asks nothing else. */
#include "libxeno/linux/device.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>

#include "libxeno/linux/clock.h"

void device_init(struct device *d, const char *type, uint32_t domid, uint32_t number)
{
    *d = (struct device){.type = type, .domid = domid, .number = number};
    snprintf(d->front, sizeof(d->front), "/local/domain/%u/device/%s/%u", domid, type, number);
    snprintf(d->back, sizeof(d->back), "/local/domain/0/backend/%s/%u/%u", type, domid, number);
    snprintf(d->libxl, sizeof(d->libxl), "/libxl/%u/device/%s/%u", domid, type, number);
}

const char *device_read(struct xeno_store *s, const char *folder, const char *name, char *buf,
                        size_t size)
{
    char path[DEVICE_PATH + 32];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (store_read(s, path, buf, size) < 0) {
        buf[0] = '\0';
    }
    return buf;
}

uint32_t device_number(struct xeno_store *s, const char *folder, const char *name)
{
    char text[24], *end;
    unsigned long n;

    device_read(s, folder, name, text, sizeof(text));
    n = strtoul(text, &end, 10);
    return *end || n > UINT32_MAX ? 0 : (uint32_t)n;
}

void device_write(struct xeno_store *s, const char *folder, const char *name, const char *value)
{
    char path[DEVICE_PATH + 32];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    store_write(s, path, value);
}

void device_write_number(struct xeno_store *s, const char *folder, const char *name, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lu", value);
    device_write(s, folder, name, text);
}

void device_begin(struct xeno_store *s, const struct device *d)
{
    char perms[32];

    store_mkdir(s, d->front);
    snprintf(perms, sizeof(perms), "n%u r0", d->domid);
    store_perms(s, d->front, perms);
    device_write(s, d->front, "backend", d->back);
    device_write(s, d->front, "backend-id", "0");
    device_write_number(s, d->front, "state", XenbusStateInitialising);
    store_mkdir(s, d->back);
    snprintf(perms, sizeof(perms), "n0 r%u", d->domid);
    store_perms(s, d->back, perms);
    device_write(s, d->back, "frontend", d->front);
    device_write_number(s, d->back, "frontend-id", d->domid);
    device_write(s, d->back, "online", "1");
    device_write_number(s, d->back, "state", XenbusStateInitialising);
    device_write(s, d->libxl, "frontend", d->front);
    device_write(s, d->libxl, "backend", d->back);
}

/* Events are only a reason to look again. */
static int wait_on(struct xeno_store *s, struct xeno_store *events, const struct device *d,
                   uint32_t states, uint64_t end)
{
    for (;;) {
        uint32_t state = device_number(s, d->back, "state");
        struct pollfd p = {.fd = events->fd, .events = POLLIN};
        uint64_t now = clock_ms();
        char path[DEVICE_PATH + 32];
        long n;

        if (state < 32 && states & 1u << state) {
            return (int)state;
        }
        if (s->broken) {
            return s->broken;
        }
        if (now >= end || poll(&p, 1, (int)(end - now)) == 0) {
            return -ETIMEDOUT;
        }
        n = store_event(events, path, sizeof(path));
        if (n < 0) {
            return (int)n;
        }
    }
}

int device_wait_state(struct xeno_store *s, const struct device *d, uint32_t states,
                      unsigned int patience_ms)
{
    uint64_t end = clock_ms() + patience_ms;
    char path[DEVICE_PATH + 8];
    struct xeno_store events;
    int rc = store_open(&events);

    snprintf(path, sizeof(path), "%s/state", d->back);
    if (rc == 0) {
        store_watch(&events, path, "state");
        rc = store_flush(&events);
    }
    rc = rc ? rc : wait_on(s, &events, d, states, end);
    store_close(&events);
    return rc;
}

/* What is not there needs no removing. */
static int take_out(struct xeno_store *s, const char *path)
{
    int rc;

    store_rm(s, path);
    rc = store_flush(s);
    return rc == -ENOENT ? 0 : rc;
}

int device_remove(struct xeno_store *s, const struct device *d)
{
    const char *const folders[] = {d->back, d->front, d->libxl};
    char above[DEVICE_PATH], names[XENSTORE_PAYLOAD_MAX + 1];
    int rc = 0;

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        int one = take_out(s, folders[i]);

        rc = rc ? rc : one;
    }
    snprintf(above, sizeof(above), "/local/domain/0/backend/%s/%u", d->type, d->domid);
    if (store_list(s, above, names, sizeof(names)) == 0) {
        int one = take_out(s, above); /* it was the last one */

        rc = rc ? rc : one;
    }
    return rc;
}

void device_each(struct xeno_store *s, const char *type, uint32_t domid,
                 void (*fn)(void *ctx, uint32_t number), void *ctx)
{
    char names[XENSTORE_PAYLOAD_MAX + 1], path[DEVICE_PATH];
    long n;

    snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u", type, domid);
    n = store_list(s, path, names, sizeof(names));
    for (const char *name = names; n > 0 && name < names + n;) {
        char *end;
        unsigned long number = strtoul(name, &end, 10);

        if (end != name && !*end && number <= UINT32_MAX) {
            fn(ctx, (uint32_t)number);
        }
        while (*name++) {
        }
    }
}
