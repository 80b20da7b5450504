/* SPDX-License-Identifier: MIT */
/*
 * The fault switch, for tests: with XENO_FAULT=N in its environment a tool's Nth operation that can fail (hypercall, mapping,
 * file, store, daemon) fails, once. All that undoes something works after that, as it has to.
 */
#ifndef LIBXENO_LINUX_FAULT_H
#define LIBXENO_LINUX_FAULT_H

#include <stdbool.h>

#include "libxeno/transport.h"

/* Count an operation: is it the one? */
bool fault_now(void);

/* Put the switch in front of a transport's operations, if it is on; in place. */
void fault_install(struct xeno_transport *t);

/* How many operations there were, if the switch is on and has not struck; else -1. */
long fault_not_struck(void);

#endif
