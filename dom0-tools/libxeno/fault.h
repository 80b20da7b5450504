/* SPDX-License-Identifier: MIT */
/*
 * The fault switch, for tests: the Nth operation of a command that can fail (hypercall, mapping, channel, file, store, daemon)
 * fails, once. All that undoes something works after that, as it has to. On Linux XENO_FAULT=N sets it (kill:N: the command is
 * killed before that operation), in the bare control domain the command fault N 'COMMAND'.
 */
#ifndef LIBXENO_FAULT_H
#define LIBXENO_FAULT_H

#include <stdbool.h>

#include "libxeno/transport.h"

/* Count an operation: is it the one? */
bool fault_now(void);

/* Put the switch in front of a transport's operations, in place, and count from here; 0 takes it away again. strike: called first. */
void fault_set(struct xeno_transport *t, long nth, void (*strike)(void));

/* How many operations there were, if the switch is on and has not struck; else -1. */
long fault_not_struck(void);

#endif
