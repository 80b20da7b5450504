/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * Entries of the wrong shape: large pages, which would map frames that no one checked (XSA-148: PSE let through on a path for
 * harmless flags); reserved bits, whose fault would hit whoever walks the table; tables of the wrong level; frame numbers of
 * absurd width. Each is tried as a fresh entry, over a live one of the same frame, and in a table that is pinned as a whole.
 */
#include <stdio.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"

#define PROBE_VA 0xffffd00000000000ul /* an L4 slot that nothing uses */

static uint64_t
    *tables[PT_LEVELS + 1]; /* by level: one chain below slot PROBE_VA, complete down to the L1 */
static uint64_t page;       /* an ordinary page */

static const volatile uint64_t *slot_of(unsigned level)
{
    return &tables[level][pt_index(PROBE_VA, level)];
}

static void build(void)
{
    for (unsigned level = PT_LEVELS - 1; level >= 1; level--) {
        tables[level] = table_new();
    }
    tables[PT_LEVELS] = kernel_space.kernel_root;
    for (unsigned level = PT_LEVELS; level >= 2; level--) {
        if (entry_write(slot_of(level), MMU_NORMAL_PT_UPDATE, table_entry(tables[level - 1])) !=
            0) {
            test_error("cannot build the chain of tables");
        }
    }
    page = mfn_of(page_new());
    if (entry_write(slot_of(1), MMU_NORMAL_PT_UPDATE, pte_make(mfn_make(page), PTE_PAGE_RW)) != 0) {
        test_error("cannot map the page");
    }
}

/* The entry in a fresh table that is pinned as a whole. */
static long pin_with(unsigned level, uint64_t entry)
{
    uint64_t *table = page_new();
    long rc;

    table[7] = entry;
    table_close(table);
    rc = table_pin(level, table);
    if (rc == 0 && table_unpin(table) != 0) {
        test_fail("a pinned table cannot be unpinned");
    }
    table_free(table);
    return rc;
}

/* Over the live entry of the level, into an absent neighbour, and by a pin. */
static void observe(unsigned level, const char *what, uint64_t entry)
{
    const volatile uint64_t *live = slot_of(level);
    const volatile uint64_t *fresh = &tables[level][pt_index(PROBE_VA, level) + 1];
    uint64_t was = *live;
    long over = entry_write(live, MMU_NORMAL_PT_UPDATE, entry);
    long preserve;
    long into;

    if (over == 0 && entry_write(live, MMU_NORMAL_PT_UPDATE, was) != 0) {
        test_fail("L%u entry with %s cannot be taken back", level, what);
    }
    preserve = entry_write(live, MMU_PT_UPDATE_PRESERVE_AD, entry);
    if (preserve == 0 && entry_write(live, MMU_NORMAL_PT_UPDATE, was) != 0) {
        test_fail("L%u entry with %s cannot be taken back", level, what);
    }
    into = entry_write(fresh, MMU_NORMAL_PT_UPDATE, entry);
    if (into == 0 && entry_write(fresh, MMU_NORMAL_PT_UPDATE, 0) != 0) {
        test_fail("L%u entry with %s cannot be cleared", level, what);
    }
    test_note("L%u, %s: over %s, preserving %s, fresh %s, pinned %s", level, what, test_rc(over),
              test_rc(preserve), test_rc(into), test_rc(pin_with(level, entry)));
}

static uint64_t good(unsigned level)
{
    return level == 1 ? pte_make(mfn_make(page), PTE_PAGE_RW) : table_entry(tables[level - 1]);
}

static void flags(unsigned level)
{
    observe(level, "nothing wrong", good(level));
    if (level > 1) {
        observe(level, "bit 7", good(level) | PTE_PSE);
        observe(level, "bit 7, an ordinary page",
                pte_make(mfn_make(page), PTE_TABLE_FLAGS | PTE_PSE));
        observe(level, "bit 7, an aligned frame",
                pte_make(mfn_make(page & ~0x3fffful), PTE_TABLE_FLAGS | PTE_PSE));
        observe(level, "bit 7, no frame", PTE_TABLE_FLAGS | PTE_PSE);
        observe(level, "bit 8", good(level) | PTE_G);
        observe(level, "no write, no user", good(level) & ~(PTE_W | PTE_US));
    }
    observe(level, "bit 51 of the address", good(level) | 1ul << 51);
    observe(level, "bit 46 of the address", good(level) | 1ul << 46);
    observe(level, "all of the address", good(level) | PTE_ALL_ADDRESS);
    observe(level, "software bits", good(level) | 0xe00);
    observe(level, "bits 52 to 58", good(level) | 0x7ful << 52);
    observe(level, "bits 59 to 62", good(level) | 0xful << 59);
    observe(level, "no-execute", good(level) | PTE_NX);
    observe(level, "absent, with all other bits", ~PTE_P);
}

static void wrong_tables(unsigned level)
{
    uint64_t *empty = table_new();
    char what[40];

    for (unsigned other = 1; other <= PT_LEVELS; other++) {
        /* Its own level is another test's. */
        if (other + 1 != level && other != level) {
            snprintf(what, sizeof(what), "a live L%u", other);
            observe(level, what, table_entry(tables[other]));
        }
    }
    for (unsigned other = 1; other <= PT_LEVELS; other++) {
        if (other + 1 == level) {
            continue;
        }
        if (table_pin(other, empty) != 0) {
            test_error("cannot pin an empty table");
        }
        if (other != level) {
            snprintf(what, sizeof(what), "an empty pinned L%u", other);
            observe(level, what, table_entry(empty));
        }
        if (table_unpin(empty) != 0) {
            test_error("cannot unpin an empty table");
        }
    }
    observe(level, "a writable page", pte_make(mfn_make(page), PTE_TABLE_FLAGS));
    table_free(empty);
}

void test_main(void)
{
    build();
    for (unsigned level = PT_LEVELS; level >= 1; level--) {
        flags(level);
        if (level > 1) {
            wrong_tables(level);
        }
    }
    test_check(probe_write((void *)PROBE_VA, 0x1234), "the page is still mapped");
    for (unsigned level = 1; level <= PT_LEVELS; level++) {
        test_check(entry_write(slot_of(level), MMU_NORMAL_PT_UPDATE, 0) == 0, "L%u entry cleared",
                   level);
    }
    for (unsigned level = 1; level < PT_LEVELS; level++) {
        table_free(tables[level]);
    }
    pt_flush_all();
    test_still_works();
}
