/* SPDX-License-Identifier: MIT */
/*
 * Memory: frames, the linear map, pages, mappings, and accesses that may fault.
 * All memory of the machine is mapped once, in frame order, from VIRT_BASE on (the linear map); the allocator hands out
 * addresses in it. Text is executable and read-only, all else is not executable; page tables are read-only.
 */
#ifndef PVK_MEMORY_H
#define PVK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"

/* Rights of a mapping. A mapping that is readable only is MAP_R. */
#define MAP_R    0u
#define MAP_W    (1u << 0)
#define MAP_X    (1u << 1)
#define MAP_USER (1u << 2)

extern char __virt_base[], __image_start[], __image_end[];
#define VIRT_BASE ((uintptr_t)__virt_base)

/* The linear map: address of a frame, frame of an address. */
static inline void *va_of_pfn(pfn_t pfn)
{
    return (void *)(VIRT_BASE + (pfn_raw(pfn) << PAGE_SHIFT));
}

static inline pfn_t pfn_of_va(const void *va)
{
    return pfn_make(((uintptr_t)va - VIRT_BASE) >> PAGE_SHIFT);
}

/* Number of frames of this machine; frames 0 .. memory_frames() - 1 are in the linear map. */
uint64_t memory_frames(void);

/* 2^order zeroed pages, contiguous, aligned to their size; NULL if there are none. Any context. */
void *page_alloc(unsigned order) __must_check;
void page_free(void *va, unsigned order);
uint64_t page_nr_free(void);

/* A range of kernel addresses with nothing mapped in it, for map_page(). NULL if there is none. Ranges are page aligned. */
void *window_alloc(size_t nr_pages) __must_check;
void window_free(void *va, size_t nr_pages);

/* Map a frame, or frames that follow one another where nothing is mapped; change rights, unmap. 0 or -errno; page tables are added as needed. */
int map_page(void *va, pfn_t pfn, unsigned rights) __must_check;
int map_range(void *va, pfn_t first, size_t nr_pages, unsigned rights) __must_check;
int map_protect(void *va, size_t nr_pages, unsigned rights) __must_check;
int map_remove(void *va, size_t nr_pages) __must_check;

/* The frame that a kernel address maps to and its rights; false if nothing is mapped. */
bool map_lookup(const void *va, pfn_t *pfn, unsigned *rights);

/* One 8-byte access to an address that may fault: true if it worked. */
bool probe_read(const void *va, uint64_t *value);
bool probe_write(void *va, uint64_t value);

#endif
