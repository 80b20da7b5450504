/* SPDX-License-Identifier: MIT */
/*
 * Memory start-up of a bare machine, and memory that is no RAM.
 */
#ifndef PVK_NATIVE_MEMORY_H
#define PVK_NATIVE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* From the early tables to our own: linear map of all RAM, the image's rights, the allocator. boot_info is complete. */
void memory_init(void);

/* A zeroed page for a table, before and after there is an allocator; NULL: none. */
void *memory_table_page(void);

/* Map device memory (not cached) or firmware's tables in a window; NULL if there is no window or no memory. */
void *map_device(uint64_t paddr, size_t bytes);
void unmap_device(void *va, size_t bytes);

#endif
