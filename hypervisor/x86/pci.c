/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration cycles: address port, data port, under one lock.
 * Invariant: whoever reads or writes the data port has written the address port under the same hold of the lock.
 */
#include "x86/pci.h"

#include "x86/lock.h"
#include "x86/port.h"

#define REG_COMMAND      0x04u /* status in the upper half */
#define STATUS_HAS_LIST  0x00100000u
#define REG_CAPABILITIES 0x34u
/* A list cannot be longer than what fits behind the header. */
#define MAX_CAPABILITIES 48u

/* lock: one configuration cycle at a time; nothing is taken under it */
static struct spinlock pci_lock = SPINLOCK_INIT("pci config", LOCK_CONSOLE);

uint32_t pci_cycle_in(uint32_t address, uint16_t port, unsigned int nr_bytes)
{
    uint32_t value;

    spin_lock(&pci_lock);
    outl(PCI_PORT_ADDRESS, address);
    value = port_in(port, nr_bytes);
    spin_unlock(&pci_lock);
    return value;
}

void pci_cycle_out(uint32_t address, uint16_t port, unsigned int nr_bytes, uint32_t value)
{
    spin_lock(&pci_lock);
    outl(PCI_PORT_ADDRESS, address);
    port_out(port, nr_bytes, value);
    spin_unlock(&pci_lock);
}

static uint32_t address_of(uint16_t bdf, unsigned int reg)
{
    return PCI_ADDRESS_ENABLE | (uint32_t)bdf << 8 | (reg & 0xfcu);
}

uint32_t pci_read32(uint16_t bdf, unsigned int reg)
{
    return pci_cycle_in(address_of(bdf, reg), PCI_PORT_DATA, 4);
}

void pci_write32(uint16_t bdf, unsigned int reg, uint32_t value)
{
    pci_cycle_out(address_of(bdf, reg), PCI_PORT_DATA, 4, value);
}

unsigned int pci_find_capability(uint16_t bdf, uint8_t id)
{
    uint32_t status = pci_read32(bdf, REG_COMMAND);
    unsigned int at;

    if (status == UINT32_MAX || !(status & STATUS_HAS_LIST)) {
        return 0;
    }
    at = pci_read32(bdf, REG_CAPABILITIES) & 0xfcu;
    for (unsigned int i = 0; at >= 0x40 && i < MAX_CAPABILITIES; i++) {
        uint32_t header = pci_read32(bdf, at);

        if ((header & 0xff) == id) {
            return at;
        }
        at = (header >> 8) & 0xfcu;
    }
    return 0;
}
