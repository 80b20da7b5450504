/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration cycles by ports (PCI Local Bus 3.0, 3.2.2.3.2). The hypervisor reads little of it itself: where a device
 * has its message interrupts. The hardware domain's cycles come through here as well, so that none is torn.
 */
#ifndef X86_PCI_H
#define X86_PCI_H

#include <stdint.h>

#define PCI_PORT_ADDRESS 0xcf8u
#define PCI_PORT_DATA    0xcfcu

#define PCI_ADDRESS_ENABLE 0x80000000u

/* One access of 1, 2 or 4 bytes at `port` (0xcfc to 0xcff) with `address` in the address port. */
uint32_t pci_cycle_in(uint32_t address, uint16_t port, unsigned int nr_bytes);
void pci_cycle_out(uint32_t address, uint16_t port, unsigned int nr_bytes, uint32_t value);

/* A 32-bit register of a function of segment 0; bdf: bus << 8 | device << 3 | function. */
uint32_t pci_read32(uint16_t bdf, unsigned int reg);
void pci_write32(uint16_t bdf, unsigned int reg, uint32_t value);

/* Where a capability's header is in configuration space; 0: the function has none, or none of that kind. */
unsigned int pci_find_capability(uint16_t bdf, uint8_t id);

#endif
