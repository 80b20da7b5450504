/* SPDX-License-Identifier: MIT */
/*
 * MSI and MSI-X registers. Whether a function sends messages at all is its driver's to say, in the capability's enable bit;
 * where they go is written here alone.
 */
#include "x86/msi.h"

#include "common/errno.h"
#include "x86/pci.h"

#define CAP_MSI  0x05u
#define CAP_MSIX 0x11u

/* Bits of the first word: message control in the upper half. */
#define MSI_64BIT  (1u << 23)
#define MSI_MASKS  (1u << 24)
#define MSIX_SIZE(header) ((((header) >> 16) & 0x7ffu) + 1)

#define MSI_VECTORS_LOG2 (7u << 20) /* multiple message enable: 1 */

#define MSIX_ENTRY_BYTES 16u
#define MSIX_MASKED      1u

#define MESSAGE_ADDRESS 0xfee00000u

#define REG_BAR      0x10u
#define BAR_IO       1u
#define BAR_TYPE     6u
#define BAR_TYPE_64  4u
#define NR_BARS      6u

/* Base address of a function's memory BAR, 0 if it is no memory or not there. */
static uint64_t memory_bar(uint16_t bdf, unsigned int bar)
{
    uint32_t low;

    if (bar >= NR_BARS) {
        return 0;
    }
    low = pci_read32(bdf, REG_BAR + 4 * bar);
    if (low & BAR_IO) {
        return 0;
    }
    if ((low & BAR_TYPE) == BAR_TYPE_64 && bar + 1 < NR_BARS) {
        return (uint64_t)pci_read32(bdf, REG_BAR + 4 * bar + 4) << 32 | (low & ~15u);
    }
    return low & ~15u;
}

int msi_find(struct msi *msi, uint16_t bdf, bool msix, unsigned int nr, uint64_t *table)
{
    unsigned int at = pci_find_capability(bdf, msix ? CAP_MSIX : CAP_MSI);
    uint32_t where;
    uint64_t base;

    *table = 0;
    if (!at) {
        return -ENODEV;
    }
    *msi = (struct msi){.bdf = bdf, .capability = (uint8_t)at};
    if (!msix) {
        return nr > 1 ? -EINVAL : 0;
    }
    if (nr >= MSIX_SIZE(pci_read32(bdf, at))) {
        return -EINVAL;
    }
    where = pci_read32(bdf, at + 4);
    base = memory_bar(bdf, where & 7);
    if (!base) {
        return -ENODEV;
    }
    *table = base + (where & ~7u) + (uint64_t)nr * MSIX_ENTRY_BYTES;
    return 0;
}

void msi_set_target(const struct msi *msi, uint8_t vector, uint32_t apic_id)
{
    uint32_t address = MESSAGE_ADDRESS | apic_id << 12;
    uint32_t header;

    if (msi->entry) {
        msi->entry[3] |= MSIX_MASKED;
        msi->entry[0] = address;
        msi->entry[1] = 0;
        msi->entry[2] = vector;
        return;
    }
    header = pci_read32(msi->bdf, msi->capability);
    pci_write32(msi->bdf, msi->capability, header & ~MSI_VECTORS_LOG2);
    pci_write32(msi->bdf, msi->capability + 4u, address);
    if (header & MSI_64BIT) {
        pci_write32(msi->bdf, msi->capability + 8u, 0);
        pci_write32(msi->bdf, msi->capability + 12u, vector);
    } else {
        pci_write32(msi->bdf, msi->capability + 8u, vector);
    }
}

void msi_mask(const struct msi *msi, bool mask)
{
    uint32_t header;

    if (msi->entry) {
        msi->entry[3] = (msi->entry[3] & ~MSIX_MASKED) | (mask ? MSIX_MASKED : 0);
        return;
    }
    header = pci_read32(msi->bdf, msi->capability);
    if (header & MSI_MASKS) {
        pci_write32(msi->bdf, msi->capability + (header & MSI_64BIT ? 16u : 12u), mask);
    }
}
