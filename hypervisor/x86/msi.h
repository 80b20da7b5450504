/* SPDX-License-Identifier: MIT */
/*
 * Message interrupts of PCI functions: MSI in configuration space, MSI-X in a table in the function's memory (PCI Local Bus
 * 3.0, 6.8). Messages are edges with fixed delivery to one CPU (SDM vol. 3, 10.11). Callers serialize.
 */
#ifndef X86_MSI_H
#define X86_MSI_H

#include <stdbool.h>
#include <stdint.h>

struct msi {
    uint16_t bdf;              /* bus << 8 | device << 3 | function */
    uint8_t capability;        /* where it is in configuration space */
    volatile uint32_t *entry;  /* MSI-X: the table entry; NULL: MSI */
};

/*
 * Find a function's MSI capability, or entry `nr` of its MSI-X table. *table, if not 0, is the machine address of the entry: to
 * be checked and mapped by the caller (x86/pgtable.h) into msi->entry. -ENODEV: it has none; -EINVAL: no such entry.
 */
int msi_find(struct msi *msi, uint16_t bdf, bool msix, unsigned int nr, uint64_t *table);

/* Messages of this function raise `vector` on the CPU with this APIC id, once they are let through. */
void msi_set_target(const struct msi *msi, uint8_t vector, uint32_t apic_id);

/* Let messages through or hold them back, as far as the function can: MSI without masks cannot. */
void msi_mask(const struct msi *msi, bool mask);

#endif
