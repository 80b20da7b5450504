/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * A guest that can write one of its page tables owns the machine: it maps what it likes. So every way to get a writable
 * mapping of a table is tried, on tables of all levels: as a fresh entry, and by turning on W in an entry that maps the table
 * read-only already, where a hypervisor is tempted to skip the checks because the frame stays the same (XSA-182 was that).
 */
#include <stdio.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/user.h"

static char *window;
static const volatile uint64_t *slot; /* the entry of the window */
static uint64_t *pinned;              /* an L1 that is pinned and in no table */
static uint64_t other;                /* an ordinary page, writable */
static uint64_t target;               /* the table's frame */
static unsigned self;

static long by_update_va(uint64_t entry)
{
    return hc_update_va_mapping(window, entry, UVMF_INVLPG | UVMF_LOCAL);
}

static long by_other_domain(uint64_t entry)
{
    return hc_update_va_mapping_otherdomain(window, entry, UVMF_INVLPG | UVMF_LOCAL, self);
}

static long by_mmu_update(uint64_t entry)
{
    return entry_write(slot, MMU_NORMAL_PT_UPDATE, entry);
}

static long by_preserve(uint64_t entry)
{
    return entry_write(slot, MMU_PT_UPDATE_PRESERVE_AD, entry);
}

static long by_no_translate(uint64_t entry)
{
    return entry_write(slot, MMU_PT_UPDATE_NO_TRANSLATE, entry);
}

static long by_own_domid(uint64_t entry)
{
    struct mmu_update update = {.ptr = maddr_raw(entry_of(window, 1).where), .val = entry};

    return hc_mmu_update(&update, 1, NULL, self);
}

static long by_both_domids(uint64_t entry)
{
    struct mmu_update update = {.ptr = maddr_raw(entry_of(window, 1).where), .val = entry};

    return hc_mmu_update(&update, 1, NULL, self | (self + 1) << 16);
}

static long by_multicall(uint64_t entry)
{
    struct multicall_entry call = {.op = __HYPERVISOR_update_va_mapping,
                                   .args = {HC_ARG(window), entry, UVMF_INVLPG | UVMF_LOCAL}};

    return hc_multicall(&call, 1) == 0 ? (long)call.result : -1;
}

/* Two updates of the entry in one batch: to the ordinary page, and on to the table. */
static long by_batch(uint64_t entry)
{
    uint64_t where = maddr_raw(entry_of(window, 1).where);
    struct mmu_update updates[3] = {
        {where, pte_make(mfn_make(other), PTE_PAGE_RW)}, {where, entry}, {where, 0}};

    return hc_mmu_update(updates, 3, NULL, DOMID_SELF);
}

static void do_store(void *arg)
{
    *(volatile uint64_t *)(uintptr_t)slot = *(uint64_t *)arg;
}

static void do_exchange(void *arg)
{
    __atomic_exchange_n((uint64_t *)(uintptr_t)slot, *(uint64_t *)arg, __ATOMIC_SEQ_CST);
}

static void do_or(void *arg)
{
    (void)arg;
    __asm__ volatile("lock orb $2, (%0)" : : "r"(slot) : "memory", "cc");
}

static void do_set_bit(void *arg)
{
    (void)arg;
    __asm__ volatile("lock btsq $1, (%0)" : : "r"(slot) : "memory", "cc");
}

static const char *state(uint64_t frame)
{
    uint64_t now = *slot;

    if ((now & PTE_P) == 0) {
        return "absent";
    }
    if (mfn_raw(pte_mfn(now)) != frame) {
        return "another frame";
    }
    return (now & PTE_W) != 0 ? "WRITABLE" : "read-only";
}

static void check_state(const char *what, const char *result)
{
    test_note("%s: %s; %s", what, result, state(target));
    test_must((*slot & PTE_P) == 0 || (*slot & PTE_W) == 0 || mfn_raw(pte_mfn(*slot)) != target,
              "the table is not writable");
}

static void start_from(uint64_t entry)
{
    if (entry_write(slot, MMU_NORMAL_PT_UPDATE, entry) != 0) {
        test_error("cannot prepare the entry");
    }
    pt_flush_page(window);
}

static void by_hypercalls(uint64_t start, const char *from)
{
    static const struct {
        const char *name;
        long (*call)(uint64_t entry);
    } routes[] = {
        {"update_va_mapping", by_update_va},
        {"update_va_mapping_otherdomain", by_other_domain},
        {"mmu_update", by_mmu_update},
        {"preserving A and D", by_preserve},
        {"untranslated", by_no_translate},
        {"own domain named", by_own_domid},
        {"named twice", by_both_domids},
        {"multicall", by_multicall},
        {"batch", by_batch},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(routes); i++) {
        char what[80];

        start_from(start);
        snprintf(what, sizeof(what), "%s, %s", from, routes[i].name);
        check_state(what, test_rc(routes[i].call(pte_make(mfn_make(target), PTE_PAGE_RW))));
    }
}

