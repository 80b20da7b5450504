/* SPDX-License-Identifier: MIT */
/*
 * Rules for what a guest may have in its GDT and LDT, and which selectors it may ask the hypervisor to load. Pure.
 * Invariant: a descriptor that passed leads ring 3 nowhere else: a segment with DPL 3, a call gate that ring 3 cannot use,
 * or not present; never a task state, a table or another gate. Layout: SDM vol. 3, 3.4.5. Bases and limits are harmless:
 * 64-bit mode ignores them or cuts a base to 32 bits, and 32-bit code forms no address of the hypervisor's range.
 */
#ifndef PV_SEGMENTS_H
#define PV_SEGMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include "common/compiler.h"

#define SEGMENT_TYPE_ACCESSED (UINT64_C(1) << 40)
#define SEGMENT_TYPE_MASK     (UINT64_C(0xf) << 40)
#define SEGMENT_TYPE_CODE     (UINT64_C(1) << 43)
#define SEGMENT_TYPE_CALL_GATE (UINT64_C(0xc) << 40)
#define SEGMENT_S             (UINT64_C(1) << 44) /* code or data, not system */
#define SEGMENT_DPL           (UINT64_C(3) << 45)
#define SEGMENT_P             (UINT64_C(1) << 47)
#define SEGMENT_L             (UINT64_C(1) << 53) /* 64-bit code */
#define SEGMENT_DB            (UINT64_C(1) << 54) /* 32-bit */
#define SEGMENT_G             (UINT64_C(1) << 55) /* limit counts pages */

/*
 * May this descriptor stand in a guest's table? If so *desc is what is to be stored: a present code or data segment gets
 * DPL 3 (its code runs in ring 3 whatever it says) and counts as accessed, so that the CPU never writes to the table.
 */
bool segment_descriptor_fix(uint64_t *desc) __must_check;

/* The guest's entries and the flat ring-3 ones at 0xe023, 0xe02b, 0xe033; never another entry of the hypervisor. */
static inline bool segment_selector_allowed(uint16_t sel)
{
    uint16_t flat = sel & 0xfff8;

    /* An LDT holds nothing but guest descriptors. */
    return (sel >> 3) < FIRST_RESERVED_GDT_ENTRY || (sel & 4) || flat == (FLAT_RING3_CS64 & 0xfff8) ||
           flat == (FLAT_RING3_SS64 & 0xfff8) || flat == (FLAT_RING3_CS32 & 0xfff8);
}

/* A code or stack selector for return to a guest: RPL 3. */
static inline uint16_t segment_fix_selector(uint16_t sel)
{
    return (uint16_t)(sel | 3);
}

/* A null selector, whatever its RPL. */
static inline bool segment_selector_null(uint16_t sel)
{
    return sel < 4;
}

/* Base and limit (last byte) that a descriptor gives in 32-bit mode. */
uint32_t segment_base(uint64_t desc);
uint32_t segment_limit(uint64_t desc);

#endif
