/* SPDX-License-Identifier: MIT */
/*
 * The image's own symbol table, for backtraces: made by scripts/gen_symbols.py from the linked image and linked back in.
 * Invariant: symtab[] is sorted by addr_off, without duplicates; addr_off counts bytes from __image_start, which the linker
 * script defines; name_off indexes symtab_names, where each name ends in NUL. The first link pass has symtab_count == 0.
 */
#ifndef DEBUG_SYMTAB_H
#define DEBUG_SYMTAB_H

#include <stdint.h>

struct symtab_entry {
    uint32_t addr_off;
    uint32_t name_off;
};

extern const uint32_t symtab_count;
extern const struct symtab_entry symtab[];
extern const char symtab_names[];

/* Name of the last symbol at or before addr_off, and how far behind it that is; NULL before the first one. */
const char *symtab_find(const struct symtab_entry *table, uint32_t count, const char *names, uint32_t addr_off,
                        uint32_t *offset);

/* First byte of the linked image: what addr_off counts from. */
extern const char __image_start[];

#endif
