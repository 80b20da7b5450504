/* SPDX-License-Identifier: MIT */
/*
 * Page tables under attack: random operations of two domains on the simulated machine, every invariant checked after each.
 * SOURCES: tests/unit/mm_sim.c tests/unit/mm_sim_ops.c tests/unit/mm_sim_check.c
 * SOURCES: hypervisor/mm/page_type.c hypervisor/mm/pt_check.c
 * SOURCES: hypervisor/mm/pt_walk.c hypervisor/mm/pt_update.c hypervisor/mm/pt_pin.c hypervisor/mm/page_info.c
 * SOURCES: hypervisor/mm/page_alloc.c hypervisor/mm/heap.c hypervisor/mm/frame_ref.c
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/mm_sim.h"

#define RUN_BYTES 20000u

static uint8_t data[RUN_BYTES];

static struct sim_stats run(uint64_t seed)
{
    struct sim_input in = {data, sizeof(data), 0};
    size_t i;

    for (i = 0; i < sizeof(data); i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        data[i] = (uint8_t)(seed >> 56);
    }
    sim_start();
    sim_check();
    while (sim_step(&in)) {
        sim_check();
    }
    sim_end();
    return sim.stats;
}

START_TEST(random_operations_keep_the_wall)
{
    struct sim_stats s = run((uint64_t)_i * 77777 + 1);

    /* it has to have been an attack at all */
    ck_assert_uint_gt(s.stores, 50);
    ck_assert_uint_gt(s.refused, 50);
    ck_assert_uint_gt(s.pins, 5);
    ck_assert_uint_gt(s.walks, 50);
    ck_assert_uint_gt(s.scrubs, 0);
    if (getenv("SIM_STATS")) {
        fprintf(
            stderr,
            "steps %llu pins %llu refused %llu restarts %llu stores %llu compares %llu exchanges %llu walks %llu writes %llu flushes %llu "
            "kills %llu foreign %llu segdescs %llu finds %llu frees %llu\n",
            (unsigned long long)s.steps, (unsigned long long)s.pins, (unsigned long long)s.refused,
            (unsigned long long)s.restarts, (unsigned long long)s.stores,
            (unsigned long long)s.compares, (unsigned long long)s.exchanges,
            (unsigned long long)s.walks,
            (unsigned long long)s.guest_writes, (unsigned long long)s.flushes,
            (unsigned long long)s.teardowns, (unsigned long long)s.foreign_maps,
            (unsigned long long)s.segdescs, (unsigned long long)s.finds,
            (unsigned long long)s.frees);
    }
}
END_TEST

/* ---- single stories, each one a class of bugs that software of this kind has had ---- */

/* Frames that the domain owns, from the top of memory. */
static uint32_t own(unsigned int d, unsigned int nth)
{
    uint32_t idx = sim.dom[d].page_list_head;

    while (nth-- > 0) {
        idx = page_of_idx(idx)->next;
    }
    return idx;
}

static void link_table(uint32_t table, unsigned int slot, uint32_t to, uint64_t flags)
{
    sim_table(table)[slot] = (uint64_t)to << PAGE_SHIFT | PTE_P | PTE_US | flags;
}

static void fill_table(uint32_t table, uint32_t to)
{
    unsigned int i;

    for (i = 0; i < SIM_SLOTS; i++) {
        link_table(table, sim_slots[i], to, PTE_RW);
    }
}

static int store(unsigned int tables, unsigned int frames, uint32_t table, unsigned int slot,
                 uint64_t entry)
{
    struct pt_update u;
    int rc = pt_update_begin(&u, &sim.dom[tables], &sim.dom[frames]);

    if (rc == 0) {
        rc = pt_update_store(&u, maddr_make((uint64_t)table * PAGE_SIZE + slot * 8), entry,
                             PT_STORE_NORMAL);
        pt_update_end(&u);
    }
    sim_check();
    return rc;
}

static uint64_t pte(uint32_t frame, uint64_t flags)
{
    return (uint64_t)frame << PAGE_SHIFT | PTE_P | PTE_US | flags;
}

/*
 * A foreign mapping leaves a translation on a CPU that does not run the owner: the frame must not
 * become a table before.
 */
START_TEST(foreign_mapping_is_flushed_too)
{
    uint32_t t[5], frame;
    unsigned int i;

    sim_start();
    frame = own(SIM_B, 0);
    for (i = 1; i < 5; i++) {
        t[i] = own(SIM_A, i);
        if (i > 1) {
            link_table(t[i], 0, t[i - 1], PTE_RW);
        }
    }
    ck_assert_int_eq(pt_root_get(&sim.dom[SIM_A], mfn_make(t[4])), 0);
    sim.dom[SIM_A].running_cpus = 1;
    sim.cpu[0].dom = (int)SIM_A;
    sim.cpu[0].root = t[4];
    ck_assert_int_eq(store(SIM_A, SIM_B, t[1], 2, pte(frame, PTE_RW)), 0);
    sim.cpu[0].tlb[0] =
        (struct sim_translation){.frame = frame, .level = 0, .writable = true, .used = true};
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(frame), 1), -EINVAL);
    ck_assert_int_eq(store(SIM_A, SIM_B, t[1], 2, 0), 0);
    ck_assert(sim.cpu[0].tlb[0].used);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(frame), 1), 0);
    ck_assert(!sim.cpu[0].tlb[0].used);
    sim_check();
    sim_end();
}
END_TEST

