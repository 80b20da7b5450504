/* SPDX-License-Identifier: MIT */
/*
 * The type word of a frame and the pure decisions on it: given the old word and a wish, the new
 * word and what has to be done around the exchange. The invariants are in the essay above
 * page_type.c, which drives these decisions. Layout: type 63..61 | PINNED 60 | VALID 59 | HELD 58 |
 * count 55..32 | TLB clock of the last put 31..0.
 */
#ifndef MM_PAGE_TYPE_H
#define MM_PAGE_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/pt_check.h"

/* PT_L1 + n - 1 is level n. */
enum page_type {
    PAGE_NONE,     /* never typed since it was allocated, or (count > 0) read-only for good */
    PAGE_WRITABLE, /* count: writable mappings */
    PAGE_L1,       /* count: entries, roots and pins that use it as a table of that level */
    PAGE_L2,
    PAGE_L3,
    PAGE_L4,
    PAGE_SEGDESC, /* count: descriptor-table registers that use it */
};

#define PGT_TYPE_SHIFT 61
#define PGT_PINNED     (1ull << 60) /* the guest's pin holds one of the counts */
#define PGT_VALID                                                                                  \
    (1ull                                                                                          \
     << 59) /* contents checked, stale translations gone: further gets and puts are lock-free */
#define PGT_HELD       (1ull << 58) /* one of the counts belongs to whoever asks for this table next */
#define PGT_COUNT_ONE  (1ull << 32)
#define PGT_COUNT_MAX  0xffffffull
#define PGT_STAMP_MASK 0xffffffffull

static inline enum page_type pgt_type(uint64_t word)
{
    return (enum page_type)(word >> PGT_TYPE_SHIFT);
}

static inline uint32_t pgt_count(uint64_t word)
{
    return (uint32_t)((word >> 32) & PGT_COUNT_MAX);
}

static inline uint32_t pgt_stamp(uint64_t word)
{
    return (uint32_t)word;
}

static inline bool page_type_is_table(enum page_type t)
{
    return t >= PAGE_L1 && t <= PAGE_L4;
}

static inline unsigned int page_type_level(enum page_type t)
{
    return (unsigned int)t - (unsigned int)PAGE_L1 + 1u;
}

static inline enum page_type page_type_of_level(unsigned int level)
{
    return (enum page_type)((unsigned int)PAGE_L1 + level - 1u);
}

/* What goes with an exchange of the type word from the old value to `next`. */
enum type_action {
    TYPE_DONE, /* exchange, nothing else */
    TYPE_HANDOVER, /* exchange; the reference taken is the HELD one, which has its own general reference */
    TYPE_PREPARE, /* exchange; flush (if .flush), check contents, then pgt_ready() or pgt_undo() */
    TYPE_DISMISS, /* exchange; release what the contents refer to, then pgt_undo(): only with the mm lock */
    TYPE_WAIT, /* another CPU is between PREPARE and ready, without needing anything of us: look again */
    TYPE_LOCK,   /* take the owner's mm lock, settle its open work and look again */
    TYPE_REFUSE, /* .reason */
};

struct type_step {
    uint64_t next;
    uint8_t action; /* enum type_action */
    uint8_t flush;
    uint8_t reason; /* enum pt_reason */
};

/*
 * Take one reference of type `want` (not PAGE_NONE). `locked`: the caller holds the owner's mm
 * lock, its work settled.
 */
static inline struct type_step pgt_get(uint64_t old, enum page_type want, bool locked)
{
    enum page_type type = pgt_type(old);
    uint32_t count = pgt_count(old);
    bool table = page_type_is_table(want);

    if (count == 0) {
        uint64_t stamp = old & PGT_STAMP_MASK;
        uint64_t next = ((uint64_t)want << PGT_TYPE_SHIFT) | PGT_COUNT_ONE | stamp;

        if (table && !locked) {
            return (struct type_step){old, TYPE_LOCK, 0, 0};
        }
        if (want == PAGE_WRITABLE && (type == PAGE_WRITABLE || type == PAGE_NONE)) {
            return (struct type_step){next | PGT_VALID, TYPE_DONE, 0, 0};
        }
        return (struct type_step){next, TYPE_PREPARE, type != want && type != PAGE_NONE, 0};
    }
    if (type != want) {
        return (struct type_step){old, TYPE_REFUSE, 0,
                                  want == PAGE_WRITABLE ? PT_REFUSED_WRITABLE : PT_REFUSED_LEVEL};
    }
    if (!(old & PGT_VALID)) {
        return (struct type_step){old, table ? TYPE_LOCK : TYPE_WAIT, 0, 0};
    }
    if (locked && (old & PGT_HELD)) {
        return (struct type_step){old & ~PGT_HELD, TYPE_HANDOVER, 0, 0};
    }
    if (count == PGT_COUNT_MAX) {
        return (struct type_step){old, TYPE_REFUSE, 0, PT_REFUSED_OVERFLOW};
    }
    return (struct type_step){old + PGT_COUNT_ONE, TYPE_DONE, 0, 0};
}

/*
 * Drop one reference; the count must not be zero. `now` is the TLB clock, read after the mapping
 * was removed.
 */
static inline struct type_step pgt_put(uint64_t old, uint32_t now, bool locked)
{
    uint64_t next = ((old - PGT_COUNT_ONE) & ~PGT_STAMP_MASK) | now;

    if (pgt_count(old) > 1) {
        return (struct type_step){next, TYPE_DONE, 0, 0};
    }
    if (page_type_is_table(pgt_type(old))) {
        if (!locked) {
            return (struct type_step){old, TYPE_LOCK, 0, 0};
        }
        next = (old & ~(PGT_VALID | PGT_STAMP_MASK)) | now;
        return (struct type_step){next, TYPE_DISMISS, 0, 0};
    }
    return (struct type_step){next & ~PGT_VALID, TYPE_DONE, 0, 0};
}

/*
 * After PREPARE: the word (count one, nobody else can have changed it but for PINNED) becomes
 * usable by all.
 */
static inline uint64_t pgt_ready(uint64_t word)
{
    return word | PGT_VALID;
}

/* After a PREPARE that failed or a DISMISS that is complete: type kept, count zero. */
static inline uint64_t pgt_undo(uint64_t word, uint32_t now)
{
    return (word & (7ull << PGT_TYPE_SHIFT)) | now;
}

#endif
