/* SPDX-License-Identifier: MIT */
/*
 * What user mode costs: system calls, page faults and switches between two address spaces, each done n times and timed.
 *   usermode [n=20000]
 */
#include <stdio.h>

#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/traps.h"
#include "pvk/user.h"

#define STACK_VA 0x10000000ul
#define DATA_VA  0x20000000ul

static inline __attribute__((always_inline)) void user_syscall(uint64_t nr)
{
    __asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
}

static USER_CODE void user_calls(uint64_t unused)
{
    (void)unused;
    for (;;) {
        user_syscall(1);
    }
}

/* Touches one page after the other; none is there before it is touched. */
static USER_CODE void user_faults(uint64_t address)
{
    for (;; address += 4096) {
        *(volatile uint64_t *)address = 1;
    }
}

struct process {
    struct user_space *space;
    struct user_context ctx;
    void *stack;
    void *data;
};

static bool process_create(struct process *p, const void *fn, uint64_t arg)
{
    p->space = user_space_create();
    p->stack = page_alloc(0);
    p->data = page_alloc(0);
    if (p->space == NULL || p->stack == NULL || p->data == NULL || user_map_code(p->space) != 0 ||
        user_map(p->space, STACK_VA, pfn_of_va(p->stack), MAP_R | MAP_W) != 0) {
        return false;
    }
    user_context_init(&p->ctx, p->space, user_code_address(fn), STACK_VA + PAGE_SIZE - 8, arg);
    return true;
}

static void report(const char *what, uint64_t count, uint64_t ns)
{
    printf("usermode: %lu %s, %lu ns each, %lu/s\n", count, what, ns / count,
           count * NS_PER_S / (ns + 1));
}

static int measure_calls(uint64_t n)
{
    struct process p;
    uint64_t start;
    uint64_t count = 0;

    if (!process_create(&p, (const void *)user_calls, 0)) {
        return 1;
    }
    start = clock_ns();
    for (uint64_t i = 0; i < n; i++) {
        count += user_run(&p.ctx) == USER_SYSCALL;
    }
    report("switches user to kernel and back", count, clock_ns() - start);
    return count == n ? 0 : 1;
}

static int measure_faults(uint64_t n)
{
    struct process p;
    uint64_t start;
    uint64_t count = 0;

    if (!process_create(&p, (const void *)user_faults, DATA_VA)) {
        return 1;
    }
    start = clock_ns();
    for (uint64_t i = 0; i < n; i++) {
        /* All addresses get the same frame: what counts is the fault, not the memory. */
        if (user_run(&p.ctx) != USER_EXCEPTION || p.ctx.regs.vector != TRAP_PF ||
            p.ctx.fault_address != DATA_VA + i * PAGE_SIZE ||
            user_map(p.space, DATA_VA + i * PAGE_SIZE, pfn_of_va(p.data), MAP_R | MAP_W) != 0) {
            return 1;
        }
        count++;
    }
    report("page faults", count, clock_ns() - start);
    return 0;
}

/* Two processes take turns: each makes a system call, and the kernel goes on with the other one. */
static int measure_switches(uint64_t n)
{
    struct process p[2];
    uint64_t start;
    uint64_t count = 0;

    if (!process_create(&p[0], (const void *)user_calls, 0) ||
        !process_create(&p[1], (const void *)user_calls, 0)) {
        return 1;
    }
    start = clock_ns();
    for (uint64_t i = 0; i < n; i++) {
        count += user_run(&p[i % 2].ctx) == USER_SYSCALL;
    }
    report("context switches", count, clock_ns() - start);
    return count == n ? 0 : 1;
}

int main(void)
{
    uint64_t n = cmdline_number("n", 20000);

    if (n == 0 || measure_calls(n) != 0 || measure_faults(n) != 0 || measure_switches(n) != 0) {
        puts("usermode: failed");
        return 1;
    }
    return 0;
}
