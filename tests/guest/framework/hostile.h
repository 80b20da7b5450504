/* SPDX-License-Identifier: MIT */
/*
 * What hostile tests share: addresses that no guest may use, page tables that nothing refers to yet, and the proof at the end
 * that the guest and its memory are as good as before.
 * Invariant: a table made by table_new() is mapped read-only and nowhere writable until table_free().
 */
#ifndef GUEST_TEST_HOSTILE_H
#define GUEST_TEST_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/typed_int.h"
#include "pvk/pv/pagetable.h"

/* The first address above the lower half, and the last below the upper one (SDM vol. 1, 3.3.7.1: 48-bit addresses). */
#define ADDR_NOT_CANONICAL 0x0000800000000000ul
#define ADDR_GAP_TOP       0xffff7ffffffffffful
/* L4 slots 256 to 271 are the hypervisor's; the first 256 GiB of them show the machine-to-physical table. */
#define ADDR_M2P        0xffff800000000000ul
#define ADDR_HYPERVISOR 0xffff830000000000ul
#define ADDR_HV_LAST    0xffff87fffffffff8ul
#define HV_FIRST_SLOT   256u
#define HV_LAST_SLOT    271u
#define PTE_PWT         (1ul << 3)
#define PTE_PCD         (1ul << 4)
#define PTE_G           (1ul << 8)
#define PTE_TABLE_FLAGS (PTE_P | PTE_W | PTE_US | PTE_A | PTE_D)
#define PTE_PAGE_RO     (PTE_P | PTE_A | PTE_D | PTE_NX)
#define PTE_PAGE_RW     (PTE_PAGE_RO | PTE_W)
#define PTE_ALL_ADDRESS 0x000ffffffffff000ul
#define MFN_BEYOND      (1ul << 36) /* a frame no test machine has, in a width that processors have */
#define NO_DOMAIN       12345u

/* The machine frame behind a page of the linear map. */
uint64_t mfn_of(const void *page);

/* A zeroed page that may become a table; back to ordinary memory, which must work: it is an error of the test if not. */
uint64_t *table_new(void);
void table_free(void *table);

/* While the table is none (not pinned, in no table): make it writable to fill it, and read-only again. */
void table_open(void *table);
void table_close(void *table);

/* An entry of the level above, for a table. */
uint64_t table_entry(const void *table);

/* Pin as level 1 to 4, unpin: what the hypervisor answered. */
long table_pin(unsigned level, const void *table);
long table_unpin(const void *table);

/* One mmuext_op with the frame of a page, or with any frame; one mmu_update of an entry in a table. */
long mmuext_mfn(unsigned cmd, uint64_t mfn);
long entry_write(const volatile uint64_t *entry, unsigned kind, uint64_t value);

/* The entry of a level that maps a kernel address; there must be one. */
struct pt_entry entry_of(const void *va, unsigned level);

/* A page; there must be one. An address without a mapping whose L1 table is there. */
void *page_new(void);
void *window_new(void);

/*
 * Ends a hostile test: memory can be allocated, written, protected, mapped and unmapped, page tables and user mode work, and
 * events arrive. Prints one line; each fault is a failure of the test.
 */
void test_still_works(void);

#endif
