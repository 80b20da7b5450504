/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own address space: L4 slots 256..271, the same tables in every address space. Used while booting and
 * for device windows later; guest page tables are mm/'s.
 * Invariant: after hv_map_seal() no L4 slot changes any more, so copies of the slots stay right for ever.
 */
#ifndef X86_PGTABLE_H
#define X86_PGTABLE_H

#include <stdint.h>

#include "common/compiler.h"
#include "x86/layout.h"

/* Entry bits of the hypervisor's own tables, SDM vol. 3, 4.5.4. */
#define HV_PTE_P     (1ul << 0)
#define HV_PTE_RW    (1ul << 1)
#define HV_PTE_US    (1ul << 2)
#define HV_PTE_PWT   (1ul << 3)
#define HV_PTE_PCD   (1ul << 4)
#define HV_PTE_A     (1ul << 5)
#define HV_PTE_D     (1ul << 6)
#define HV_PTE_LARGE (1ul << 7)
#define HV_PTE_G     (1ul << 8)
#define HV_PTE_NX    (1ul << 63)
#define HV_PTE_ADDR  0x000ffffffffff000ul

#define HV_MAP_RW    (1u << 0)
#define HV_MAP_EXEC  (1u << 1) /* never together with RW */
#define HV_MAP_UC    (1u << 2) /* device memory */
#define HV_MAP_GUEST (1u << 3) /* guests may read it: the M2P only; never together with RW */
#define HV_MAP_SMALL (1u << 4) /* 4 KiB pages only: parts of it will change */

/*
 * Map [pa, pa + bytes) at va, all multiples of 4 KiB, with the largest pages that fit; entries are global. 0; -ENOMEM when
 * no frame is left for a table (what was mapped until then stays); -EEXIST where something is
 * mapped already; -EINVAL for rights that do not go together.
 */
int hv_map(uint64_t va, uint64_t pa, uint64_t bytes, uint32_t flags) __must_check;

/* Where table frames come from: one zeroed 4 KiB frame a call, its address or 0; it must be in the direct map. */
void hv_map_frames_from(uint64_t (*alloc_frame)(void));
uint64_t hv_map_alloc_frame(void);

/* Map device memory uncached in the device window; NULL when the window or memory is full. Any CPU, boot only. */
void *hv_map_device(uint64_t pa, uint64_t bytes);

/* Make tables for an L4 slot before the slots are sealed, for what is mapped there later. */
int hv_map_reserve_slot(uint64_t va) __must_check;
void hv_map_seal(void);

/* The L4 entry of slot HV_L4_FIRST..HV_L4_LAST, for every other L4: write all of them into it. */
void hv_l4_fill(uint64_t *l4);

/* The hypervisor's own root: what idle CPUs run on. */
uint64_t hv_root_pa(void);
uint64_t *hv_root(void);

/* The L1 entry that maps va, or NULL. */
uint64_t *hv_pte_of(uint64_t va);

static inline void *direct_map(uint64_t pa)
{
    return (void *)(DIRECTMAP_START + pa);
}

static inline uint64_t direct_map_pa(const void *p)
{
    return (uint64_t)p - DIRECTMAP_START;
}

/* Physical address of something in the image. */
static inline uint64_t image_pa(const void *p)
{
    return (uint64_t)p - IMAGE_VIRT_BASE;
}

#endif
