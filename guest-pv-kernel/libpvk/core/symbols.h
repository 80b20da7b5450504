/* SPDX-License-Identifier: MIT */
/*
 * Names of functions for backtraces, from a table that the build writes into the linked image (add_pv_guest).
 */
#ifndef PVK_CORE_SYMBOLS_H
#define PVK_CORE_SYMBOLS_H

#include <stdint.h>

/* Function that contains address, and the offset in it; NULL if none does. */
const char *symbol_lookup(uint64_t address, uint64_t *offset);

#endif
