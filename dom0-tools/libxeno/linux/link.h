/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces of this Linux, as the kernel has them: renamed, given an MTU, brought up, put into a bridge; and waited
 * for until one has gone. No program and no shell is needed for it.
 */
#ifndef LIBXENO_LINUX_LINK_H
#define LIBXENO_LINUX_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_NAME 16u /* of an interface, with its zero */

bool link_is_there(const char *name);
bool link_is_bridge(const char *name);

/* 0 or -errno. */
int link_rename(const char *name, const char *to);
int link_set_mtu(const char *name, uint32_t mtu);
uint32_t link_mtu(const char *name);
int link_up(const char *name);
int link_into_bridge(const char *name, const char *bridge);
/* Linux gives an interface that comes up an address of its own by IPv6: not this one, which only passes frames on. */
void link_no_addresses(const char *name);

/* Until done(ctx), asked whenever interfaces have come or gone, at most so long: what it said last. */
bool link_wait(bool (*done)(const void *ctx), const void *ctx, unsigned int patience_ms);
/* Until there is none of that name: true when it has gone. */
bool link_wait_gone(const char *name, unsigned int patience_ms);

#endif
