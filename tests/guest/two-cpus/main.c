/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * MODELS: yes
 * NATIVE: yes
 * CPUS: 2
 * AS: both
 * A second CPU by libpvk's interface alone, whatever is below it: it runs threads, sleeps on a timer of its own, wakes and is
 * woken, runs user code, and forgets a translation that the first CPU takes away.
 */
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/smp.h"
#include "pvk/thread.h"
#include "pvk/user.h"

#define ROUNDS   50u
#define STACK_VA 0x10000000ul

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static unsigned turn; /* even: the first CPU's, odd: the second's */
static char *window;
static uint64_t seen_before;
static bool seen_after = true;
static unsigned ran_on = ~0u;
static bool slept;
static bool user_ok;

static unsigned now(void)
{
    return __atomic_load_n(&turn, __ATOMIC_ACQUIRE);
}

static void pass(void)
{
    __atomic_add_fetch(&turn, 1, __ATOMIC_ACQ_REL);
    wait_queue_wake(&queue);
}

static USER_CODE void user_call(uint64_t number)
{
    for (;;) {
        uint64_t n = number;

        __asm__ volatile("syscall" : "+a"(n) : : "rcx", "r11", "memory");
    }
}

static bool user_mode_works(void)
{
    struct user_space *space = user_space_create();
    struct user_context context;
    void *stack = page_alloc(0);
    bool ok;

    if (space == NULL || stack == NULL || user_map_code(space) != 0 ||
        user_map(space, STACK_VA, pfn_of_va(stack), MAP_R | MAP_W) != 0) {
        return false;
    }
    user_context_init(&context, space, user_code_address((const void *)user_call),
                      STACK_VA + PAGE_SIZE - 8, 77);
    ok = user_run(&context) == USER_SYSCALL && context.regs.rax == 77;
    user_space_destroy(space);
    page_free(stack, 0);
    return ok;
}

static void second(void *unused)
{
    uint64_t start = clock_ns();
    uint64_t value;

    (void)unused;
    ran_on = cpu_id();
    thread_sleep_ns(NS_PER_MS);
    slept = clock_ns() - start >= NS_PER_MS;
    user_ok = user_mode_works();
    for (unsigned i = 0; i < ROUNDS; i++) {
        wait_until(&queue, now() % 2 == 1, 0);
        pass();
    }
    wait_until(&queue, now() % 2 == 1, 0);
    if (!probe_read(window, &seen_before)) {
        seen_before = 0;
    }
    pass();
    wait_until(&queue, now() % 2 == 1, 0);
    seen_after = probe_read(window, &value);
    pass();
}

void test_main(void)
{
    uint64_t *page = page_alloc(0);
    struct thread *thread;

    window = window_alloc(1);
    if (page == NULL || window == NULL) {
        test_error("no memory");
    }
    if (cpu_count() < 2) {
        test_skip("the machine has one CPU");
    }
    test_check(!cpu_is_online(1), "it waits to be started");
    test_check(cpu_start(1) == 0 && cpu_is_online(1), "the second CPU starts");
    test_check(cpu_start(1) != 0, "and only once");
    test_check(cpu_start(cpu_count()) != 0, "a CPU that is not there does not start");
    *page = 4711;
    if (map_page(window, pfn_of_va(page), MAP_R) != 0) {
        test_error("cannot map");
    }
    thread = thread_create_on(1, "second", second, NULL);
    if (thread == NULL) {
        test_error("no thread");
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        pass();
        wait_until(&queue, now() % 2 == 0, 0);
    }
    test_check(ran_on == 1, "a thread runs on it");
    test_check(slept, "it has a timer");
    test_check(user_ok, "it runs user code");
    test_check(now() == 2 * ROUNDS, "the two wake each other");
    pass();
    wait_until(&queue, now() % 2 == 0, 0);
    test_check(seen_before == 4711, "it sees what the first one has mapped");
    if (map_remove(window, 1) != 0) {
        test_error("cannot unmap");
    }
    pass();
    wait_until(&queue, now() % 2 == 0, 0);
    test_check(!seen_after, "and no longer when it has been taken away");
    thread_join(thread);
    window_free(window, 1);
    page_free(page, 0);
}
