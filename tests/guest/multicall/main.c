/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * multicall: each entry's own result, entries after a failed one still run, results wider than 32 bits, an empty and an
 * unreadable list, and calls that a list must not hold.
 */
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

static char page[PAGE_SIZE] __aligned_to(4096);

static struct multicall_entry entry(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return (struct multicall_entry){.op = nr, .result = 0x5a5a, .args = {a1, a2, a3}};
}

static uint64_t page_entry(unsigned rights)
{
    return pte_make(mfn_of_pfn(pfn_of_va(page)), pte_flags(rights));
}

void test_main(void)
{
    struct multicall_entry calls[4];
    unsigned many_bad = 0;
    static struct multicall_entry many[64];

    calls[0] = entry(__HYPERVISOR_xen_version, XENVER_version, 0, 0);
    calls[1] = entry(__HYPERVISOR_xen_version, 77, 0, 0);
    calls[2] = entry(100, 0, 0, 0);
    calls[3] =
        entry(__HYPERVISOR_update_va_mapping, (uintptr_t)page, page_entry(MAP_R), UVMF_INVLPG);
    test_note("four calls: %s", test_rc(hc_multicall(calls, 4)));
    test_note("xen_version: %lx", (long)calls[0].result);
    test_note("its unknown command: %s", test_rc((long)calls[1].result));
    test_note("an unknown hypercall: %s", test_rc((long)calls[2].result));
    test_note("update_va_mapping: %s", test_rc((long)calls[3].result));
    test_check(!probe_write(page, 1), "which took effect, behind two that failed");

    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        many[i] = entry(__HYPERVISOR_update_va_mapping, (uintptr_t)page,
                        page_entry(i % 2 == 0 ? MAP_R : MAP_R | MAP_W), UVMF_INVLPG);
    }
    test_note("64 calls: %s", test_rc(hc_multicall(many, ARRAY_SIZE(many))));
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        many_bad += many[i].result != 0;
    }
    test_check(many_bad == 0 && probe_write(page, 1), "all were made, in order");
    test_note("no calls: %s", test_rc(hc_multicall(calls, 0)));
    test_note("no calls of nowhere: %s", test_rc(hc_multicall(NULL, 0)));
    test_note("a call of nowhere: %s", test_rc(hc_multicall(NULL, 1)));
    calls[0] = entry(__HYPERVISOR_multicall, (uintptr_t)many, 1, 0);
    test_note("a multicall in a multicall: %s", test_rc(hc_multicall(calls, 1)));
    test_note("its result: %s", test_rc((long)calls[0].result));
}
