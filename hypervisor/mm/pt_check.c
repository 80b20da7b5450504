/* SPDX-License-Identifier: MIT */
/*
 * The rules for one page-table entry, and their texts. Pure. Invariant: every bit of a present
 * entry is either listed here as free, forced, or the reason of a refusal; the host test tries all
 * pairs of flags at all levels against a model that was written from the rules, not from this code.
 */
#include "mm/pt_check.h"

static const struct {
    const char *text;
    int err;
} reasons[PT_REASONS] = {
    [PT_OK] = {"allowed", 0},
    [PT_REFUSED_SUPERPAGE] = {"bit 7 set above L1: guests have 4 KiB pages only", EINVAL},
    [PT_REFUSED_GLOBAL] = {"global bit set above L1", EINVAL},
    [PT_REFUSED_TABLE_CACHE] = {"PWT or PCD set above L1", EINVAL},
    [PT_REFUSED_CACHE] = {"PWT, PCD or PAT set by a domain without I/O rights", EINVAL},
    [PT_REFUSED_ADDRESS] = {"address bits above the machine's physical address width", EINVAL},
    [PT_REFUSED_BEYOND] = {"no right to a frame above the machine's physical address width", EPERM},
    [PT_REFUSED_SLOT] = {"L4 slots 256 to 271 belong to the hypervisor", EINVAL},
    [PT_REFUSED_FRAME] = {"the frame is not RAM that a domain can own", EINVAL},
    [PT_REFUSED_OWNER] = {"the frame does not belong to the domain that was named", EBUSY},
    [PT_REFUSED_IO] = {"no right to this I/O frame", EPERM},
    [PT_REFUSED_WRITABLE] =
        {"writable mapping of a frame that is in use as a table, or read-only for good", EBUSY},
    [PT_REFUSED_LEVEL] =
        {"the frame is mapped writable or in use as something else than a table of this level",
         EINVAL},
    [PT_REFUSED_DESCRIPTOR] = {"the frame holds a segment descriptor that a guest may not have",
                               EINVAL},
    [PT_REFUSED_OVERFLOW] = {"too many references to the frame", EBUSY},
    [PT_REFUSED_NOT_TABLE] = {"not a page table in use, nor a frame that could be written", EINVAL},
    [PT_REFUSED_PINNED] = {"the table is pinned already", EINVAL},
    [PT_REFUSED_NOT_PINNED] = {"the frame is not pinned", EINVAL},
    [PT_REFUSED_DYING] = {"the domain is being destroyed", ESRCH},
};

const char *pt_reason_text(enum pt_reason reason)
{
    return (unsigned int)reason < PT_REASONS ? reasons[reason].text : "unknown";
}

int pt_reason_errno(enum pt_reason reason)
{
    return (unsigned int)reason < PT_REASONS ? reasons[reason].err : EINVAL;
}

enum pt_reason pt_check_flags(unsigned int level, uint64_t entry, const struct pt_rules *rules,
                              uint64_t *canon)
{
    *canon = entry;
    if (!(entry & PTE_P)) {
        return PT_OK;
    }
    if (entry & rules->bad_addr & PTE_ADDR) {
        /* L1: a device's frame that no one has a right to, unless it is no number at all */
        return level == 1 && (entry & PTE_ADDR) != PTE_ADDR ? PT_REFUSED_BEYOND
                                                            : PT_REFUSED_ADDRESS;
    }
    if (level == 1) {
        if ((entry & PTE_CACHE) && !rules->cache_bits) {
            return PT_REFUSED_CACHE;
        }
        *canon = (entry | PTE_US) & ~PTE_G;
        return PT_OK;
    }
    if (entry & PTE_PS) {
        return PT_REFUSED_SUPERPAGE;
    }
    if (entry & PTE_G) {
        return PT_REFUSED_GLOBAL;
    }
    if (entry & (PTE_PWT | PTE_PCD)) {
        return PT_REFUSED_TABLE_CACHE;
    }
    *canon = entry | PTE_US;
    return PT_OK;
}

enum pt_reason pt_check_io(enum io_access access, uint64_t *canon)
{
    if (access == IO_NONE) {
        return PT_REFUSED_IO;
    }
    if (access == IO_READ) {
        *canon &= ~PTE_RW;
    }
    return PT_OK;
}