static void by_stores(uint64_t start, const char *from)
{
    static const struct {
        const char *name;
        void (*store)(void *arg);
        bool needs_frame; /* in the entry already: only W is set */
    } routes[] = {
        {"store", do_store, false},
        {"exchange", do_exchange, false},
        {"or of a byte", do_or, true},
        {"bit set", do_set_bit, true},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(routes); i++) {
        uint64_t entry = pte_make(mfn_make(target), PTE_PAGE_RW);
        struct trap_seen seen = {0};
        char what[80];
        bool returned;

        if (routes[i].needs_frame && mfn_raw(pte_mfn(start)) != target) {
            continue;
        }
        start_from(start);
        snprintf(what, sizeof(what), "%s, %s", from, routes[i].name);
        returned = trap_catch(routes[i].store, &entry, &seen);
        check_state(what, test_trap(returned, &seen));
    }
}

static void flag_changes(void)
{
    static const uint64_t flags[] = {PTE_US, PTE_A, PTE_D, PTE_NX,    PTE_G,
                                     0x200,  0x400, 0x800, 1ul << 52, 1ul << 58};
    unsigned accepted = 0;
    unsigned writable = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        uint64_t start = pte_make(mfn_make(target), PTE_PAGE_RO) ^ flags[i];

        start_from(pte_make(mfn_make(target), PTE_PAGE_RO));
        accepted += by_mmu_update(start) == 0;
        accepted += by_mmu_update(start | PTE_W) == 0;
        accepted += by_preserve(pte_make(mfn_make(target), PTE_PAGE_RW)) == 0;
        writable += (*slot & (PTE_P | PTE_W)) == (PTE_P | PTE_W);
    }
    test_note("W together with another flag: %u of %zu changes done", accepted,
              3 * ARRAY_SIZE(flags));
    test_check(writable == 0, "none of them made the table writable");
}

static void of_table(const char *name, const void *table)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        sum += ((const uint64_t *)table)[i] & ~(PTE_A | PTE_D);
    }
    target = mfn_of(table);
    test_note("the target is %s", name);
    by_hypercalls(0, "fresh");
    by_stores(0, "fresh");
    by_hypercalls(pte_make(mfn_make(target), PTE_PAGE_RO), "over read-only");
    by_stores(pte_make(mfn_make(target), PTE_PAGE_RO), "over read-only");
    by_hypercalls(pte_make(mfn_make(other), PTE_PAGE_RW), "over a page");
    by_stores(pte_make(mfn_make(other), PTE_PAGE_RW), "over a page");
    flag_changes();
    start_from(0);
    for (unsigned i = 0; i < PT_ENTRIES; i++) {
        sum -= ((const uint64_t *)table)[i] & ~(PTE_A | PTE_D);
    }
    test_check(sum == 0, "the table is as it was");
}

/* Operations that write to a frame without a mapping of the guest's. */
static void without_mapping(void)
{
    struct mmuext_op copy = {.cmd = MMUEXT_COPY_PAGE};
    struct user_space *space = user_space_create();
    char *page = page_new();
    struct grant_mapping mapping;
    long ref;

    target = mfn_of(pinned);
    test_note("clear a table: %s", test_rc(mmuext_mfn(MMUEXT_CLEAR_PAGE, target)));
    copy.arg1.mfn = target;
    copy.arg2.src_mfn = mfn_of(page);
    test_note("copy over a table: %s", test_rc(hc_mmuext_op(&copy, 1, NULL, DOMID_SELF)));
    test_note(
        "descriptor into a table: %s",
        test_rc(hc_update_descriptor(maddr_make(target << PAGE_SHIFT), 0x00cff3000000fffful)));
    ref = grant_page(self, pinned, false);
    test_note("grant of a table, mapped writable: %s",
              test_rc(grant_map(self, (uint32_t)ref, false, &mapping)));
    test_note("copy into a granted table: %s",
              test_rc(grant_copy_to(self, (uint32_t)ref, 0, page, 8)));
    test_check(grant_end((uint32_t)ref) == 0, "the grant ends");
    if (space == NULL) {
        test_error("no user space");
    }
    test_note("for user mode: %s",
              test_rc(user_map(space, 0x1000, pfn_of_va(pinned), MAP_R | MAP_W)));
    user_space_destroy(space);
    test_check(pinned[0] == 0 && pinned[PT_ENTRIES - 1] == 0, "nothing was written");
}

void test_main(void)
{
    int id = domain_id();

    self = (unsigned)id;
    window = window_new();
    slot = entry_of(window, 1).entry;
    other = mfn_of(page_new());
    pinned = table_new();
    test_note("assist on: %s",
              test_rc(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables)));
    test_note("pin: %s", test_rc(table_pin(1, pinned)));
    of_table("a pinned L1", pinned);
    of_table("the L1 that holds the entry", (const void *)((uintptr_t)slot & PAGE_MASK));
    of_table("the L2", (const void *)((uintptr_t)entry_of(window, 2).entry & PAGE_MASK));
    of_table("the L3", (const void *)((uintptr_t)entry_of(window, 3).entry & PAGE_MASK));
    of_table("the L4", kernel_space.kernel_root);
    without_mapping();
    test_check(table_unpin(pinned) == 0, "unpin");
    table_free(pinned);
    test_still_works();
}
