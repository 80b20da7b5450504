/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own allocator on real frames: objects never overlap, come zeroed and aligned, and nothing is left when
 * all of them have been freed.
 * SOURCES: hypervisor/mm/hv_alloc.c hypervisor/mm/heap.c hypervisor/mm/page_alloc.c
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mm/heap.h"
#include "mm/map.h"
#include "x86/fpu.h"
#include "x86/tlb.h"

#define FRAMES 256u

struct page_info host_frame_table[FRAMES];
unsigned char host_frames[FRAMES * PAGE_SIZE] __attribute__((aligned(4096)));

void panic(const char *fmt, ...);
void panic(const char *fmt, ...)
{
    ck_abort_msg("panic: %s", fmt);
}

void spin_lock(struct spinlock *lock)
{
    ck_assert_msg(lock->owner_ticket++ == 0, "%s taken twice", lock->name);
}

void spin_unlock(struct spinlock *lock)
{
    lock->owner_ticket--;
}

void fpu_zero_page(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

void tlb_flush_stale(uint64_t cpus, uint32_t reading)
{
    (void)cpus;
    (void)reading;
}

mfn_t mfn_of_hv(const void *p)
{
    return mfn_make((uint64_t)((const unsigned char *)p - host_frames) >> PAGE_SHIFT);
}

static void start(void)
{
    memset(host_frames, 0xaa, sizeof(host_frames));
    memset(host_frame_table, 0, sizeof(host_frame_table));
    heap_init(FRAMES);
    heap_add(1, FRAMES - 1);
    ck_assert_uint_eq(frames_free(), FRAMES - 1);
}

static bool all(const unsigned char *p, size_t n, unsigned char value)
{
    while (n-- > 0) {
        if (*p++ != value) {
            return false;
        }
    }
    return true;
}

START_TEST(random_objects)
{
    struct {
        unsigned char *p;
        size_t bytes;
        unsigned char mark;
    } live[400];
    unsigned int n = 0, step, i;
    uint64_t before = hv_alloc_bytes();

    srand((unsigned int)_i);
    start();
    for (step = 0; step < 20000; step++) {
        if (rand() % 2 && n < 400) {
            size_t bytes = (size_t)rand() % (rand() % 8 ? 700 : 4097);

            live[n].p = hv_alloc(bytes);
            if (!live[n].p) {
                ck_assert_uint_lt(frames_free(), 8);
                continue;
            }
            if (!all(live[n].p, bytes, 0)) {
                ck_abort_msg("not zeroed");
            }
            if (bytes >= 64 && (uintptr_t)live[n].p % 64) {
                ck_abort_msg("%zu bytes at %p", bytes, (void *)live[n].p);
            }
            live[n].bytes = bytes;
            live[n].mark = (unsigned char)rand();
            memset(live[n].p, live[n].mark, bytes);
            n++;
        } else if (n > 0) {
            i = (unsigned int)rand() % n;
            if (!all(live[i].p, live[i].bytes, live[i].mark)) {
                ck_abort_msg("an object of %zu bytes was overwritten", live[i].bytes);
            }
            hv_free(live[i].p);
            live[i] = live[--n];
        }
    }
    while (n > 0) {
        hv_free(live[--n].p);
    }
    ck_assert_uint_eq(frames_free(), FRAMES - 1);
    ck_assert_uint_eq(hv_alloc_bytes(), before);
}
END_TEST

START_TEST(odd_numbers_of_frames)
{
    unsigned int nr;

    start();
    for (nr = 1; nr <= 40; nr++) {
        unsigned char *p = hv_alloc_pages(nr);

        ck_assert_ptr_nonnull(p);
        ck_assert(all(p, nr * PAGE_SIZE, 0));
        ck_assert_uint_eq(frames_free(), FRAMES - 1 - nr);
        memset(p, 1, nr * PAGE_SIZE);
        hv_free_pages(p, nr);
        ck_assert_uint_eq(frames_free(), FRAMES - 1);
    }
    ck_assert_ptr_null(hv_alloc_pages(FRAMES));
    ck_assert_ptr_null(hv_alloc_pages(0));
    ck_assert_ptr_null(hv_alloc(PAGE_SIZE + 1));
    hv_free(NULL);
    hv_free_pages(NULL, 3);
}
END_TEST

/* Frames that are claimed are given to nobody else, and a claim is used up by its owner. */
START_TEST(claims)
{
    struct mm_owner o = {.max_pages = 200};
    uint32_t idx;

    start();
    ck_assert_int_eq(heap_claim(&o, 250), -EINVAL);
    ck_assert_int_eq(heap_claim(&o, 200), 0);
    ck_assert_uint_eq(heap_claimed(), 200);
    ck_assert_uint_eq(heap_alloc(NULL, 6, 32), PAGE_IDX_NONE);
    idx = heap_alloc(NULL, 5, 32);
    ck_assert_uint_ne(idx, PAGE_IDX_NONE);
    ck_assert_uint_eq(heap_alloc(NULL, 5, 32), PAGE_IDX_NONE);
    heap_free(idx, 32, true);
    idx = heap_alloc(&o, 6, 32);
    ck_assert_uint_ne(idx, PAGE_IDX_NONE);
    ck_assert_uint_eq(heap_claimed(), 136);
    ck_assert_int_eq(heap_claim(&o, 0), 0);
    ck_assert_uint_eq(heap_claimed(), 0);
    heap_free(idx, 64, false);
    ck_assert_uint_eq(frames_free(), FRAMES - 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hv_alloc");
    TCase *tc = tcase_create("objects");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, random_objects, 0, 4);
    tcase_add_test(tc, odd_numbers_of_frames);
    tcase_add_test(tc, claims);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
