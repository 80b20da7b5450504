/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * A frame changes from page to table and back. Between the two a guest may write anything into it, so each new life as a table
 * must check all entries again; and a frame must not have two lives at once. Pins that come twice, unpins of what is not
 * pinned, bad entries at the very end of a table, and references that are left behind when a check fails are tried.
 */
#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"

static char *window;
static uint64_t page; /* an ordinary page */

static long map_window(const void *what, uint64_t flags)
{
    return hc_update_va_mapping(window, pte_make(mfn_make(mfn_of(what)), flags),
                                UVMF_INVLPG | UVMF_LOCAL);
}

static void unmap_window(void)
{
    if (hc_update_va_mapping(window, 0, UVMF_INVLPG | UVMF_LOCAL) != 0) {
        test_fail("a window cannot be unmapped");
    }
}

static void pins(void)
{
    uint64_t *table = table_new();
    uint64_t *plain = page_new();

    test_note("unpin of what is not pinned: %s", test_rc(table_unpin(table)));
    test_note("pin of a page that is mapped writable: %s", test_rc(table_pin(1, plain)));
    for (unsigned level = 1; level <= PT_LEVELS; level++) {
        test_note("pin as L%u: %s", level, test_rc(table_pin(level, table)));
        test_note("again: %s", test_rc(table_pin(level, table)));
        for (unsigned other = 1; other <= PT_LEVELS; other++) {
            if (other != level) {
                test_note("as L%u: %s", other, test_rc(table_pin(other, table)));
            }
        }
        test_note("writable: %s", test_rc(map_window(table, PTE_PAGE_RW)));
        test_note("unpin: %s", test_rc(table_unpin(table)));
        test_note("again: %s", test_rc(table_unpin(table)));
    }
    test_note("pin of no frame: %s", test_rc(mmuext_mfn(MMUEXT_PIN_L1_TABLE, MFN_BEYOND)));
    test_note("pin of a frame of 64 bits: %s", test_rc(mmuext_mfn(MMUEXT_PIN_L4_TABLE, ~0ul)));
    test_note("unpin of no frame: %s", test_rc(mmuext_mfn(MMUEXT_UNPIN_TABLE, MFN_BEYOND)));
    test_note("page tables in no frame: %s", test_rc(mmuext_mfn(MMUEXT_NEW_BASEPTR, MFN_BEYOND)));
    test_note("page tables in frame 0: %s", test_rc(mmuext_mfn(MMUEXT_NEW_BASEPTR, 0)));
    test_note("page tables in a page: %s", test_rc(mmuext_mfn(MMUEXT_NEW_BASEPTR, mfn_of(plain))));
    test_note("user page tables in no frame: %s",
              test_rc(mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, MFN_BEYOND)));
    test_note("user page tables in a page: %s",
              test_rc(mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, mfn_of(plain))));
    test_note(
        "user page tables in an L3: %s",
        test_rc(mmuext_mfn(MMUEXT_NEW_USER_BASEPTR, mfn_raw(pte_mfn(*entry_of(window, 4).entry)))));
    table_free(table);
    page_free(plain, 0);
}

/* One bad entry among good ones: the check fails, and nothing of what it had counted stays counted. */
static void bad_entry(unsigned level, unsigned index, const char *what, uint64_t bad)
{
    uint64_t *below = level > 1 ? table_new() : page_new();
    uint64_t good = level > 1 ? table_entry(below) : pte_make(mfn_make(mfn_of(below)), PTE_PAGE_RW);
    uint64_t *table = page_new();
    long rc;

    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        table[i] = i == index ? bad : good;
    }
    table_close(table);
    rc = table_pin(level, table);
    test_note("L%u with %s at %u: %s", level, what, index, test_rc(rc));
    if (rc == 0) {
        test_fail("a bad table is in use");
    }
    table_free(table);
    /* Free of references, it can become what it was not. */
    if (level > 1) {
        table_free(below);
    } else {
        table_close(below);
        rc = table_pin(1, below);
        test_must(rc == 0, "the page below can be a table: %s", test_rc(rc));
        rc = table_unpin(below);
        test_must(rc == 0, "and be none again: %s", test_rc(rc));
        table_free(below);
    }
}

static void bad_entries(void)
{
    static const unsigned places[] = {0, 1, 255, 256, 510, 511};
    uint64_t *l1_with_bad = page_new();

    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        bad_entry(1, places[i], "its own L4, writable", table_entry(kernel_space.kernel_root));
        bad_entry(1, places[i], "no frame", pte_make(mfn_make(MFN_BEYOND), PTE_PAGE_RO));
        bad_entry(2, places[i], "a large page", table_entry(kernel_space.kernel_root) | PTE_PSE);
        bad_entry(2, places[i], "a writable page", pte_make(mfn_make(page), PTE_TABLE_FLAGS));
        bad_entry(3, places[i], "no frame", pte_make(mfn_make(MFN_BEYOND), PTE_TABLE_FLAGS));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        if (places[i] < HV_FIRST_SLOT || places[i] > HV_LAST_SLOT) {
            bad_entry(4, places[i], "an L2",
                      pte_make(pte_mfn(*entry_of(window, 3).entry), PTE_TABLE_FLAGS));
        }
    }
    /* The bad one sits two levels below. */
    l1_with_bad[511] = table_entry(kernel_space.kernel_root);
    table_close(l1_with_bad);
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        bad_entry(2, places[i], "an L1 with a bad entry", table_entry(l1_with_bad));
    }
    table_free(l1_with_bad);
}

