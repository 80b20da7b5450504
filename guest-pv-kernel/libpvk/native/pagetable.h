/* SPDX-License-Identifier: MIT */
/*
 * Page tables of a bare machine: a frame is what the processor means by it, and an entry is written by writing it.
 * Invariant: tables come from the linear map and stay writable; no entry is ever the processor's business alone.
 */
#ifndef PVK_NATIVE_PAGETABLE_H
#define PVK_NATIVE_PAGETABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "pvk/memory.h"

/* Bits of an entry (SDM vol. 3, table 4-20). */
#define PTE_P      (1ul << 0)
#define PTE_W      (1ul << 1)
#define PTE_US     (1ul << 2)
#define PTE_PCD    (1ul << 4)
#define PTE_A      (1ul << 5)
#define PTE_D      (1ul << 6)
#define PTE_NX     (1ul << 63)
#define PTE_ADDR   0x000ffffffffff000ul
#define PT_ENTRIES 512u
#define PT_LEVELS  4u /* level 4 is the root, level 1 holds the pages */

extern uint64_t *kernel_root;

/* Entry flags for rights. */
uint64_t pte_flags(unsigned rights);

/* The entry of a level that translates va. NULL if a table above it is missing and create is false, or memory is short. */
volatile uint64_t *pt_find(uint64_t *root, uintptr_t va, unsigned level, bool create);

/* Let all CPUs forget what they remember of one address, or of all. Not with a lock held that an interrupt handler takes. */
void pt_flush_page(const void *va);
void pt_flush_all(void);

/* Another CPU has asked for it (interrupt). */
void pt_flush_requested(void);

#endif
