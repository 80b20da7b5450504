/* SPDX-License-Identifier: MIT */
/*
 * The byte transport under the xenstore client. Callers hold the client's mutex.
 */
#ifndef PVK_PV_XENBUS_RING_H
#define PVK_PV_XENBUS_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "pvk/thread.h"

/* Woken at every event of the store's channel. */
extern struct wait_queue store_queue;

bool store_ring_has_data(void);

/* Write or read exactly len bytes, waiting as needed: 0, or -EIO if the other side breaks the ring. */
int store_ring_write(const void *data, size_t len) __must_check;
int store_ring_read(void *data, size_t len) __must_check;

#endif
