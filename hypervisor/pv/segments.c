/* SPDX-License-Identifier: MIT */
/*
 * Descriptor and selector rules of PV guests, see segments.h. Pure.
 */
#include "segments.h"

/* Lower half of a 64-bit call gate: selector in bits 16-31, reserved bits and IST in 32-39 (SDM vol. 3, figure 5-8). */
#define GATE_SELECTOR_SHIFT 16
#define GATE_RESERVED       (UINT64_C(0xff) << 32)

/*
 * The ABI tolerates call gates in a table. With DPL 0 no use of one by ring 3 gets further than #GP; what DPL the guest
 * wanted is kept in the RPL of the target, as it finds it on other hypervisors.
 */
static bool call_gate_fix(uint64_t *desc)
{
    uint64_t dpl = (*desc & SEGMENT_DPL) >> 45;

    if (*desc & GATE_RESERVED || !segment_selector_allowed((uint16_t)(*desc >> GATE_SELECTOR_SHIFT))) {
        return false;
    }
    *desc &= ~(SEGMENT_DPL | UINT64_C(3) << GATE_SELECTOR_SHIFT);
    *desc |= dpl << GATE_SELECTOR_SHIFT;
    return true;
}

bool segment_descriptor_fix(uint64_t *desc)
{
    if (!(*desc & SEGMENT_P)) {
        return true; /* using it faults, whatever else it says */
    }
    if (*desc & SEGMENT_S) {
        *desc |= SEGMENT_DPL | SEGMENT_TYPE_ACCESSED;
        return true;
    }
    switch (*desc & SEGMENT_TYPE_MASK) {
    case 0:
        /* Reserved: loading it faults. It is also how the upper half of a 16-byte descriptor looks. */
        return true;
    case SEGMENT_TYPE_CALL_GATE:
        return call_gate_fix(desc);
    default:
        return false;
    }
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
