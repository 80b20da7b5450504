/* SPDX-License-Identifier: MIT */
/*
 * The ATA disk's interrupt, for interrupts.c.
 */
#ifndef PVK_NATIVE_ATA_H
#define PVK_NATIVE_ATA_H

void ata_interrupt(void);

#endif
