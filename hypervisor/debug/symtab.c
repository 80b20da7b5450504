/* SPDX-License-Identifier: MIT */
/* From an address in the image to "name+offset": binary search in the table that the build links in. Pure. */
#include <stddef.h>

#include "debug/symtab.h"

const char *symtab_find(const struct symtab_entry *table, uint32_t count, const char *names,
                        uint32_t addr_off, uint32_t *offset)
{
    uint32_t low = 0;
    uint32_t high = count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (table[mid].addr_off <= addr_off) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low == 0) {
        return NULL;
    }
    *offset = addr_off - table[low - 1].addr_off;
    return names + table[low - 1].name_off;
}
