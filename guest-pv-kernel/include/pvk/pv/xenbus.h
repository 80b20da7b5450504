/* SPDX-License-Identifier: MIT */
/*
 * A client of xenstore, the small tree of strings that domains and tools share. Thread context only: calls wait for replies.
 * All return 0 or -errno; -ENODEV if this domain has no store. Paths are absolute or relative to /local/domain/<us>.
 */
#ifndef PVK_PV_XENBUS_H
#define PVK_PV_XENBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/list.h"

#define XENBUS_NO_TX 0u

/* True if this domain was given a store ring. */
bool xenbus_present(void);

/* *value: terminated, to be freed by the caller; it may hold zero bytes in theory, and len says how many bytes there are. */
int xenbus_read(uint32_t tx, const char *path, char **value, size_t *len) __must_check;
int xenbus_write(uint32_t tx, const char *path, const char *value) __must_check;
int xenbus_mkdir(uint32_t tx, const char *path) __must_check;
int xenbus_remove(uint32_t tx, const char *path) __must_check;

/* Let another domain read one of our nodes; all others but the control domain are kept out, as they are from a new node. */
int xenbus_share(uint32_t tx, const char *path, unsigned domid) __must_check;

/* Names below a path: *names points to count pointers and the names themselves in one block, to be freed by the caller. */
int xenbus_list(uint32_t tx, const char *path, char ***names, unsigned *count) __must_check;

/* -EAGAIN from the end of a transaction: someone else changed what it had read; start over. */
int xenbus_transaction_start(uint32_t *tx) __must_check;
int xenbus_transaction_end(uint32_t tx, bool abort) __must_check;

/*
 * Call fn(path, arg) in a thread of its own whenever something at or below the path has changed, and once at first. The
 * structure is the caller's and stays until the unwatch has returned; fn may use the store, but not unwatch itself.
 */
struct xenbus_watch {
    struct list link; /* private */
    void (*fn)(const char *path, void *arg);
    void *arg;
    const char *path;
    uint32_t token; /* private */
};
int xenbus_watch(struct xenbus_watch *watch) __must_check;
int xenbus_unwatch(struct xenbus_watch *watch) __must_check;

#endif
