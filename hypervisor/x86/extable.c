/* SPDX-License-Identifier: MIT */
/* Search of the exception table: a few dozen rows, unsorted. Pure. */
#include "x86/extable.h"

const struct extable_entry *extable_find(const struct extable_entry *start,
                                         const struct extable_entry *end, uint64_t rip)
{
    for (const struct extable_entry *e = start; e < end; e++) {
        if (e->insn == rip) {
            return e;
        }
    }
    return NULL;
}
