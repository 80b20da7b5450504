/* SPDX-License-Identifier: MIT */
/*
 * Looks a code address up in the table that scripts/gen_symbols.py makes of the linked image.
 * The table is sorted by offset from the start of the image.
 */
#include "libpvk/core/symbols.h"

#include <stddef.h>

#include "pvk/memory.h"

struct symbol {
    uint32_t offset;
    uint32_t name_offset;
};

extern const uint32_t symtab_count;
extern const struct symbol symtab[];
extern const char symtab_names[];

const char *symbol_lookup(uint64_t address, uint64_t *offset)
{
    uint64_t wanted = address - (uint64_t)(uintptr_t)__image_start;
    uint32_t low = 0;
    uint32_t high = symtab_count;

    if (wanted >= (uint64_t)(__image_end - __image_start)) {
        return NULL;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (symtab[middle].offset <= wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NULL;
    }
    *offset = wanted - symtab[low - 1].offset;
    return symtab_names + symtab[low - 1].name_offset;
}
