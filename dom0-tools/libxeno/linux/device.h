/* SPDX-License-Identifier: MIT */
/*
 * A paravirtualized device as xenstore has it: a folder for each end, with a state in it that the other end looks out for.
 * The back end is this domain's.
 */
#ifndef LIBXENO_LINUX_DEVICE_H
#define LIBXENO_LINUX_DEVICE_H

#include <stdbool.h>

#include "libxeno/linux/store.h"

#define DEVICE_PATH        64u
#define DEVICE_PATIENCE_MS 10000u

struct device {
    const char *type; /* "vif", "vbd" */
    uint32_t domid, number;
    char front[DEVICE_PATH], back[DEVICE_PATH],
        libxl[DEVICE_PATH]; /* the last one is where xl keeps account */
};

void device_init(struct device *d, const char *type, uint32_t domid, uint32_t number);

/* A node below a folder: "" if it is not there. The value. */
const char *device_read(struct xeno_store *s, const char *folder, const char *name, char *buf,
                        size_t size);
/* The same as a number; 0 if it is none. */
uint32_t device_number(struct xeno_store *s, const char *folder, const char *name);
/* Queued, as store_write(). */
void device_write(struct xeno_store *s, const char *folder, const char *name, const char *value);
void device_write_number(struct xeno_store *s, const char *folder, const char *name,
                         uint64_t value);

/* Queued: both folders anew, with their owners and what every device has in them. */
void device_begin(struct xeno_store *s, const struct device *d);

/*
 * Until the back end's state is one of those whose bits are set (0 stands for "is not there"), for at most so long: the state; -ETIMEDOUT
 * or -errno of the store.
 */
int device_wait_state(struct xeno_store *s, const struct device *d, uint32_t states,
                      unsigned int patience_ms);

/* Take both folders out, whatever is in them. 0 or -errno. */
int device_remove(struct xeno_store *s, const struct device *d);

/* fn(ctx, number) for each device of that type that a domain has. */
void device_each(struct xeno_store *s, const char *type, uint32_t domid,
                 void (*fn)(void *ctx, uint32_t number), void *ctx);

#endif
