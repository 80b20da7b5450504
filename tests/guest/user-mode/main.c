/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * MODELS: yes
 * NATIVE: yes
 * AS: both
 * User mode with page tables of its own: system calls and exceptions reach the kernel with the right registers, kernel
 * memory is out of reach, interrupts come and go without user code noticing, and two spaces do not see each other.
 */
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/thread.h"
#include "pvk/user.h"

#define STACK_VA 0x10000000ul
#define DATA_VA  0x20000000ul

/* System call: number in rax, one argument in rdi. */
static inline __attribute__((always_inline)) uint64_t user_syscall(uint64_t nr, uint64_t arg)
{
    __asm__ volatile("syscall" : "+a"(nr), "+D"(arg) : : "rcx", "r11", "memory");
    return nr;
}

static USER_CODE void user_syscalls(uint64_t arg)
{
    uint64_t r = user_syscall(1, arg);

    r = user_syscall(2, r + 1);
    user_syscall(3, r);
    for (;;) {
        user_syscall(0, 0);
    }
}

static USER_CODE void user_read(uint64_t address)
{
    user_syscall(1, *(volatile uint64_t *)address);
}

static USER_CODE void user_write(uint64_t address)
{
    *(volatile uint64_t *)address = 42;
    user_syscall(1, *(volatile uint64_t *)address);
}

static USER_CODE void user_privileged(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("cli; hlt");
}

static USER_CODE void user_int80(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("int $0x80");
}

/* Counts, with known values in all registers that it does not need; the kernel stops it from an interrupt. */
static USER_CODE void user_spin(uint64_t flag)
{
    uint64_t rounds = 0;
    uint64_t r12 = 0x1212;
    uint64_t r15 = 0x1515;

    do {
        rounds++;
        __asm__ volatile("" : "+r"(r12), "+r"(r15));
    } while (*(volatile uint64_t *)flag == 0);
    user_syscall(rounds > 0 && r12 == 0x1212 && r15 == 0x1515 ? 1 : 2, 0);
}

static struct user_space *make_space(void **data)
{
    struct user_space *space = user_space_create();
    void *stack = page_alloc(0);

    *data = page_alloc(0);
    if (space == NULL || stack == NULL || *data == NULL || user_map_code(space) != 0 ||
        user_map(space, STACK_VA, pfn_of_va(stack), MAP_R | MAP_W) != 0 ||
        user_map(space, DATA_VA, pfn_of_va(*data), MAP_R | MAP_W) != 0) {
        test_error("cannot make a user space");
    }
    return space;
}

static enum user_exit start(struct user_context *ctx, struct user_space *space, const void *fn,
                            uint64_t arg)
{
    user_context_init(ctx, space, user_code_address(fn), STACK_VA + PAGE_SIZE - 8, arg);
    return user_run(ctx);
}

static const char *text_of(const struct user_context *ctx)
{
    struct trap_seen seen = {.vector = ctx->regs.vector, .error_code = ctx->regs.error_code};

    return ctx->exit == USER_SYSCALL  ? "system call"
           : ctx->exit == USER_KICKED ? "kicked"
                                      : test_trap(false, &seen);
}

static void check_syscalls(struct user_space *space)
{
    struct user_context ctx;
    enum user_exit why = start(&ctx, space, (const void *)user_syscalls, 1000);

    test_check(why == USER_SYSCALL && ctx.regs.rax == 1 && ctx.regs.rdi == 1000,
               "the first system call with its argument");
    ctx.regs.rax = 5000;
    why = user_run(&ctx);
    test_check(why == USER_SYSCALL && ctx.regs.rax == 2 && ctx.regs.rdi == 5001,
               "its result came back to user mode");
    test_note("cs %x ss %lx in a system call", ctx.regs.cs, ctx.regs.ss);
    test_check((ctx.regs.rflags & RFLAGS_IF) != 0, "user mode runs with interrupts on");
}

