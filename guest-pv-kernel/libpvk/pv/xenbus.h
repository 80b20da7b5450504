/* SPDX-License-Identifier: MIT */
/*
 * Start-up of the xenstore client, and of the thread that obeys control/shutdown.
 */
#ifndef PVK_PV_XENBUS_INTERNAL_H
#define PVK_PV_XENBUS_INTERNAL_H

#include <stdint.h>

struct xenstore_domain_interface;

/* Use this ring and this port: what start_info names, or what a test made. 0 or -errno. */
int xenbus_attach(struct xenstore_domain_interface *ring, uint32_t port);

/* Attach to the ring in start_info, if there is one. */
void xenbus_init(void);

/* End the domain as `control/shutdown` in the store asks. In a thread of its own; does nothing without a store. */
void shutdown_watch_start(void);

#endif