/*
 * The page walker remembers where an L1 table was. The guest may write that frame only when it has
 * forgotten, or it would write its own page tables.
 */
START_TEST(old_table_is_forgotten_before_it_is_writable)
{
    uint32_t t[5], old;
    unsigned int i;

    sim_start();
    for (i = 1; i < 5; i++) {
        t[i] = own(SIM_B, i);
        if (i > 1) {
            link_table(t[i], 0, t[i - 1], PTE_RW);
        }
    }
    old = own(SIM_B, 5);
    link_table(t[2], 1, old, PTE_RW);
    ck_assert_int_eq(pt_root_get(&sim.dom[SIM_B], mfn_make(t[4])), 0);
    sim.dom[SIM_B].running_cpus = 2;
    sim.cpu[1].dom = (int)SIM_B;
    sim.cpu[1].root = t[4];
    sim.cpu[1].tlb[0] = (struct sim_translation){.frame = old, .level = 1, .used = true};
    ck_assert_int_eq(store(SIM_B, SIM_B, t[1], 0, pte(old, PTE_RW)), -EBUSY);
    ck_assert_int_eq(store(SIM_B, SIM_B, t[2], 1, 0), 0);
    ck_assert(sim.cpu[1].tlb[0].used);
    if (_i) {
        maddr_t where = maddr_make((uint64_t)t[1] * PAGE_SIZE);

        ck_assert_int_eq(pt_walk_settle(&sim.dom[SIM_B]), 0);
        ck_assert_int_eq(
            pt_update_single(&sim.dom[SIM_B], where, pte(old, PTE_RW), PT_STORE_NORMAL), 0);
        sim_check();
    } else {
        ck_assert_int_eq(store(SIM_B, SIM_B, t[1], 0, pte(old, PTE_RW)), 0);
    }
    ck_assert(!sim.cpu[1].tlb[0].used);
    sim_end();
}
END_TEST

/*
 * Tables that point at themselves, or at a table of their own level, are refused at every level and
 * by every route.
 */
START_TEST(no_recursive_tables)
{
    unsigned int level = (unsigned int)_i + 1;
    uint32_t a, b;

    sim_start();
    a = own(SIM_B, 0);
    b = own(SIM_B, 1);
    link_table(a, 3, a, level == 1 ? PTE_RW : 0);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(a), level), level == 1 ? -EBUSY : -EINVAL);
    sim_check();
    sim_table(a)[3] = 0;
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(a), level), 0);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(b), level), 0);
    ck_assert_int_ne(store(SIM_B, SIM_B, a, 3, pte(a, PTE_RW)), 0);
    ck_assert_int_ne(store(SIM_B, SIM_B, a, 3, pte(b, PTE_RW)), 0);
    sim_end();
}
END_TEST

/*
 * Every flag fast path: an entry that is there gains RW, the large-page bit or another frame's
 * number, and nothing else.
 */
START_TEST(no_fast_path_around_the_check)
{
    uint32_t l1, l2, frame;

    sim_start();
    l1 = own(SIM_B, 0);
    l2 = own(SIM_B, 1);
    frame = own(SIM_B, 2);
    link_table(l1, 0, l1, 0);
    link_table(l1, 1, frame, 0);
    link_table(l2, 0, l1, PTE_RW);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(l2), 2), 0);
    ck_assert_int_eq(store(SIM_B, SIM_B, l1, 0, pte(l1, PTE_RW)),
                     -EBUSY); /* the table itself, writable */
    ck_assert_int_eq(store(SIM_B, SIM_B, l1, 0, pte(l1, PTE_RW | PTE_AD | PTE_NX)), -EBUSY);
    ck_assert_int_eq(store(SIM_B, SIM_B, l2, 0, pte(l1, PTE_RW | PTE_PS)), -EINVAL);
    ck_assert_int_eq(store(SIM_B, SIM_B, l2, 0, pte(l1, PTE_AVL | PTE_NX | PTE_A)), 0);
    ck_assert_int_eq(store(SIM_B, SIM_B, l1, 1, pte(frame, PTE_RW)), 0);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(frame), 1), -EINVAL);
    ck_assert_int_eq(store(SIM_B, SIM_B, l1, 1, pte(frame, PTE_AVL)), 0);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(frame), 1), 0);
    ck_assert_int_eq(store(SIM_B, SIM_B, l1, 1, pte(frame, PTE_RW)), -EBUSY);
    sim_end();
}
END_TEST

