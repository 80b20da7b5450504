/* SPDX-License-Identifier: MIT */
/*
 * The contrast: what single operations of a kernel cost here, wherever this is: on a bare machine, as a PV domain or as a fully
 * virtualized one. The same lines for both back ends; each operation is bracketed by marks in the machine's trace.
 *   contrast [n=100] [rounds=1] [only=NAME]
 * Lines: "CONTRAST result NUMBER NAME RUNS ALL-RUNS TICKS NS": of the best round; its marks are 2 * NUMBER and 2 * NUMBER + 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pvk/clock.h"
#include "pvk/console.h"
#include "pvk/cpu.h"
#include "pvk/disk.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/smp.h"
#include "pvk/thread.h"
#include "pvk/user.h"

#define MANY       512u /* pages of a large mapping */
#define FORK_PAGES 64u  /* of the address space that is copied */
#define STACK_VA   0x10000000ul
#define DATA_VA    0x20000000ul
#define HALT_NS    100000ul
#define FAR_NS     (3600 * NS_PER_S)
#define PORT       0x3fdu /* status of the first serial port: any device would do */

static uint64_t waited_ns; /* of an operation, and not its own cost */

/* ---- nothing, and instructions ---- */

static void empty(void)
{
    __asm__ volatile("" : : : "memory");
}

static void irqs_off_and_on(void)
{
    irq_restore(irq_save());
}

static void read_root(void)
{
    (void)*(volatile uint64_t *)&(uint64_t){cpu_page_root()};
}

static void identify(void)
{
    uint32_t regs[4];

    cpu_identify(1, regs);
}

static void read_port(void)
{
    cpu_port_read(PORT);
}

/* ---- user mode and address spaces ---- */

static USER_CODE void user_calls(uint64_t unused)
{
    (void)unused;
    for (;;) {
        uint64_t nr = 1;

        __asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
    }
}

static struct user_context users[2];

static bool user_create(struct user_context *user)
{
    struct user_space *space = user_space_create();
    void *stack = page_alloc(0);

    if (space == NULL || stack == NULL || user_map_code(space) != 0 ||
        user_map(space, STACK_VA, pfn_of_va(stack), MAP_R | MAP_W) != 0) {
        return false;
    }
    user_context_init(user, space, user_code_address((const void *)user_calls),
                      STACK_VA + PAGE_SIZE - 8, 0);
    return true;
}

static bool users_ready(void)
{
    return users[1].space != NULL || (user_create(&users[0]) && user_create(&users[1]));
}

static void system_call(void)
{
    user_run(&users[0]);
}

static unsigned turn; /* two processes take turns */

static void process_switch(void)
{
    user_run(&users[turn++ % 2]);
}

static void space_switch(void)
{
    user_space_use(users[turn++ % 2].space);
}

static struct user_space *parent;

static bool parent_ready(void)
{
    parent = user_space_create();
    for (unsigned i = 0; parent != NULL && i < FORK_PAGES; i++) {
        void *page = page_alloc(0);

        if (page == NULL ||
            user_map(parent, DATA_VA + i * PAGE_SIZE, pfn_of_va(page), MAP_R | MAP_W) != 0) {
            return false;
        }
    }
    return parent != NULL;
}

/* The child reads each page once: who puts work off until then does it now. */
static void space_copy(void)
{
    struct user_space *child = user_space_copy(parent);

    if (child == NULL) {
        return;
    }
    user_space_use(child);
    for (unsigned i = 0; i < FORK_PAGES; i++) {
        (void)*(volatile char *)(DATA_VA + i * PAGE_SIZE);
    }
    user_space_use(NULL);
    user_space_destroy(child);
}

/* ---- kernel mappings and faults ---- */

static volatile char *window;
static char *pages;

static bool window_ready(void)
{
    if (window == NULL) {
        window = window_alloc(MANY);
        pages = page_alloc(9);
    }
    return window != NULL && pages != NULL;
}

