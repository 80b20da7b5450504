/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * CPUS: 2
 * TIMEOUT: 120
 * Two vCPUs change the same frames without asking each other: pin, unpin, write, protect, hook in, load. Long checks are
 * interrupted half way and met by the other vCPU (XSA-299: half-checked tables). Whatever they get, no frame may be a table and
 * writable at once; and when both have stopped, all frames must be free of references.
 */
#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/smp.h"
#include "pvk/thread.h"

#define NR_TABLES 6u
#define ROUNDS    250u /* rounds=N on the command line asks for more */
#define NR_L1     96u
#define LONG_PINS 12u

static uint64_t *tables[NR_TABLES];
static uint64_t *holder; /* an L2 that is pinned all the time */
static uint64_t *page;
static unsigned stopped;
static unsigned broken;

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ul + 1442695040888963407ul;
    return *state >> 33;
}

/* The hypervisor decides between the vCPUs; each answer is right as long as the state is. */
static void change(uint64_t *seed)
{
    uint64_t *table = tables[next(seed) % NR_TABLES];
    unsigned at = (unsigned)next(seed) % 4;

    switch (next(seed) % 12) {
    case 0:
    case 1:
        table_pin(1, table);
        break;
    case 2:
        table_pin(2, table);
        break;
    case 3:
    case 4:
    case 5:
        table_unpin(table);
        break;
    case 6:
        pt_page_set_rights(table, MAP_R | MAP_W);
        break;
    case 7:
    case 8:
        pt_page_set_rights(table, MAP_R);
        break;
    case 9:
        entry_write(&holder[at], MMU_NORMAL_PT_UPDATE, table_entry(table));
        break;
    case 10:
        entry_write(&holder[at], MMU_NORMAL_PT_UPDATE, 0);
        break;
    default:
        entry_write(&table[at], MMU_NORMAL_PT_UPDATE,
                    next(seed) % 2 == 0 ? 0 : pte_make(mfn_make(mfn_of(page)), PTE_PAGE_RW));
        break;
    }
}

static void changes(void *arg)
{
    uint64_t seed = (uintptr_t)arg;
    uint64_t rounds = cmdline_number("rounds", ROUNDS);

    for (uint64_t i = 0; i < rounds; i++) {
        change(&seed);
    }
    __atomic_fetch_add(&stopped, 1, __ATOMIC_SEQ_CST);
}

/* A frame that can be pinned must not be writable, and one that is writable must not be pinned. */
static void check_tables(void)
{
    for (unsigned i = 0; i < 4; i++) {
        test_must(entry_write(&holder[i], MMU_NORMAL_PT_UPDATE, 0) == 0, "a slot is cleared");
    }
    for (unsigned i = 0; i < NR_TABLES; i++) {
        bool writable;

        table_unpin(tables[i]);
        pt_page_set_rights(tables[i], MAP_R);
        for (unsigned at = 0; at < 4; at++) {
            entry_write(&tables[i][at], MMU_NORMAL_PT_UPDATE, 0);
        }
        table_open(tables[i]);
        broken += table_pin(1, tables[i]) == 0;
        for (unsigned at = 0; at < 4; at++) {
            tables[i][at] = 0;
        }
        table_close(tables[i]);
        broken += table_pin(1, tables[i]) != 0;
        writable = pt_page_set_rights(tables[i], MAP_R | MAP_W) == 0;
        broken += writable;
        broken += table_unpin(tables[i]) != 0;
    }
    test_check(broken == 0, "no frame was a table and writable, and none is still held");
}

static void with_two(void (*fn)(void *arg), uint64_t seed)
{
    struct thread *thread;

    stopped = 0;
    thread = thread_create_on(1, "other", fn, (void *)(seed + 1));
    if (thread == NULL) {
        test_error("no thread");
    }
    fn((void *)seed);
    thread_join(thread);
}

/* A big L2 whose check takes long: it is pinned, unpinned and given bad entries by both. */
static uint64_t *big;
static uint64_t *small[NR_L1];

static void make_big(void)
{
    big = page_new();
    for (unsigned i = 0; i < NR_L1; i++) {
        small[i] = page_new();
        for (unsigned at = 0; at < PT_ENTRIES; at++) {
            small[i][at] =
                pte_make(mfn_make(mfn_of(page)), at % 2 == 0 ? PTE_PAGE_RO : PTE_PAGE_RW);
        }
        table_close(small[i]);
        big[i * 5] = table_entry(small[i]);
    }
    table_close(big);
}

/* Timer interrupts on each vCPU, so that the hypervisor has something to stop for. */
static void tick(struct timer *timer)
{
    if (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) < 2) {
        timer_set(timer, clock_ns() + 150000);
    }
}

static void long_pins(void *arg)
{
    uint64_t seed = (uintptr_t)arg;
    struct timer timer = {.fn = tick};

    tick(&timer);
    for (unsigned i = 0; i < LONG_PINS; i++) {
        switch (next(&seed) % 4) {
        case 0:
            table_pin(1, small[next(&seed) % NR_L1]);
            break;
        case 1:
            table_unpin(small[next(&seed) % NR_L1]);
            break;
        case 2:
            entry_write(&small[next(&seed) % NR_L1][511], MMU_NORMAL_PT_UPDATE, 0);
            break;
        default:
            break;
        }
        table_pin(2, big);
        if (next(&seed) % 3 != 0) {
            table_unpin(big);
        }
        pt_page_set_rights(small[next(&seed) % NR_L1], MAP_R | MAP_W);
        pt_page_set_rights(small[next(&seed) % NR_L1], MAP_R);
    }
    __atomic_fetch_add(&stopped, 1, __ATOMIC_SEQ_CST);
    timer_cancel(&timer);
}

static void check_big(void)
{
    bool ok = true;

    table_unpin(big);
    for (unsigned i = 0; i < NR_L1; i++) {
        table_unpin(small[i]);
        pt_page_set_rights(small[i], MAP_R);
    }
    ok = table_pin(2, big) == 0;
    for (unsigned i = 0; i < NR_L1; i++) {
        ok = ok && pt_page_set_rights(small[i], MAP_R | MAP_W) != 0;
    }
    ok = table_unpin(big) == 0 && ok;
    test_check(ok, "the big table can be pinned, and all below are read-only then");
    for (unsigned i = 0; i < NR_L1; i++) {
        table_free(small[i]);
    }
    table_free(big);
    table_close(page);
    test_check(table_pin(3, page) == 0, "no reference to the page is left");
    test_must(table_unpin(page) == 0, "unpin");
    table_open(page);
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
    page = page_new();
    holder = table_new();
    if (table_pin(2, holder) != 0) {
        test_error("cannot pin an empty L2");
    }
    for (unsigned i = 0; i < NR_TABLES; i++) {
        tables[i] = table_new();
    }
    for (unsigned seed = 1; seed <= 3; seed++) {
        with_two(changes, seed * 1000);
        check_tables();
    }
    make_big();
    with_two(long_pins, 77);
    check_big();
    test_must(table_unpin(holder) == 0, "unpin");
    table_free(holder);
    for (unsigned i = 0; i < NR_TABLES; i++) {
        table_free(tables[i]);
    }
    test_still_works();
}
