/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * update_va_mapping and mmu_update on ordinary pages: rights that are taken away are gone at once, rights that are given
 * work, an address that has no table or is not ours is refused, and a refused update changes nothing.
 */
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

static char page[PAGE_SIZE] __aligned_to(4096);
static char other[PAGE_SIZE] __aligned_to(4096);

static uint64_t entry_for(const void *va, unsigned rights)
{
    return pte_make(mfn_of_pfn(pfn_of_va(va)), pte_flags(rights));
}

static void check_rights(void)
{
    uint64_t value;

    test_note("to read-only: %s",
              test_rc(hc_update_va_mapping(page, entry_for(page, MAP_R), UVMF_INVLPG)));
    test_check(probe_read(page, &value) && !probe_write(page, 1), "it can be read and not written");
    test_note("to nothing: %s", test_rc(hc_update_va_mapping(page, 0, UVMF_INVLPG)));
    test_check(!probe_read(page, &value), "it cannot be read");
    test_note("to writable: %s",
              test_rc(hc_update_va_mapping(page, entry_for(page, MAP_R | MAP_W), UVMF_INVLPG)));
    test_check(probe_write(page, 7) && probe_read(page, &value) && value == 7, "it can be written");
}

static void check_alias(void)
{
    uint64_t value = 0;

    test_note("to another frame: %s",
              test_rc(hc_update_va_mapping(page, entry_for(other, MAP_R | MAP_W), UVMF_INVLPG)));
    probe_write(other, 0xabcd);
    test_check(probe_read(page, &value) && value == 0xabcd, "both addresses show the same frame");
    hc_update_va_mapping(page, entry_for(page, MAP_R | MAP_W), UVMF_INVLPG);
    test_check(probe_read(page, &value) && value == 7, "and the old frame has kept its contents");
}

static void check_refused(void)
{
    uint64_t table = entry_for(kernel_space.kernel_root, MAP_R | MAP_W);
    struct mmu_update updates[2];
    struct pt_entry l1;
    unsigned done = 99;
    uint64_t value;
    bool found = pt_find(&kernel_space, (uintptr_t)page, 1, false, &l1);

    test_check(found, "the page has an entry");
    test_note("a page table writable: %s", test_rc(hc_update_va_mapping(page, table, UVMF_INVLPG)));
    test_note("an address without a table: %s",
              test_rc(hc_update_va_mapping((void *)0x7000000000ul, entry_for(page, MAP_R), 0)));
    test_note(
        "an address of the hypervisor: %s",
        test_rc(hc_update_va_mapping((void *)0xffff830000000000ul, entry_for(page, MAP_R), 0)));
    test_note("a frame that does not exist: %s",
              test_rc(hc_update_va_mapping(page, pte_make(mfn_make(0xfffffffful), pte_flags(MAP_R)),
                                           UVMF_INVLPG)));
    test_check(probe_read(page, &value) && value == 7 && probe_write(page, 7),
               "after all that the page is as it was");

    updates[0] = (struct mmu_update){maddr_raw(l1.where), entry_for(page, MAP_R)};
    updates[1] = (struct mmu_update){maddr_raw(l1.where), table};
    test_note("mmu_update of a good and a bad entry: %s",
              test_rc(hc_mmu_update(updates, 2, &done, DOMID_SELF)));
    test_note("done: %u", done);
    pt_flush_all();
    test_check(!probe_write(page, 1), "the good one took effect");
    test_note("mmu_update without translation: %s",
              test_rc(pt_write(maddr_make(maddr_raw(l1.where) | 3), entry_for(page, MAP_R))));
    test_note("and back: %s", test_rc(pt_write(l1.where, entry_for(page, MAP_R | MAP_W))));
    test_note("mmu_update of nothing: %s", test_rc(hc_mmu_update(updates, 0, &done, DOMID_SELF)));
    test_note("mmu_update for domain 12345: %s", test_rc(hc_mmu_update(updates, 1, &done, 12345)));
}

void test_main(void)
{
    check_rights();
    check_alias();
    check_refused();
}
