/* SPDX-License-Identifier: MIT */
/*
 * Is one page-table entry legal at its level, and what does changing one entry into another cost?
 * Pure decisions over the entry's bits; who owns the frame and what it is used for is pt_walk.c's
 * and page_type.h's question. Invariant: an entry that pt_check_flags() accepted and canonicalised
 * has no bit that the hardware or another rule of the wall could read as anything else than "a 4
 * KiB mapping of this frame" or "a table of the next level".
 */
#ifndef MM_PT_CHECK_H
#define MM_PT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/errno.h"

/* Entry bits, SDM vol. 3 4.5.4 (4-level paging), APM vol. 2 5.3. */
#define PTE_P      (1ull << 0)
#define PTE_RW     (1ull << 1)
#define PTE_US     (1ull << 2)
#define PTE_PWT    (1ull << 3)
#define PTE_PCD    (1ull << 4)
#define PTE_A      (1ull << 5)
#define PTE_D      (1ull << 6)
#define PTE_PAT    (1ull << 7) /* in an L1 entry */
#define PTE_PS     (1ull << 7) /* in L2 and L3 entries; must be zero in L4 */
#define PTE_G      (1ull << 8)
#define PTE_AVL    (7ull << 9)
#define PTE_ADDR   0x000ffffffffff000ull
#define PTE_AVL_HI (0x7ffull << 52) /* ignored by the CPU while protection keys are off */
#define PTE_NX     (1ull << 63)
#define PTE_CACHE  (PTE_PWT | PTE_PCD | PTE_PAT)
#define PTE_AD     (PTE_A | PTE_D)

#define PT_ENTRIES 512u

/* Slots of an L4 that hold the hypervisor's own tables (ABI: HYPERVISOR_VIRT_START to _END). */
#define PT_L4_HV_FIRST 256u
#define PT_L4_HV_LAST  271u

/*
 * Which rule an entry or an operation broke; pt_reason_text() says it to the writer of the guest.
 */
enum pt_reason {
    PT_OK,
    PT_REFUSED_SUPERPAGE,
    PT_REFUSED_GLOBAL,
    PT_REFUSED_TABLE_CACHE,
    PT_REFUSED_CACHE,
    PT_REFUSED_ADDRESS,
    PT_REFUSED_BEYOND,
    PT_REFUSED_SLOT,
    PT_REFUSED_FRAME,
    PT_REFUSED_OWNER,
    PT_REFUSED_IO,
    PT_REFUSED_WRITABLE,
    PT_REFUSED_LEVEL,
    PT_REFUSED_DESCRIPTOR,
    PT_REFUSED_OVERFLOW,
    PT_REFUSED_NOT_TABLE,
    PT_REFUSED_PINNED,
    PT_REFUSED_NOT_PINNED,
    PT_REFUSED_DYING,
    PT_REASONS
};

/* One line without a full stop; valid for every enum value. */
const char *pt_reason_text(enum pt_reason reason);
/* The errno that a hypercall answers for it (positive), 0 for PT_OK. */
int pt_reason_errno(enum pt_reason reason);

/* What differs between machines and domains; const while the domain lives. */
struct pt_rules {
    uint64_t bad_addr; /* address bits 12..51 that this CPU reserves */
    bool cache_bits;   /* the domain has I/O rights: PWT, PCD and PAT are accepted in L1 entries */
};

/*
 * Judge the bits of `entry` at `level` 1..4 and store what goes into the table in *canon. A
 * non-present entry is legal whatever it holds: the CPU looks at bit 0 alone. Canonical form: US
 * set (the guest's kernel runs in ring 3 as well), G clear in L1 entries (no guest translation
 * survives a CR3 load; x86/tlb.h depends on it).
 */
enum pt_reason pt_check_flags(unsigned int level, uint64_t entry, const struct pt_rules *rules,
                              uint64_t *canon);

/* May a guest choose what is in slot `idx` of a table of that level? */
static inline bool pt_slot_is_guest(unsigned int level, unsigned int idx)
{
    return level != 4 || idx < PT_L4_HV_FIRST || idx > PT_L4_HV_LAST;
}

/* What access a domain has to a frame that is not RAM. */
enum io_access {
    IO_NONE,
    IO_READ,
    IO_WRITE, /* and read */
};

/*
 * The I/O-frame part of the L1 rules: a frame that may only be read loses RW (as with registers the
 * hypervisor owns).
 */
enum pt_reason pt_check_io(enum io_access access, uint64_t *canon);

/*
 * What must happen to references when canonical entry `old` is replaced by canonical entry `new`.
 */
enum pt_change {
    PT_CHANGE_FLAGS,   /* none: both absent, or the same frame with the same rights to be counted */
    PT_CHANGE_MAP,     /* take new's references first */
    PT_CHANGE_UNMAP,   /* drop old's afterwards */
    PT_CHANGE_REPLACE, /* both, in that order */
};

/*
 * Bits of a present entry that carry no reference, by level. RW counts in an L1 entry (it holds a
 * writable type reference) and is a plain restriction above; cache bits count, because whether they
 * are legal depends on the frame. US and G are not in here: they are equal in all canonical
 * entries, and where they are not something is wrong.
 */
#define PT_FREE_BITS_L1    (PTE_A | PTE_D | PTE_AVL | PTE_AVL_HI | PTE_NX)
#define PT_FREE_BITS_TABLE (PT_FREE_BITS_L1 | PTE_RW)

static inline enum pt_change pt_change_kind(unsigned int level, uint64_t old, uint64_t new)
{
    uint64_t free_bits = level == 1 ? PT_FREE_BITS_L1 : PT_FREE_BITS_TABLE;

    if (!(old & PTE_P)) {
        return (new &PTE_P) ? PT_CHANGE_MAP : PT_CHANGE_FLAGS;
    }
    if (!(new &PTE_P)) {
        return PT_CHANGE_UNMAP;
    }
    return ((old ^ new) & ~free_bits) ? PT_CHANGE_REPLACE : PT_CHANGE_FLAGS;
}

#endif
