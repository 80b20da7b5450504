/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * Tables that contain themselves, or others of their own level. Read-only this is a known trick for looking at one's tables,
 * which a hypervisor may allow or refuse; writable it would be the end, and so would be a table that stays in use as two levels
 * after it has been unpinned (XSA-240: recursion without end while such chains are taken apart).
 */
#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"

#define SLOT  400u /* of the L4: nothing uses it */
#define CHAIN 40u

/* The address whose walk goes through one slot at all four levels: it shows the recursive table itself. */
static uint64_t recursive_address(unsigned slot)
{
    uint64_t at = slot;

    return 0xfffful << 48 | at << 39 | at << 30 | at << 21 | at << 12;
}

/* Both answers are right; what is wrong is a mapping that can be written. */
static void read_only(const char *what, long rc, const void *through)
{
    uint64_t value;

    if (rc == 0 && through != NULL) {
        test_must(probe_read(through, &value), "%s: allowed, and it can be read", what);
        test_must(!probe_write((void *)(uintptr_t)through, 0), "%s: it cannot be written", what);
    }
    test_note("%s: refused, or read-only", what);
}

static void clear(const volatile uint64_t *entry)
{
    if (entry_write(entry, MMU_NORMAL_PT_UPDATE, 0) != 0) {
        test_fail("an entry cannot be cleared");
    }
    pt_flush_all();
}

static void in_the_root(void)
{
    uint64_t *root = kernel_space.kernel_root;
    uint64_t *other = table_new();
    uint64_t ro = pte_make(mfn_make(mfn_of(root)), PTE_P | PTE_US | PTE_A);
    const void *through = (const void *)recursive_address(SLOT);

    test_note("L4 in itself, writable: %s",
              test_rc(entry_write(&root[SLOT], MMU_NORMAL_PT_UPDATE, ro | PTE_W)));
    test_must(!probe_write((void *)(uintptr_t)through, 0), "it is not writable");
    read_only("L4 in itself", entry_write(&root[SLOT], MMU_NORMAL_PT_UPDATE, ro), through);
    if ((root[SLOT] & PTE_P) != 0) {
        test_must(entry_write(&root[SLOT], MMU_NORMAL_PT_UPDATE, ro | PTE_W) < 0,
                  "no write by a change of flags");
        test_must(entry_write(&root[SLOT], MMU_PT_UPDATE_PRESERVE_AD, ro | PTE_W) < 0,
                  "no write by a change of flags that preserves A and D");
        test_must(!probe_write((void *)(uintptr_t)through, 0), "it is not writable");
    }
    clear(&root[SLOT]);
    if (table_pin(4, other) != 0) {
        test_error("cannot pin an empty L4");
    }
    test_note("another L4, writable: %s",
              test_rc(entry_write(&root[SLOT], MMU_NORMAL_PT_UPDATE, table_entry(other))));
    read_only("another L4",
              entry_write(&root[SLOT], MMU_NORMAL_PT_UPDATE, table_entry(other) & ~PTE_W), NULL);
    test_check(table_unpin(other) == 0, "the other L4 is unpinned while it may be in the first");
    test_must(pt_page_set_rights(other, MAP_R | MAP_W) < 0 || (root[SLOT] & PTE_P) == 0,
              "it is writable only if it is in no table");
    clear(&root[SLOT]);
    table_free(other);
}

/* One table pinned as a level, with itself or a second one inside. */
static void in_lower_levels(unsigned level)
{
    uint64_t *a = table_new();
    uint64_t *b = table_new();
    uint64_t flags;
    long rc;

    for (flags = 0; flags <= PTE_W; flags += PTE_W) {
        const char *how = flags != 0 ? "writable" : "read-only";

        table_open(a);
        a[3] = (table_entry(a) & ~PTE_W) | flags;
        table_close(a);
        rc = table_pin(level, a);
        if (flags != 0) {
            test_note("L%u pinned with itself inside, %s: %s", level, how, test_rc(rc));
        } else {
            read_only("pinned with itself inside", rc, NULL);
        }
        if (rc == 0) {
            test_must(table_unpin(a) == 0, "unpin");
        }
        /* What was refused must have left nothing behind. */
        table_open(a);
        a[3] = 0;
        table_close(a);
        if (table_pin(level, a) != 0 || table_pin(level, b) != 0) {
            test_fail("empty tables cannot be pinned");
        }
        rc = entry_write(&a[3], MMU_NORMAL_PT_UPDATE, (table_entry(b) & ~PTE_W) | flags);
        if (flags != 0) {
            test_note("L%u in an L%u, %s: %s", level, level, how, test_rc(rc));
        } else {
            read_only("in one of the same level", rc, NULL);
        }
        rc = entry_write(&b[5], MMU_NORMAL_PT_UPDATE, (table_entry(a) & ~PTE_W) | flags);
        if (flags != 0) {
            test_note("and the other way round, %s: %s", how, test_rc(rc));
        } else {
            read_only("a circle of two", rc, NULL);
        }
        clear(&a[3]);
        clear(&b[5]);
        if (table_unpin(a) != 0 || table_unpin(b) != 0) {
            test_fail("the tables cannot be unpinned");
        }
    }
    table_free(a);
    table_free(b);
}

/* Tables that each hold the next of the same level: taking the first apart must not take the stack apart. */
static void chain(unsigned level)
{
    static uint64_t *tables[CHAIN];

    for (unsigned i = 0; i < CHAIN; i++) {
        tables[i] = table_new();
        if (table_pin(level, tables[i]) != 0) {
            test_error("cannot pin an empty table");
        }
        if (i > 0) {
            /* Refused where such links are: then the tables stand alone. */
            (void)entry_write(&tables[i - 1][i], MMU_NORMAL_PT_UPDATE,
                              table_entry(tables[i]) & ~PTE_W);
        }
    }
    for (unsigned i = 0; i < CHAIN; i++) {
        test_must(table_unpin(tables[i]) == 0, "table %u of the chain is unpinned", i);
    }
    for (unsigned i = 0; i < CHAIN; i++) {
        /* Unlinked or linked: with all pins gone nothing holds the first, and so on down. */
        table_free(tables[i]);
    }
    test_note("a chain of L%u tables was taken apart", level);
}

void test_main(void)
{
    in_the_root();
    for (unsigned level = 4; level >= 2; level--) {
        in_lower_levels(level);
        chain(level);
    }
    test_still_works();
}
