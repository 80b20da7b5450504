/* SPDX-License-Identifier: MIT */
/*
 * Memory while booting: what is RAM, what is taken, the hypervisor's final address space, the tables that have an entry a
 * frame. The steps are called by main.c in this order, each once.
 */
#ifndef BOOT_MEMORY_H
#define BOOT_MEMORY_H

#include <stdint.h>

#include "boot/boot_info.h"
#include "boot/early_mem.h"

/* Below it is firmware's memory and what looks like it: never the allocator's. */
#define BOOT_LOW_MEMORY 0x100000ull

/* The boot loader's memory by the boot tables' direct map: the first 4 GiB. */
extern const struct boot_reader boot_reader_low;

/* Find RAM, set aside what is in use; modules that do not begin on a page are moved. Ends the machine on too little. */
void memory_survey(struct boot_info *info);

/* Build the final tables and go over to them. */
void memory_map_final(void);

/* Frame table and M2P for all RAM, mapped; the frame table zero, the M2P all ones. Returns the number of frames. */
uint64_t memory_frame_tables(void);

/* A page of RAM below 1 MiB for starting CPUs, 0 if there was none. */
uint64_t memory_trampoline(void);

/* What is left: free ranges for the allocator. */
const struct early_mem *memory_free_ranges(void);
/* All RAM, used or not. */
const struct early_mem *memory_all_ranges(void);

/* Say what is wrong, and end with status 5. */
void boot_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
