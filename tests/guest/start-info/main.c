/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: both
 * The start of the day: what start_info and the first state of the CPU must say. The kernel's own start has already used
 * most of it; here it is looked at piece by piece.
 */
#include <string.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"
#include "pvk/pv/start_info.h"

static void check_p2m(void)
{
    uint64_t bad = 0;

    for (uint64_t i = 0; i < start_info->nr_pages; i++) {
        mfn_t mfn = mfn_of_pfn(pfn_make(i));
        pfn_t back;

        if (!mfn_eq(mfn, MFN_INVALID) && (!pfn_of_mfn(mfn, &back) || pfn_raw(back) != i)) {
            bad++;
        }
    }
    test_check(bad == 0, "M2P and P2M agree on every frame");
}

static void check_tables(void)
{
    uint64_t writable = 0;
    unsigned rights;
    pfn_t pfn;

    for (uint64_t i = 0; i < start_info->nr_pt_frames; i++) {
        const char *va = (const char *)start_info->pt_base + i * PAGE_SIZE;

        if (!map_lookup(va, &pfn, &rights) || (rights & MAP_W) != 0) {
            writable++;
        }
    }
    test_check(writable == 0, "the builder's page tables are mapped read-only");
    test_check(!probe_write((void *)start_info->pt_base, 0), "a write to the root table faults");
}

void test_main(void)
{
    uint64_t cs;
    uint64_t ss;

    test_check(memcmp(start_info->magic, "xen-3.0-x86_64", 14) == 0,
               "magic is that of the 64-bit ABI");
    test_check(start_info->nr_pages > 0, "the domain has memory");
    test_check(start_info->shared_info % PAGE_SIZE == 0, "shared_info is a page's machine address");
    test_check(start_info->pt_base % PAGE_SIZE == 0, "pt_base is a page's address");
    test_check(start_info->mfn_list % PAGE_SIZE == 0, "mfn_list is a page's address");
    test_check(memchr(start_info->cmd_line, 0, sizeof(start_info->cmd_line)) != NULL,
               "the command line is terminated");
    test_check((start_info->flags & SIF_PRIVILEGED) != 0 || !is_initial_domain(),
               "the initial domain is privileged");
    check_p2m();
    check_tables();
    __asm__("mov %%cs, %0" : "=r"(cs));
    __asm__("mov %%ss, %0" : "=r"(ss));
    test_note("cs %lx ss %lx", cs, ss);
}
