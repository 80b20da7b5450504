/* SPDX-License-Identifier: MIT */
/*
 * A guest's registered entry points: the trap table, and the callbacks for events, system calls, failsafe and NMI.
 * Invariant: every address stored here is canonical and outside the hypervisor's range, every trap selector has RPL 3.
 */
#ifndef PV_CALLBACKS_H
#define PV_CALLBACKS_H

#include <stddef.h>

#include <xen/callback.h>

#include "domain/vcpu.h"

#define TRAPS_PER_GROUP 32u
#define TRAP_GROUPS     8u

/* The guest's entry for a vector (0-255), NULL if none was ever set near it; its address may be 0. */
static inline const struct guest_trap *trap_entry(const struct vcpu *v, uint32_t vector)
{
    const struct guest_trap *group = v->pv.traps[(vector / TRAPS_PER_GROUP) % TRAP_GROUPS];

    return group ? &group[vector % TRAPS_PER_GROUP] : NULL;
}

/* May code of the current mode `int n` this vector? */
bool trap_allows_int(const struct vcpu *v, uint32_t vector);

/* Store one entry: -EINVAL for a bad address or selector, -ENOMEM. */
int trap_set(struct vcpu *v, const struct trap_info *info);
void trap_clear_all(struct vcpu *v);

int callback_register(struct vcpu *v, uint16_t type, uint16_t flags, uint64_t addr);
int callback_unregister(struct vcpu *v, uint16_t type);

#endif
