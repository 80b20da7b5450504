/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * Page tables as types of frames: pinning makes a page a table of one level if all its entries are right, a pinned page can be
 * neither written nor pinned as another level, unpinning gives it back, and base pointers keep tables alive.
 */
#include <string.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

#define TABLE_FLAGS (PTE_P | PTE_W | PTE_US | PTE_A | PTE_D)

static uint64_t *table;
static char *data;

static long op_mfn(unsigned cmd, mfn_t mfn)
{
    struct mmuext_op op = {.cmd = cmd};

    op.arg1.mfn = mfn_raw(mfn);
    return hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static mfn_t mfn_of(const void *va)
{
    return mfn_of_pfn(pfn_of_va(va));
}

static long pin(unsigned level)
{
    return op_mfn(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(table));
}

static long unpin(void)
{
    return op_mfn(MMUEXT_UNPIN_TABLE, mfn_of(table));
}

/* Fill the table with one entry, make it read-only, try to pin it, and take all of that back. */
static void try_entry(const char *what, unsigned level, uint64_t entry)
{
    long rc;

    memset(table, 0, PAGE_SIZE);
    table[5] = entry;
    if (pt_page_set_rights(table, MAP_R) != 0) {
        test_error("cannot make the page read-only");
    }
    rc = pin(level);
    test_note("level %u with %s: %s", level, what, test_rc(rc));
    if (rc == 0) {
        unpin();
    }
    if (pt_page_set_rights(table, MAP_R | MAP_W) != 0) {
        test_fail("the page cannot be made writable again");
    }
}

static void check_states(void)
{
    test_note("pin of a writable page: %s", test_rc(pin(1)));
    test_check(pt_page_set_rights(table, MAP_R) == 0, "the page is made read-only");
    test_note("pin of it: %s", test_rc(pin(1)));
    test_note("pin again: %s", test_rc(pin(1)));
    test_note("pin as level 2: %s", test_rc(pin(2)));
    test_note("mapping it writable: %s", test_rc(pt_page_set_rights(table, MAP_R | MAP_W)));
    /* The hypervisor may carry out a store to a level 1 table as if it were an update; only the entry checks count. */
    test_note("a store of an empty entry: %s", probe_write(table, 0) ? "emulated" : "faults");
    test_check(!probe_write(table, pte_make(mfn_of(kernel_space.kernel_root), PTE_P | PTE_W)),
               "a store of an entry that maps a table writable faults");
    test_check(table[0] == 0, "and changes nothing");
    test_note("unpin: %s", test_rc(unpin()));
    test_note("unpin again: %s", test_rc(unpin()));
    test_note("pin as level 2 now: %s", test_rc(pin(2)));
    test_note("unpin: %s", test_rc(unpin()));
    test_note("mapping it writable: %s", test_rc(pt_page_set_rights(table, MAP_R | MAP_W)));
    test_check(probe_write(table, 0), "it can be written again");
}

static void check_entries(void)
{
    uint64_t own = pte_make(mfn_of(data), PTE_P | PTE_W);
    uint64_t kernel_root = pte_make(mfn_of(kernel_space.kernel_root), PTE_P | PTE_W);

    try_entry("an own page, writable", 1, own);
    try_entry("the root table, writable", 1, kernel_root);
    try_entry("the root table, read-only", 1, kernel_root & ~PTE_W);
    try_entry("an entry that is not present", 1, own & ~PTE_P);
    try_entry("a frame that does not exist", 1, pte_make(mfn_make(0xfffffffful), PTE_P));
    try_entry("itself, read-only", 1, pte_make(mfn_of(table), PTE_P));
    try_entry("itself, writable", 1, pte_make(mfn_of(table), PTE_P | PTE_W));
    try_entry("a writable page as a table", 2, pte_make(mfn_of(data), TABLE_FLAGS));
    try_entry("a superpage", 2, pte_make(mfn_of(data), TABLE_FLAGS | PTE_PSE));
    try_entry("a superpage", 3, pte_make(mfn_of(data), TABLE_FLAGS | PTE_PSE));
    try_entry("nothing", 4, 0);
}

static void check_base(void)
{
    for (unsigned i = 272; i < PT_ENTRIES; i++) {
        table[i] = kernel_space.kernel_root[i];
    }
    test_check(pt_page_set_rights(table, MAP_R) == 0 && pin(4) == 0, "a second root is made");
    test_note("new_baseptr: %s", test_rc(op_mfn(MMUEXT_NEW_BASEPTR, mfn_of(table))));
    test_note("unpin while it is in use: %s", test_rc(unpin()));
    test_note("mapping it writable: %s", test_rc(pt_page_set_rights(table, MAP_R | MAP_W)));
    test_note("back: %s", test_rc(op_mfn(MMUEXT_NEW_BASEPTR, mfn_of(kernel_space.kernel_root))));
    test_note("mapping it writable: %s", test_rc(pt_page_set_rights(table, MAP_R | MAP_W)));
    test_note("new_baseptr of a page that is no table: %s",
              test_rc(op_mfn(MMUEXT_NEW_BASEPTR, mfn_of(data))));
    test_note("an unknown command: %s", test_rc(op_mfn(99, mfn_of(data))));
    test_note("the user base of nothing: %s",
              test_rc(op_mfn(MMUEXT_NEW_USER_BASEPTR, mfn_make(0))));
}

void test_main(void)
{
    table = page_alloc(0);
    data = page_alloc(0);
    if (table == NULL || data == NULL) {
        test_error("no memory");
    }
    check_states();
    check_entries();
    memset(table, 0, PAGE_SIZE);
    check_base();
}
