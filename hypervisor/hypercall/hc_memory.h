/* SPDX-License-Identifier: MIT */
/* What boot/ tells the memory calls. */
#ifndef HYPERCALL_HC_MEMORY_H
#define HYPERCALL_HC_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One more range of the machine's memory map, as hardware domains are told it (XENMEM_machine_memory_map), in rising order.
 * False when the table is full.
 */
bool memory_machine_map_add(uint64_t start, uint64_t bytes, uint32_t type);

#endif
