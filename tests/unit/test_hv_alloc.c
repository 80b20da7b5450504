/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own allocator on real frames: objects never overlap, come zeroed and aligned, and nothing is left when
 * all of them have been freed. And the zeroing of free frames by a CPU that idles, beside others that allocate.
 * SOURCES: hypervisor/mm/hv_alloc.c hypervisor/mm/heap.c hypervisor/mm/page_alloc.c
 */
#include <check.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "mm/heap.h"
#include "mm/map.h"
#include "x86/fpu.h"
#include "x86/ipi.h"
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

/* What another CPU does while a page is being zeroed, and how many have been. */
static void (*meanwhile)(unsigned char *page);
static unsigned int zeroed;

void fpu_zero_page(void *page)
{
    void (*fn)(unsigned char *page) = meanwhile;

    meanwhile = NULL;
    if (fn) {
        fn(page);
    }
    memset(page, 0, PAGE_SIZE);
    zeroed++;
}

/* Whoever waits for another CPU would wait for ever here: it is enough to know that it does. */
static jmp_buf waits;

void ipi_poll(void)
{
    longjmp(waits, 1);
}

static bool disturbs;

bool tlb_flush_disturbs(uint32_t reading)
{
    (void)reading;
    return disturbs;
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

/* ---- an idle CPU zeroes free frames ---- */

static unsigned int scrub_all(void)
{
    unsigned int before = zeroed;

    while (heap_scrub()) {
    }
    return zeroed - before;
}

/* What is free becomes zero, what is in use stays as it is; then there is nothing to do until something is freed again. */
START_TEST(idle_time_zeroes_what_is_free)
{
    uint32_t kept, idx[3];

    start();
    ck_assert_uint_eq(frames_dirty(), FRAMES - 1);
    kept = heap_alloc(NULL, 2, 32);
    memset(host_frames + kept * PAGE_SIZE, 0x77, 4 * PAGE_SIZE);
    ck_assert_uint_eq(scrub_all(), FRAMES - 1 - 4);
    ck_assert_uint_eq(frames_dirty(), 0);
    ck_assert(all(host_frames + kept * PAGE_SIZE, 4 * PAGE_SIZE, 0x77));
    ck_assert(all(host_frames + PAGE_SIZE, (kept - 1) * PAGE_SIZE, 0));
    ck_assert(!heap_scrub());

    zeroed = 0;
    for (unsigned int i = 0; i < 3; i++) {
        idx[i] = heap_alloc(NULL, i, 32);
        memset(host_frames + idx[i] * PAGE_SIZE, 0x55, PAGE_SIZE);
    }
    ck_assert_uint_eq(zeroed, 0); /* handing out costs nothing now */
    heap_free(idx[1], 2, false);
    heap_free(idx[0], 1, true); /* its owner says so: not looked at */
    ck_assert_uint_eq(frames_dirty(), 2);
    ck_assert_uint_eq(scrub_all(), 2);
    heap_free(kept, 4, false);
    ck_assert_uint_eq(scrub_all(), 4);
    ck_assert_uint_eq(frames_dirty(), 0);
    ck_assert_uint_eq(frames_free(), FRAMES - 1 - 4);
}
END_TEST

/* Nobody is interrupted for it: the frame waits, and is zeroed when it is handed out or when the others have flushed. */
START_TEST(a_busy_cpu_is_not_disturbed)
{
    start();
    disturbs = true;
    ck_assert_uint_eq(scrub_all(), 0);
    ck_assert_uint_eq(frames_dirty(), FRAMES - 1);
    zeroed = 0;
    ck_assert_uint_ne(heap_alloc(NULL, 3, 32), PAGE_IDX_NONE);
    ck_assert_uint_eq(zeroed, 8);
    disturbs = false;
    ck_assert_uint_eq(scrub_all(), FRAMES - 1 - 8);
    ck_assert_uint_eq(frames_dirty(), 0);
}
END_TEST

static unsigned int waited, allocated;

/* All that is left, one by one; of what is being zeroed just now nothing is given out before that is done. */
static void allocate_all(unsigned char *page)
{
    uint32_t idx;

    ck_assert_uint_eq(frames_free(), FRAMES - 1);
    ck_assert(!heap_scrub()); /* one at a time */
    while (frames_free() > 0) {
        if (setjmp(waits)) {
            waited++; /* with that frame in hand, which is lost to this test */
            continue;
        }
        idx = heap_alloc(NULL, 0, 32);
        ck_assert_uint_ne(idx, PAGE_IDX_NONE);
        ck_assert_ptr_ne(host_frames + idx * PAGE_SIZE, page);
        memset(host_frames + idx * PAGE_SIZE, 0x66, PAGE_SIZE);
        allocated++;
    }
}

START_TEST(who_allocates_it_meanwhile_waits)
{
    start();
    waited = allocated = 0;
    meanwhile = allocate_all;
    ck_assert(heap_scrub());
    ck_assert_uint_eq(waited, 1);
    ck_assert_uint_eq(allocated, FRAMES - 2);
    ck_assert_uint_eq(frames_dirty(), 0);
    ck_assert_uint_eq(scrub_all(), 0); /* nothing is free, so nothing is touched */
}
END_TEST

static unsigned char *on_its_way;

static void is_another_page(unsigned char *page)
{
    ck_assert_ptr_ne(page, on_its_way);
}

static void scrub_meanwhile(unsigned char *page)
{
    on_its_way = page;
    meanwhile = is_another_page;
    scrub_all();
    meanwhile = NULL;
}

/* A frame that is dirty still, but has left the pool, is its taker's to zero, in a block of any size. */
START_TEST(frames_on_their_way_out_are_not_touched)
{
    uint32_t idx;

    start();
    meanwhile = scrub_meanwhile;
    zeroed = 0;
    idx = heap_alloc(NULL, (unsigned int)_i, 32);
    ck_assert_uint_ne(idx, PAGE_IDX_NONE);
    ck_assert_uint_eq(zeroed, FRAMES - 1); /* each once, by one or the other */
    ck_assert_uint_eq(frames_dirty(), 0);
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
    tcase_add_test(tc, idle_time_zeroes_what_is_free);
    tcase_add_test(tc, a_busy_cpu_is_not_disturbed);
    tcase_add_test(tc, who_allocates_it_meanwhile_waits);
    tcase_add_loop_test(tc, frames_on_their_way_out_are_not_touched, 0, 7);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