static void map_touch_unmap(size_t nr)
{
    if (map_range((void *)(uintptr_t)window, pfn_of_va(pages), nr, MAP_R | MAP_W) != 0) {
        return;
    }
    for (size_t i = 0; i < nr; i++) {
        window[i * PAGE_SIZE] = 1;
    }
    if (map_remove((void *)(uintptr_t)window, nr) != 0) {
        puts("contrast: a mapping stays");
    }
}

static void map_one(void)
{
    map_touch_unmap(1);
}

static void map_many(void)
{
    map_touch_unmap(MANY);
}

static void page_fault(void)
{
    uint64_t value;

    probe_read((const void *)(uintptr_t)window, &value);
}

/* ---- interrupts ---- */

static struct timer timer;
static volatile uint64_t fired;

static void timer_fired(struct timer *t)
{
    (void)t;
    fired++;
}

static bool timer_ready(void)
{
    timer.fn = timer_fired;
    return true;
}

static void timer_far(void)
{
    timer_set(&timer, clock_ns() + FAR_NS);
}

static void timer_now(void)
{
    uint64_t before = fired;

    timer_set(&timer, clock_ns());
    while (fired == before) {
        __builtin_ia32_pause();
    }
}

/* What came before the deadline the machine has slept, or would have. */
static void halt_and_wake(void)
{
    uint64_t before = fired, start = clock_ns();

    timer_set(&timer, start + HALT_NS);
    irq_save();
    while (fired == before) {
        cpu_halt();
        irq_save();
    }
    irq_enable();
    waited_ns += HALT_NS;
}

static volatile bool stop;

static void stay_awake(void *unused)
{
    (void)unused;
    while (!stop) {
        __builtin_ia32_pause();
    }
}

static bool other_ready(void)
{
    return cpu_count() > 1 && cpu_start(1) == 0 &&
           thread_create_on(1, "awake", stay_awake, NULL) != NULL;
}

static void interrupt_cpu(unsigned cpu)
{
    uint64_t before = cpu_nr_kicks(cpu);

    cpu_kick(cpu);
    while (cpu_nr_kicks(cpu) == before) {
        __builtin_ia32_pause();
    }
}

static void interrupt_self(void)
{
    interrupt_cpu(0);
}

static void interrupt_other(void)
{
    interrupt_cpu(1);
}

/* ---- devices ---- */

static void console_byte(void)
{
    console_write(".", 1);
}

static void console_line(void)
{
    static const char line[] =
        "01234567890123456789012345678901234567890123456789012345678901234567890123456\r\n.";

    _Static_assert(sizeof(line) == 81, "80 bytes");
    console_write(line, 80);
}

static bool disk_ready(void)
{
    struct disk_info disk;

    return disk_open(0, &disk) == 0 && disk.sectors >= PAGE_SIZE / DISK_SECTOR;
}

/* A device of the machine works while the machine sleeps: that is the device's time. */
static void disk_page(void)
{
    static char page[PAGE_SIZE];
    uint64_t slept = cpu_slept_ns();

    if (disk_read(0, 0, PAGE_SIZE / DISK_SECTOR, page) != 0) {
        puts("contrast: the disk cannot be read");
    }
    waited_ns += cpu_slept_ns() - slept;
}

/* ---- the table ---- */

struct operation {
    const char *name;
    void (*run)(void);
    bool (*ready)(void); /* before the first run; false: not here */
    unsigned share;      /* one run for so many of a short operation */
};