/* A table that is made writable between two lives as a table: the second must see what was written. */
static void second_life(void)
{
    uint64_t *table = table_new();

    for (unsigned level = 1; level <= PT_LEVELS; level++) {
        if (table_pin(level, table) != 0 || table_unpin(table) != 0) {
            test_fail("an empty table cannot be pinned as L%u and unpinned", level);
        }
        table_open(table);
        table[100] = table_entry(kernel_space.kernel_root) | (level > 1 ? PTE_PSE : 0);
        table_close(table);
        test_note("a second life as L%u with a bad entry: %s", level,
                  test_rc(table_pin(level, table)));
        table_open(table);
        table[100] = 0;
        table_close(table);
        test_note("and without it: %s", test_rc(table_pin(level, table)));
        test_note("made writable while pinned: %s",
                  test_rc(pt_page_set_rights(table, MAP_R | MAP_W)));
        if (table_unpin(table) != 0) {
            test_fail("it cannot be unpinned");
        }
    }
    table_free(table);
}

/* Two mappings, the second one writable: the table has to wait until both are gone. */
static void second_mapping(void)
{
    uint64_t *table = page_new();

    test_note("a second writable mapping: %s", test_rc(map_window(table, PTE_PAGE_RW)));
    table_close(table);
    test_note("pin while the second is there: %s", test_rc(table_pin(1, table)));
    test_note("the second read-only: %s", test_rc(map_window(table, PTE_PAGE_RO)));
    test_note("pin: %s", test_rc(table_pin(1, table)));
    test_note("writable again: %s", test_rc(map_window(table, PTE_PAGE_RW)));
    test_note("unpin: %s", test_rc(table_unpin(table)));
    test_note("writable again: %s", test_rc(map_window(table, PTE_PAGE_RW)));
    unmap_window();
    table_free(table);
}

/* In use by a table above, not pinned: an update of that entry alone decides when it is a table no more. */
static void held_by_tables(void)
{
    uint64_t *l1 = table_new();
    uint64_t *l2 = table_new();

    if (table_pin(2, l2) != 0) {
        test_error("cannot pin an empty L2");
    }
    test_note("an L1 into an L2: %s",
              test_rc(entry_write(&l2[0], MMU_NORMAL_PT_UPDATE, table_entry(l1))));
    test_note("the same into another slot: %s",
              test_rc(entry_write(&l2[511], MMU_NORMAL_PT_UPDATE, table_entry(l1))));
    test_note("writable: %s", test_rc(map_window(l1, PTE_PAGE_RW)));
    test_note("unpin what is not pinned, but in use: %s", test_rc(table_unpin(l1)));
    test_note("the first slot cleared: %s", test_rc(entry_write(&l2[0], MMU_NORMAL_PT_UPDATE, 0)));
    test_note("writable: %s", test_rc(map_window(l1, PTE_PAGE_RW)));
    test_note("the L2 unpinned: %s", test_rc(table_unpin(l2)));
    test_note("writable: %s", test_rc(map_window(l1, PTE_PAGE_RW)));
    test_note("the L2 pinned with a page inside: %s", test_rc(table_pin(2, l2)));
    unmap_window();
    test_note("and with the page not writable any more: %s", test_rc(table_pin(2, l2)));
    test_must(table_unpin(l2) == 0, "unpin");
    table_free(l2);
    table_free(l1);
}

/* The tables that this vCPU runs on are in use though no pin holds them. */
static void in_use(void)
{
    uint64_t *root = kernel_space.kernel_root;

    test_note("the running L4 unpinned: %s", test_rc(table_unpin(root)));
    test_note("writable: %s", test_rc(map_window(root, PTE_PAGE_RW)));
    test_note("unpinned again: %s", test_rc(table_unpin(root)));
    test_note("pinned as L3: %s", test_rc(table_pin(3, root)));
    test_note("pinned: %s", test_rc(table_pin(4, root)));
    test_note("loaded: %s", test_rc(mmuext_mfn(MMUEXT_NEW_BASEPTR, mfn_of(root))));
}

void test_main(void)
{
    window = window_new();
    page = mfn_of(page_new());
    pins();
    bad_entries();
    second_life();
    second_mapping();
    held_by_tables();
    in_use();
    test_still_works();
}
