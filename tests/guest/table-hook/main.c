/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * A table that nothing uses yet, with one entry that must not be, is hooked into live tables: alone, over another entry, and in
 * the midst of a batch. The refusal has to come back as an error. A hypervisor that takes the references it has to give back for
 * work that somebody else left open tries again, for ever.
 */
#include <stdio.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"

static uint64_t *live;  /* pinned, of the level above */
static uint64_t *good;  /* a table without entries, in slot 0 of `live` */
static uint64_t *fresh; /* what is hooked in */

/* Slot 1 of `live` alone, slot 0 over `good`, and slot 1 between two updates that work. */
static void hook(const char *what)
{
    uint64_t at = mfn_of(live) << PAGE_SHIFT;
    struct mmu_update batch[3] = {
        {.ptr = at + 16, .val = table_entry(good)},
        {.ptr = at + 8, .val = table_entry(fresh)},
        {.ptr = at + 16, .val = 0},
    };
    unsigned done = 77;
    long alone = entry_write(&live[1], MMU_NORMAL_PT_UPDATE, table_entry(fresh));
    long over = entry_write(&live[0], MMU_NORMAL_PT_UPDATE, table_entry(fresh));
    long rc = hc_mmu_update(batch, ARRAY_SIZE(batch), &done, DOMID_SELF);

    test_note("%s: alone %s, over another %s, in a batch %s after %u", what, test_rc(alone),
              test_rc(over), test_rc(rc), done);
    for (unsigned slot = 0; slot < 3; slot++) {
        test_must(
            entry_write(&live[slot], MMU_NORMAL_PT_UPDATE, slot == 0 ? table_entry(good) : 0) == 0,
            "%s: a slot is put back", what);
    }
}

static void fill_and_hook(unsigned level, const char *what, unsigned slot, uint64_t entry)
{
    char text[64];

    table_open(fresh);
    fresh[slot] = entry;
    table_close(fresh);
    snprintf(text, sizeof(text), "L%u with %s in slot %u", level, what, slot);
    hook(text);
    table_open(fresh);
    fresh[slot] = 0;
    table_close(fresh);
}

static void at_level(unsigned level)
{
    static const unsigned slots[] = {0, 200, 511};

    if (table_pin(level + 1, live) != 0 ||
        entry_write(&live[0], MMU_NORMAL_PT_UPDATE, table_entry(good)) != 0) {
        test_error("no live tables of level %u", level + 1);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        fill_and_hook(level, "nothing wrong", slots[i], 0);
        fill_and_hook(level, "no such frame", slots[i],
                      pte_make(mfn_make(MFN_BEYOND), PTE_PAGE_RW));
        fill_and_hook(level, "the live table", slots[i], table_entry(live));
        fill_and_hook(level, "itself", slots[i], table_entry(fresh));
    }
    if (table_unpin(live) != 0) {
        test_error("cannot unpin");
    }
    table_open(live);
    live[0] = 0;
    table_close(live);
}

void test_main(void)
{
    live = table_new();
    good = table_new();
    fresh = table_new();
    for (unsigned level = 1; level < PT_LEVELS; level++) {
        at_level(level);
    }
    table_free(live);
    table_free(good);
    table_free(fresh);
    test_still_works();
}