static void check_faults(struct user_space *space)
{
    struct user_context ctx;

    start(&ctx, space, (const void *)user_read, 0x30000000);
    test_note("user reads an unmapped page: %s", text_of(&ctx));
    test_check(ctx.fault_address == 0x30000000, "with its address");
    start(&ctx, space, (const void *)user_read, (uint64_t)(uintptr_t)__image_start);
    test_note("user reads kernel memory: %s", text_of(&ctx));
    start(&ctx, space, (const void *)user_write, 0xffff800000000000ul);
    test_note("user writes the machine-to-frame table: %s", text_of(&ctx));
    start(&ctx, space, (const void *)user_write, USER_CODE_BASE);
    test_note("user writes its code: %s", text_of(&ctx));
    start(&ctx, space, (const void *)user_privileged, 0);
    test_note("user executes cli: %s", text_of(&ctx));
    start(&ctx, space, (const void *)user_int80, 0);
    test_note("user executes int 0x80: %s", text_of(&ctx));
}

static void set_flag(struct timer *timer);

struct stopper {
    struct timer timer;
    uint64_t *flag;
};

static void set_flag(struct timer *timer)
{
    *container_of(timer, struct stopper, timer)->flag = 1;
}

/* Again and again: a kick before user mode has been entered has no effect. */
static void kick(struct timer *timer)
{
    user_kick();
    timer_set(timer, clock_ns() + 10 * NS_PER_MS);
}

static void check_interrupts(struct user_space *space, uint64_t *data)
{
    struct stopper stopper = {.timer.fn = set_flag, .flag = data};
    struct timer kicker = {.fn = kick};
    struct user_context ctx;

    *data = 0;
    timer_set(&stopper.timer, clock_ns() + 20 * NS_PER_MS);
    start(&ctx, space, (const void *)user_spin, DATA_VA);
    test_check(ctx.exit == USER_SYSCALL && ctx.regs.rax == 1,
               "a timer interrupt in user mode changes no register");
    *data = 0;
    timer_set(&kicker, clock_ns() + 20 * NS_PER_MS);
    start(&ctx, space, (const void *)user_spin, DATA_VA);
    timer_cancel(&kicker);
    test_check(ctx.exit == USER_KICKED, "an interrupt handler can stop user code");
    *data = 1;
    test_check(user_run(&ctx) == USER_SYSCALL && ctx.regs.rax == 1,
               "which then goes on as if nothing was");
}

static void check_two_spaces(struct user_space *a, uint64_t *data_a)
{
    uint64_t *data_b;
    struct user_space *b = make_space((void **)&data_b);
    struct user_context ctx;

    *data_a = 1;
    start(&ctx, b, (const void *)user_write, DATA_VA);
    test_check(*data_a == 1 && *data_b == 42, "a write in one space does not reach the other");
    start(&ctx, a, (const void *)user_read, DATA_VA);
    test_check(ctx.exit == USER_SYSCALL && ctx.regs.rdi == 1, "each space reads its own page");
    test_check(*(volatile uint64_t *)DATA_VA == 1, "the kernel sees the space that is in use");
    test_check(user_unmap(a, DATA_VA) == 0, "unmapping a user page");
    start(&ctx, a, (const void *)user_read, DATA_VA);
    test_note("user reads it: %s", text_of(&ctx));
    user_space_destroy(b);
}

void test_main(void)
{
    uint64_t *data;
    struct user_space *space = make_space((void **)&data);
    uint64_t before;
    struct user_space *another;

    check_syscalls(space);
    check_faults(space);
    check_interrupts(space, data);
    check_two_spaces(space, data);
    before = page_nr_free();
    another = user_space_create();
    if (another == NULL || user_map_code(another) != 0) {
        test_error("cannot make another user space");
    }
    user_space_destroy(another);
    test_check(page_nr_free() == before, "a destroyed space gives all its pages back");
    user_space_destroy(space);
}
