/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces of domains: their nodes in the store, the interface that xen-netback makes here for each, and its place in a
 * bridge. Invariant: a call that fails leaves neither node nor interface.
 */
#ifndef LIBXENO_LINUX_NETWORK_H
#define LIBXENO_LINUX_NETWORK_H

#include "libxeno/linux/store.h"
#include "libxeno/manager.h"

#define NETBACK "/sys/bus/xen-backend/drivers/vif" /* is there when the driver is */

/* All interfaces that a domain's configuration has. 0, or -1 with err; the earlier ones stay until network_gone(). */
int network_connect(struct xeno_store *s, const struct managed *d, struct xeno_error *err);

/* An address for an interface that has none, with the prefix that is Xen's: 00:16:3e. */
void network_choose_mac(struct domain_vif *v);

/* What has to be there before anything is made: a driver, a bridge, a name that is free. 0, or -1 with err. */
int network_check(const char *name, const struct domain_vif *v, struct xeno_error *err);

/* Give a domain an interface that was checked; err begins with the domain's name. 0 or -1. */
int network_attach(struct xeno_store *s, uint32_t domid, const char *name,
                   const struct domain_vif *v, struct xeno_error *err);

/*
 * Take an interface out. The guest is asked to let go of it first, and has ten seconds for that unless it is not to be asked. 0, or -1
 * with err: it did not let go, and keeps it.
 */
int network_detach(struct xeno_store *s, uint32_t domid, const char *name, uint32_t devid, bool ask,
                   struct xeno_error *err);

/* Take out all that a domain has, which has gone or is about to go. False: an interface is still there. */
bool network_gone(struct xeno_store *s, uint32_t domid);

/* The name of a domain's interface here: "" if there is none. */
const char *network_interface(uint32_t domid, uint32_t devid, char *name, size_t size);

#endif
