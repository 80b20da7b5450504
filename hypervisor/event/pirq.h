/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts of the hardware domain. A pirq is its number for one: a global system interrupt by its own number, or
 * the messages of a PCI function by a number from the top. Each has a fixed vector, so that none has to be allocated.
 */
#ifndef EVENT_PIRQ_H
#define EVENT_PIRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/domain.h"

#define PIRQ_VECTOR_FIRST 0x30u
#define NR_PIRQS          176u /* vectors 0x30 to 0xdf: below the hypervisor's own */

/*
 * The ABI's operations (PHYSDEVOP_*), for a caller that has the hardware. -EINVAL: no such interrupt, or not mapped; -EBUSY: in
 * use; -EEXIST: set up like that already; -ENODEV: the function sends no messages; -ENOSPC, -ENOMEM.
 */
int pirq_setup_gsi(uint32_t gsi, bool level, bool active_low);
int pirq_map_gsi(uint32_t gsi, uint32_t *pirq);
int pirq_map_msi(uint16_t bdf, bool msix, unsigned int entry, uint32_t *pirq);
int pirq_unmap(uint32_t pirq);
int pirq_eoi(uint32_t pirq);
int pirq_needs_eoi(uint32_t pirq, bool *needs);
/* Message interrupts are for functions that the domain has told of. */
void pirq_device_known(uint16_t bdf, bool known);

/* Deliver a mapped interrupt to a port of d from now on, and let it through; and no more. The event lock of d is held. */
int pirq_attach(uint32_t pirq, struct domain *d, uint32_t port);
void pirq_detach(uint32_t pirq);

/* An interrupt with a vector of ours has arrived: tell its domain. The local APIC is the caller's to acknowledge. */
void pirq_interrupt(uint32_t vector);

#endif
