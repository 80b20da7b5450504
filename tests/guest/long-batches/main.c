/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: domu
 * BESIDE: yes
 * The longest lists that can be had: one frame, mapped 512 times in a row, makes 2 MiB of requests. Hypercalls that work on them
 * take long, so they must stop now and then and go on from where they were: the caller's own interrupts come in between, and so
 * does the domain beside this one, which is to notice nothing.
 */
#include <string.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"

#define LIST_PAGES 512u
#define LIST_BYTES (LIST_PAGES * PAGE_SIZE)
#define TICK_NS    (NS_PER_MS / 2)

static char *list; /* LIST_PAGES pages, all of them `page`; nothing is mapped behind */
static char *page;
static volatile bool in_call;
static volatile unsigned ticks;

static void tick(struct timer *timer)
{
    ticks += in_call;
    timer_set(timer, clock_ns() + TICK_NS);
}

static void make_list(void)
{
    page = page_new();
    list = window_alloc(LIST_PAGES + 1);
    if (list == NULL) {
        test_error("no room for the list");
    }
    for (unsigned i = 0; i < LIST_PAGES; i++) {
        if (map_page(list + (size_t)i * PAGE_SIZE, pfn_of_va(page), MAP_W) != 0) {
            test_error("no page table for the list");
        }
    }
}

static void fill(const void *element, size_t size)
{
    for (size_t at = 0; at < PAGE_SIZE; at += size) {
        memcpy(page + at, element, size);
    }
}

static long long_call(const char *what, unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    struct timer timer = {.fn = tick};
    long rc;

    ticks = 0;
    timer_set(&timer, clock_ns() + TICK_NS);
    in_call = true;
    rc = hypercall_raw(nr, a1, a2, a3, a4, 0);
    in_call = false;
    timer_cancel(&timer);
    test_note("%s: %s", what, test_rc(rc));
    test_check(ticks > 0, "interrupts came in between");
    return rc;
}

static void updates(struct mmu_update update)
{
    unsigned done = 0;

    fill(&update, sizeof(update));
    long_call("mmu_update, to the end of the list", __HYPERVISOR_mmu_update, HC_ARG(list), LIST_BYTES / sizeof(update), HC_ARG(&done),
              DOMID_SELF);
    test_check(done == LIST_BYTES / sizeof(update), "each was done once");
    done = 0;
    long_call("mmu_update, one more than there are", __HYPERVISOR_mmu_update, HC_ARG(list), LIST_BYTES / sizeof(update) + 1,
              HC_ARG(&done), DOMID_SELF);
    test_check(done == LIST_BYTES / sizeof(update), "all but that one were done");
}

static void traps(void)
{
    const struct trap_info trap = {.vector = 200, .address = HC_ARG(page)};

    fill(&trap, sizeof(trap));
    long_call("set_trap_table without an end", __HYPERVISOR_set_trap_table, HC_ARG(list), 0, 0, 0);
}

static void multicalls(struct mmu_update update)
{
    struct multicall_entry entry = {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}};
    struct multicall_entry nested[3];

    fill(&entry, sizeof(entry));
    long_call("multicall, to the end of the list", __HYPERVISOR_multicall, HC_ARG(list), LIST_BYTES / sizeof(entry), 0, 0);
    test_check(((struct multicall_entry *)page)->result == (4 << 16 | 17), "the last result is there");
    long_call("multicall, one more than there are", __HYPERVISOR_multicall, HC_ARG(list), LIST_BYTES / sizeof(entry) + 1, 0, 0);

    fill(&update, sizeof(update));
    for (unsigned i = 0; i < ARRAY_SIZE(nested); i++) {
        nested[i] = (struct multicall_entry){
            .op = __HYPERVISOR_mmu_update, .result = 1, .args = {HC_ARG(list), LIST_BYTES / sizeof(update), 0, DOMID_SELF}};
    }
    long_call("multicall of three long calls", __HYPERVISOR_multicall, HC_ARG(nested), ARRAY_SIZE(nested), 0, 0);
    test_check(nested[0].result == 0 && nested[1].result == 0 && nested[2].result == 0, "all three were made whole");
}

void test_main(void)
{
    struct mmu_update update;
    struct pt_entry slot;

    make_list();
    slot = entry_of(window_new(), 1);
    /* The same page, there all the time but for its flags: as much work as an entry can be. */
    update = (struct mmu_update){.ptr = maddr_raw(slot.where), .val = pte_make(mfn_of_pfn(pfn_of_va(page_new())), PTE_PAGE_RW)};
    updates(update);
    traps();
    multicalls(update);
    test_must(entry_write(slot.entry, MMU_NORMAL_PT_UPDATE, 0) == 0, "the entry is cleared");
    test_still_works();
}
