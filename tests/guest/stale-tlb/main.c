/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * CPUS: 2
 * One vCPU takes the right to write to a page away and does not flush, the other goes on writing by what its TLB remembers. If
 * the page becomes a page table or a descriptor table now, the second vCPU must have forgotten before the check of its contents
 * (XSA-241, 286 and others were a flush that was missing or late). The way back is tried as well: a table that becomes a
 * writable page must not be walked any more.
 */
#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/smp.h"
#include "pvk/thread.h"

#define LOOKS 200000u

static volatile uint64_t *target; /* what the other vCPU accesses */
static volatile uint64_t accesses;
static volatile bool faulted;

/* Two entries at a time, never present: a store that no hypervisor carries out for its guest. */
static void write_on(void *arg)
{
    uint64_t n = 0;

    (void)arg;
    for (;;) {
        __asm__ volatile("movq %0, %%xmm0; psllq $12, %%xmm0; movups %%xmm0, %1"
                         : "+r"(n), "=m"(target[510])
                         :
                         : "memory");
        accesses = ++n;
    }
}

static void read_on(void *arg)
{
    (void)arg;
    for (;;) {
        (void)target[0];
        accesses = accesses + 1;
    }
}

static void other_vcpu(void *arg)
{
    struct trap_seen seen = {0};
    irq_state was = irq_save(); /* no timer takes this vCPU away from its loop */

    trap_catch((void (*)(void *))arg, NULL, &seen);
    irq_restore(was);
    faulted = seen.vector == TRAP_PF;
}

static struct thread *start(void (*loop)(void *arg), volatile void *where)
{
    struct thread *thread;

    target = where;
    accesses = 0;
    faulted = false;
    thread = thread_create_on(1, "accesses", other_vcpu, (void *)(uintptr_t)loop);
    if (thread == NULL) {
        test_error("no thread");
    }
    while (accesses < 1000) {
        __builtin_ia32_pause();
    }
    return thread;
}

/* From here on the other vCPU must not have done another access; one may have been under way. */
static void must_have_stopped(struct thread *thread, const char *when)
{
    uint64_t at = accesses;
    bool stopped = true;

    for (unsigned i = 0; i < LOOKS && stopped; i++) {
        stopped = accesses <= at + 1;
    }
    if (!test_check(stopped, "%s, the other vCPU has no access any more", when)) {
        test_fail("and goes on");
    }
    thread_join(thread);
    test_check(faulted, "it got a page fault");
}

/* Read-only by an update that flushes nothing, in the window and in the linear map. */
static void weaken(void *page, void *window, uint64_t flags)
{
    if (hc_update_va_mapping(page, pte_make(mfn_make(mfn_of(page)), PTE_PAGE_RO), UVMF_NONE) != 0 ||
        hc_update_va_mapping(window, flags == 0 ? 0 : pte_make(mfn_make(mfn_of(page)), flags),
                             UVMF_NONE) != 0) {
        test_error("the page cannot be made read-only");
    }
}

static void into_table(unsigned level, uint64_t left)
{
    uint64_t *page = page_new();
    void *window = window_new();
    struct thread *thread;

    if (map_page(window, pfn_of_va(page), MAP_W) != 0) {
        test_error("no window");
    }
    thread = start(write_on, window);
    weaken(page, window, left);
    test_note("pin as L%u: %s", level, test_rc(table_pin(level, page)));
    must_have_stopped(thread,
                      left != 0 ? "once a page is a table" : "once an unmapped page is a table");
    test_must((page[511] & PTE_P) == 0, "the entry is not present");
    test_must(table_unpin(page) == 0, "unpin");
    test_must(map_remove(window, 1) == 0, "unmap");
    table_free(page);
    window_free(window, 1);
}

static void into_descriptors(void)
{
    uint64_t *page = page_new();
    void *window = window_new();
    struct thread *thread;
    uint64_t frame = mfn_of(page);

    if (map_page(window, pfn_of_va(page), MAP_W) != 0) {
        test_error("no window");
    }
    thread = start(write_on, window);
    weaken(page, window, PTE_PAGE_RO);
    test_note("GDT of 16 entries: %s", test_rc(hc_set_gdt(&frame, 16)));
    must_have_stopped(thread, "once a page holds descriptors");
    test_must(hc_set_gdt(&frame, 0) == 0, "no GDT");
    test_must(map_remove(window, 1) == 0, "unmap");
    table_free(page);
    window_free(window, 1);
}

/* The L1 that translates an address is taken out of its L2 without a flush and made writable. */
static void out_of_table(void)
{
    uint64_t *page = page_new();
    uint64_t *l1 = table_new();
    volatile uint64_t *va = (volatile uint64_t *)0xffffd00000000000ul;
    struct pt_entry l2;
    struct thread *thread;

    if (!pt_find(&kernel_space, (uintptr_t)va, 2, true, &l2) ||
        pt_write(l2.where, table_entry(l1)) != 0 ||
        entry_write(&l1[0], MMU_NORMAL_PT_UPDATE, pte_make(mfn_make(mfn_of(page)), PTE_PAGE_RO)) !=
            0) {
        test_error("no table");
    }
    thread = start(read_on, va);
    if (pt_write(l2.where, 0) != 0) {
        test_error("the L2 entry cannot be cleared");
    }
    if (hc_update_va_mapping(l1, pte_make(mfn_make(mfn_of(l1)), PTE_PAGE_RW), UVMF_NONE) != 0) {
        test_fail("a table that is in no use cannot be made writable");
    }
    l1[0] = table_entry(kernel_space.kernel_root);
    must_have_stopped(thread, "once a table is a writable page");
    l1[0] = 0;
    page_free(page, 0);
    page_free(l1, 0);
}

void test_main(void)
{
    int rc;

    if (cpu_count() < 2) {
        test_skip("needs two CPUs");
    }
    rc = cpu_start(1);
    if (rc != 0) {
        test_error("the second CPU does not start: %s", test_rc(rc));
    }
    into_table(1, PTE_PAGE_RO);
    into_table(1, 0);
    into_table(2, PTE_PAGE_RO);
    into_table(4, 0);
    into_descriptors();
    out_of_table();
    test_still_works();
}