static const struct operation operations[] = {
    {"empty", empty, NULL, 1}, /* the marks alone: what is taken off all others */
    {"null-system-call", system_call, users_ready, 1},
    {"interrupts-off-on", irqs_off_and_on, NULL, 1},
    {"read-cr3", read_root, NULL, 1},
    {"switch-address-space", space_switch, users_ready, 1},
    {"map-touch-unmap-1", map_one, window_ready, 1},
    {"map-touch-unmap-512", map_many, window_ready, 10},
    {"page-fault", page_fault, window_ready, 1},
    {"copy-address-space", space_copy, parent_ready, 10},
    {"process-switch", process_switch, users_ready, 1},
    {"set-timer", timer_far, timer_ready, 1},
    {"timer-interrupt", timer_now, timer_ready, 1},
    {"halt-and-wake", halt_and_wake, timer_ready, 1},
    {"ipi-self", interrupt_self, NULL, 1},
    {"console-1", console_byte, NULL, 1},
    {"console-80", console_line, NULL, 10},
    {"disk-4k", disk_page, disk_ready, 10},
    {"cpuid", identify, NULL, 1},
    {"port-read", read_port, NULL, 1},
    {"ipi-other", interrupt_other, other_ready, 1}, /* last: from here on two CPUs run */
};

struct result {
    uint64_t runs, all_runs, ticks, ns; /* of the best round; runs of it, and of all */
};
static struct result results[ARRAY_SIZE(operations)];

static void one_round(const struct operation *op, uint64_t n, struct result *best)
{
    uint64_t ticks, ns;

    waited_ns = 0;
    ns = clock_ns();
    ticks = __builtin_ia32_rdtsc();
    for (uint64_t i = 0; i < n; i++) {
        op->run();
    }
    ticks = __builtin_ia32_rdtsc() - ticks;
    ns = clock_ns() - ns;
    if (waited_ns !=
        0) { /* told in ns: as much of all ticks as of all ns, without a product that is too large */
        ticks -= ticks / ns * waited_ns + ticks % ns * waited_ns / ns;
    }
    if (best->runs == 0 || ticks < best->ticks) {
        best->ticks = ticks;
        best->ns = ns - waited_ns;
    }
    best->runs = n;
    best->all_runs += n;
}

static void measure(unsigned nr, uint64_t n, uint64_t rounds)
{
    const struct operation *op = &operations[nr];
    struct result unused = {0};

    if (op->ready != NULL && !op->ready()) {
        return;
    }
    one_round(op, 2, &unused); /* what is done on first use, by each of two, is not measured */
    machine_mark(2 * nr);
    for (uint64_t i = 0; i < rounds; i++) {
        one_round(op, (n + op->share - 1) / op->share, &results[nr]);
    }
    machine_mark(2 * nr + 1);
}

static int unknown(const char *name)
{
    printf("CONTRAST unknown operation '%s'; there are:", name);
    for (unsigned i = 1; i < ARRAY_SIZE(operations); i++) {
        printf(" %s", operations[i].name);
    }
    puts("");
    return 2;
}

/* Two at most are wanted: the empty one and the one that is named, or all. */
static bool wanted(unsigned nr, const char *only)
{
    return nr == 0 || only[0] == '\0' || strcmp(only, operations[nr].name) == 0;
}

int main(int argc, char **argv)
{
    uint64_t n = cmdline_number("n", 100), rounds = cmdline_number("rounds", 1);
    bool known = false;
    char only[32] = "";

    (void)argc;
    (void)argv;
    cmdline_value("only", only, sizeof(only));
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
        known |= only[0] == '\0' || strcmp(only, operations[i].name) == 0;
    }
    if (!known) {
        return unknown(only);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
        if (wanted(i, only)) {
            measure(i, n, rounds);
        }
    }
    stop = true;
    machine_mark(MACHINE_MARK_STOP);
    puts("");
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
        const struct result *r = &results[i];

        if (r->runs != 0) {
            printf("CONTRAST result %u %s %lu %lu %lu %lu\n", i, operations[i].name, r->runs,
                   r->all_runs, r->ticks, r->ns);
        } else if (wanted(i, only)) {
            printf("CONTRAST absent %u %s\n", i, operations[i].name);
        }
    }
    return 0;
}