/*
 * A pin that is preempted after every few entries, with another CPU of the domain coming in
 * between: counted once.
 */
START_TEST(preempted_pin_is_continued_by_anyone)
{
    static const uint8_t always[64] = {[0 ... 63] = 1};
    struct sim_input in = {always, 64, 0};
    uint32_t t[5];
    int rc, tries = 0;
    unsigned int i;

    sim_start();
    for (i = 0; i < 5; i++) {
        t[i] = own(SIM_B, i);
    }
    for (i = 1; i < 5; i++) {
        link_table(t[i], 3, t[i - 1], PTE_RW);
    }
    fill_table(t[1], t[0]);
    fill_table(t[0], own(SIM_B, 5));
    sim.in = &in;
    sim.preempt = true;
    do {
        rc = pt_pin(&sim.dom[SIM_B], mfn_make(t[4]), 4);
        sim_check();
        tries++;
        if (rc == -ERESTART && _i) {
            (void)!pt_walk_settle(&sim.dom[SIM_B]); /* the other CPU */
            sim_check();
        }
    } while (rc == -ERESTART);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_gt(tries, 5);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(t[4]), 4), -EINVAL); /* pinned already */
    ck_assert_uint_eq(pgt_count(page_of_idx(t[4])->type), 1);
    ck_assert_int_eq(pt_unpin(&sim.dom[SIM_B], mfn_make(t[4])), 0);
    ck_assert_int_eq(pt_unpin(&sim.dom[SIM_B], mfn_make(t[4])),
                     -ERESTART); /* the first left work behind */
    sim_check();
    sim.preempt = false;
    ck_assert_int_eq(pt_unpin(&sim.dom[SIM_B], mfn_make(t[4])), -EINVAL);
    ck_assert_uint_eq(pgt_count(page_of_idx(t[0])->type), 0);
    sim_end();
}
END_TEST

/* Preemption in the middle, then the domain dies: nothing stays. */
START_TEST(teardown_in_the_middle_of_a_pin)
{
    static const uint8_t always[256] = {[0 ... 255] = 1};
    struct sim_input in = {always, 256, 0};
    uint32_t l1, l2;
    int i;

    sim_start();
    l1 = own(SIM_B, 0);
    l2 = own(SIM_B, 1);
    fill_table(l2, l1);
    fill_table(l1, own(SIM_B, 2));
    sim.in = &in;
    sim.preempt = true;
    for (i = 0; i <= _i; i++) {
        ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(l2), 2), -ERESTART);
    }
    sim_check();
    sim_end();
}
END_TEST

/*
 * PRESERVE_AD: what the CPU set between the guest's read and its update survives, and a NORMAL
 * update replaces it.
 */
START_TEST(accessed_and_dirty_survive)
{
    uint32_t l1, frame;
    struct pt_update u;

    sim_start();
    l1 = own(SIM_B, 0);
    frame = own(SIM_B, 1);
    link_table(l1, 3, frame, PTE_RW);
    ck_assert_int_eq(pt_pin(&sim.dom[SIM_B], mfn_make(l1), 1), 0);
    sim_table(l1)[3] |= PTE_AD;
    ck_assert_int_eq(pt_update_begin(&u, &sim.dom[SIM_B], &sim.dom[SIM_B]), 0);
    ck_assert_int_eq(pt_update_store(&u, maddr_make((uint64_t)l1 * PAGE_SIZE + 24), pte(frame, 0),
                                     PT_STORE_KEEP_AD),
                     0);
    ck_assert_uint_eq(sim_table(l1)[3], pte(frame, PTE_AD));
    ck_assert_int_eq(pt_update_store(&u, maddr_make((uint64_t)l1 * PAGE_SIZE + 24), pte(frame, 0),
                                     PT_STORE_NORMAL),
                     0);
    ck_assert_uint_eq(sim_table(l1)[3], pte(frame, 0));
    pt_update_end(&u);
    sim_end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pt_sim");
    TCase *tc = tcase_create("random");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, random_operations_keep_the_wall, 0, 40);
    tcase_add_test(tc, foreign_mapping_is_flushed_too);
    tcase_add_loop_test(tc, old_table_is_forgotten_before_it_is_writable, 0, 2);
    tcase_add_loop_test(tc, no_recursive_tables, 0, 4);
    tcase_add_test(tc, no_fast_path_around_the_check);
    tcase_add_loop_test(tc, preempted_pin_is_continued_by_anyone, 0, 2);
    tcase_add_loop_test(tc, teardown_in_the_middle_of_a_pin, 0, 14);
    tcase_add_test(tc, accessed_and_dirty_survive);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
