/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's side of the daemon: rings of dom0's kernel and of guests, their event channels, and the ends of domains.
 */
#ifndef XENOSTORED_LINUX_RINGS_H
#define XENOSTORED_LINUX_RINGS_H

#include "xenostored/linux/daemon.h"

/* Open the devices, connect dom0's kernel, and every domain that a former process knew. 0, or -1 after a line on stderr. */
int rings_open(struct daemon *d);
/* Event channels have something. */
void rings_event(struct daemon *d);
/* A ring's turn. */
void ring_serve(struct daemon *d, struct peer *p);

/* What the store asks of its host. */
int rings_introduce(struct xs_store *store, struct xs_domain *domain, struct xs_conn *conn);
void rings_release(struct xs_store *store, struct xs_domain *domain);
bool rings_domain_exists(struct xs_store *store, uint16_t domid);

#endif
