/* SPDX-License-Identifier: MIT */
/*
 * Descriptor and selector rules of PV guests, see segments.h. Pure.
 */
#include "segments.h"

#include <xen/xen.h>

bool segment_descriptor_fix(uint64_t *desc)
{
    if (!(*desc & SEGMENT_P)) {
        return true; /* using it faults, whatever else it says */
    }
    if (!(*desc & SEGMENT_S)) {
        /*
         * Type 0 is reserved in 64-bit mode: loading it faults. It is also how the upper half of a 16-byte descriptor
         * looks, which is harmless as no lower half can be present.
         */
        return (*desc & SEGMENT_TYPE_MASK) == 0;
    }
    *desc |= SEGMENT_DPL | SEGMENT_TYPE_ACCESSED;
    return true;
}

bool segment_selector_allowed(uint16_t sel)
{
    const uint16_t table_and_index = (uint16_t)(sel & ~3);

    if (sel & 4) {
        return true; /* the LDT holds nothing but guest descriptors */
    }
    return (sel >> 3) < FIRST_RESERVED_GDT_ENTRY || table_and_index == (FLAT_RING3_CS64 & ~3) ||
           table_and_index == (FLAT_RING3_CS32 & ~3) || table_and_index == (FLAT_RING3_SS64 & ~3);
}

uint32_t segment_base(uint64_t desc)
{
    return (uint32_t)(((desc >> 16) & 0xffffff) | ((desc >> 32) & 0xff000000));
}

uint32_t segment_limit(uint64_t desc)
{
    uint32_t limit = (uint32_t)((desc & 0xffff) | ((desc >> 32) & 0xf0000));

    return desc & SEGMENT_G ? limit << 12 | 0xfff : limit;
}
