/* SPDX-License-Identifier: MIT */
/*
 * See hostile.h. Failures of the tools themselves end the test with ERROR.
 */
#include "framework/hostile.h"

#include <string.h>

#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/smp.h"
#include "pvk/thread.h"
#include "pvk/user.h"

#define USER_STACK 0x10000000ul
#define USER_DATA  0x20000000ul

uint64_t mfn_of(const void *page)
{
    return mfn_raw(mfn_of_pfn(pfn_of_va(page)));
}

void *page_new(void)
{
    void *page = page_alloc(0);

    if (page == NULL) {
        test_error("no memory");
    }
    return page;
}

uint64_t *table_new(void)
{
    uint64_t *table = pt_table_alloc();

    if (table == NULL) {
        test_error("no memory for a table");
    }
    return table;
}

void table_open(void *table)
{
    int rc = pt_page_set_rights(table, MAP_R | MAP_W);

    if (rc != 0) {
        test_error("a table that should be none any more cannot be written: %s", test_rc(rc));
    }
}

void table_close(void *table)
{
    if (pt_page_set_rights(table, MAP_R) != 0) {
        test_error("a page cannot be made read-only");
    }
}

void table_free(void *table)
{
    table_open(table);
    page_free(table, 0);
}

uint64_t table_entry(const void *table)
{
    return pte_make(mfn_make(mfn_of(table)), PTE_TABLE_FLAGS);
}

long mmuext_mfn(unsigned cmd, uint64_t mfn)
{
    struct mmuext_op op = {.cmd = cmd};

    op.arg1.mfn = mfn;
    return hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

long table_pin(unsigned level, const void *table)
{
    return mmuext_mfn(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(table));
}

long table_unpin(const void *table)
{
    return mmuext_mfn(MMUEXT_UNPIN_TABLE, mfn_of(table));
}

long entry_write(const volatile uint64_t *entry, unsigned kind, uint64_t value)
{
    const void *page = (const void *)((uintptr_t)entry & PAGE_MASK);
    struct mmu_update update = {
        .ptr = mfn_of(page) << PAGE_SHIFT | ((uintptr_t)entry & (PAGE_SIZE - 1)) | kind,
        .val = value,
    };

    return hc_mmu_update(&update, 1, NULL, DOMID_SELF);
}

struct pt_entry entry_of(const void *va, unsigned level)
{
    struct pt_entry found;

    if (!pt_find(&kernel_space, (uintptr_t)va, level, false, &found)) {
        test_error("no entry of level %u", level);
    }
    return found;
}

void *window_new(void)
{
    struct pt_entry found;
    void *window = window_alloc(1);

    if (window == NULL || !pt_find(&kernel_space, (uintptr_t)window, 1, true, &found)) {
        test_error("no window");
    }
    return window;
}

static bool memory_works(void)
{
    uint64_t *pages[16];
    char *window = window_alloc(1);
    bool ok = window != NULL;

    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = page_alloc(0);
        if (pages[i] == NULL) {
            return false;
        }
        for (unsigned at = 0; at < PAGE_SIZE / sizeof(uint64_t); at++) {
            ok = ok && pages[i][at] == 0;
            pages[i][at] = (uint64_t)i << 32 | at;
        }
    }
    for (unsigned i = 0; ok && i < ARRAY_SIZE(pages); i++) {
        ok = map_page(window, pfn_of_va(pages[i]), MAP_R) == 0 && !probe_write(window, 0) &&
             memcmp(window, pages[i], PAGE_SIZE) == 0 &&
             *(volatile uint64_t *)(window + 8) == ((uint64_t)i << 32 | 1) &&
             map_protect(window, 1, MAP_R | MAP_W) == 0 && probe_write(window, i) &&
             pages[i][0] == i && map_remove(window, 1) == 0 && !probe_write(window, 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        page_free(pages[i], 0);
    }
    window_free(window, 1);
    return ok;
}

static USER_CODE void add_seven(uint64_t address)
{
    uint64_t sum = *(volatile uint64_t *)address + 7;

    *(volatile uint64_t *)address = sum;
    for (;;) {
        uint64_t number = 1;

        __asm__ volatile("syscall" : "+a"(number) : "D"(sum) : "rcx", "r11", "memory");
    }
}

static bool user_mode_works(void)
{
    struct user_space *space = user_space_create();
    struct user_context context;
    uint64_t *data = page_alloc(0);
    void *stack = page_alloc(0);
    bool ok;

    if (space == NULL || data == NULL || stack == NULL || user_map_code(space) != 0 ||
        user_map(space, USER_STACK, pfn_of_va(stack), MAP_R | MAP_W) != 0 ||
        user_map(space, USER_DATA, pfn_of_va(data), MAP_R | MAP_W) != 0) {
        return false;
    }
    *data = 35;
    user_context_init(&context, space, user_code_address((const void *)add_seven),
                      USER_STACK + PAGE_SIZE - 8, USER_DATA);
    ok = user_run(&context) == USER_SYSCALL && context.regs.rax == 1 && context.regs.rdi == 42 &&
         *data == 42;
    user_space_destroy(space);
    page_free(data, 0);
    page_free(stack, 0);
    return ok;
}

static bool events_work(void)
{
    uint64_t start = clock_ns();

    thread_sleep_ns(NS_PER_MS);
    return clock_ns() - start >= NS_PER_MS;
}

static void work(void *arg)
{
    bool ok = memory_works();

    ok = user_mode_works() && ok;
    *(bool *)arg = events_work() && ok;
}

void test_still_works(void)
{
    uint64_t before;
    bool ok = false;

    work(&ok); /* the first time may need a table or two that stay */
    before = page_nr_free();
    if (ok) {
        ok = false;
        work(&ok);
    }
    for (unsigned cpu = 1; ok && cpu < cpu_count(); cpu++) {
        if (cpu_is_online(cpu)) {
            struct thread *thread;

            ok = false;
            thread = thread_create_on(cpu, "proof", work, &ok);
            if (thread != NULL) {
                thread_join(thread);
            }
        }
    }
    test_check(ok, "the guest and its memory still work");
    test_check(page_nr_free() + 3 >= before, "and nothing was used up by that");
}
