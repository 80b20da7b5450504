/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: native
 * NATIVE: yes
 * INS and OUTS, of which an emulation does several elements at once: what they move and what they leave in the registers, in both
 * directions, with prefixes, across pages; where a page is not there the fault comes at its element, and the rest follows when it is
 * there; and who may not use a port may not do it by a string either.
 */
#include <string.h>

#include "framework/test.h"
#include "libpvk/native/insn.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/user.h"

#define NO_PORT     0x1234u /* nobody there: reads as ones */
#define SCRATCH     0x3ffu  /* of the serial port: the device model's */
#define PIC_MASK    0x21u   /* the hypervisor's own */
#define LOW_VA      0x600000ul
#define STACK_VA    0x10000000ul
#define BAD_ADDRESS 0x8000000000000000ul
#define FLAG_IOPL   (3ul << 12)
#define MOST        1024u

static uint8_t *pages; /* two that follow one another */

struct at {
    uint64_t rcx, rsi, rdi;
};

/* One instruction with these registers, before and after. */
#define STRING(text, port, a)                                                                      \
    __asm__ volatile(text                                                                          \
                     : "+c"((a)->rcx), "+S"((a)->rsi), "+D"((a)->rdi)                              \
                     : "d"((uint16_t)(port))                                                       \
                     : "memory", "cc")

static bool filled(const uint8_t *from, size_t nr, uint8_t with)
{
    for (size_t i = 0; i < nr; i++) {
        if (from[i] != with) {
            return false;
        }
    }
    return true;
}

/* Ones, where they belong and nowhere else. */
static bool ones_at(size_t first, size_t nr)
{
    bool ok = filled(pages, first, 0) && filled(pages + first, nr, 0xff) &&
              filled(pages + first + nr, 2 * PAGE_SIZE - first - nr, 0);

    memset(pages, 0, 2 * PAGE_SIZE);
    return ok;
}

static struct at at(uint64_t rcx, uint64_t offset)
{
    return (struct at){rcx, (uintptr_t)pages + offset, (uintptr_t)pages + offset};
}

static void input(void)
{
    uint64_t base = (uintptr_t)pages;
    struct at a = at(5, 100);

    STRING("insw", NO_PORT, &a);
    test_check(ones_at(100, 2) && a.rdi == base + 102 && a.rcx == 5, "insw moves one");
    a = at(7, 1);
    STRING("rep insb", NO_PORT, &a);
    test_check(ones_at(1, 7) && a.rdi == base + 8 && a.rcx == 0, "rep insb moves seven");
    a = at(3, 2);
    STRING("rep insl", NO_PORT, &a);
    test_check(ones_at(2, 12) && a.rdi == base + 14 && a.rcx == 0, "rep insl three of four bytes");
    a = at(3000, 11);
    STRING("rep insw", NO_PORT, &a);
    test_check(ones_at(11, 6000) && a.rdi == base + 6011 && a.rcx == 0,
               "rep insw goes on to the next page, with a word on both");
    a = at(1500, 5996);
    STRING("std; rep insl; cld", NO_PORT, &a);
    test_check(ones_at(0, 6000) && a.rdi == base - 4 && a.rcx == 0, "and down again");
    a = at(0, 0);
    a.rdi = BAD_ADDRESS;
    STRING("rep insb", NO_PORT, &a);
    test_check(a.rdi == BAD_ADDRESS && a.rcx == 0, "none at all touches nothing");
}

/* Through the device model: the register keeps the last byte. */
static void output(void)
{
    uint64_t base = (uintptr_t)pages;
    struct at a = at(MOST, 0);

    for (unsigned i = 0; i < MOST; i++) {
        pages[i] = (uint8_t)(i + 7);
    }
    STRING("rep outsb", SCRATCH, &a);
    test_check(a.rsi == base + MOST && a.rcx == 0 && insn_inb(SCRATCH) == (uint8_t)(MOST - 1 + 7),
               "rep outsb ends with the last byte");
    a = at(MOST, MOST - 1);
    STRING("std; rep outsb; cld", SCRATCH, &a);
    test_check(a.rsi == base - 1 && insn_inb(SCRATCH) == 7, "and down with the first one");
    a = at(MOST, 2048);
    STRING("rep insb", SCRATCH, &a);
    test_check(filled(pages + 2048, MOST, 7) && pages[2048 + MOST] == 0,
               "rep insb gets it each time");
    memset(pages, 0, 2 * PAGE_SIZE);
}

/* Through a chip that the hypervisor has: it keeps the last mask. */
static void chip(void)
{
    static const uint8_t masks[] = {0x11, 0x22, 0x44, 0x88, 0xff};
    uint64_t base = (uintptr_t)pages;
    struct at a = at(sizeof(masks), 0);
    irq_state was = irq_save();
    uint8_t mask = insn_inb(PIC_MASK);

    memcpy(pages, masks, sizeof(masks));
    STRING("rep outsb", PIC_MASK, &a);
    test_check(a.rsi == base + sizeof(masks) && insn_inb(PIC_MASK) == 0xff,
               "a chip gets all bytes in their order");
    a = at(40, 0);
    insn_outb(PIC_MASK, mask | 0x80);
    STRING("rep insb", PIC_MASK, &a);
    insn_outb(PIC_MASK, mask);
    irq_restore(was);
    test_check(a.rdi == base + 40 && filled(pages, 40, mask | 0x80), "and answers each time");
    memset(pages, 0, 2 * PAGE_SIZE);
}

static void prefixes(void)
{
    struct user_space *space = user_space_create();
    struct at a = {2ul << 32 | 4, 0, 5ul << 32 | LOW_VA};
    uint64_t fs;
    irq_state was;

    if (space == NULL || user_map(space, LOW_VA, pfn_of_va(pages), MAP_R | MAP_W) != 0) {
        test_error("no memory for low addresses");
    }
    user_space_use(space);
    STRING("addr32 rep insb", NO_PORT, &a);
    test_check(ones_at(0, 4) && a.rdi == LOW_VA + 4 && a.rcx == 0,
               "addresses of 32 bits, and so many");
    user_space_use(NULL);
    user_space_destroy(space);
    was = irq_save();
    fs = insn_rdmsr(MSR_FS_BASE);
    insn_wrmsr(MSR_FS_BASE, (uintptr_t)pages);
    pages[300] = 0x5a;
    a = (struct at){9, 300, 0};
    STRING("outsb %%fs:(%%rsi), (%%dx)", SCRATCH, &a);
    insn_wrmsr(MSR_FS_BASE, fs);
    irq_restore(was);
    test_check(insn_inb(SCRATCH) == 0x5a && a.rsi == 301 && a.rcx == 9, "another segment's base");
    pages[300] = 0;
}

/* ---- faults ---- */

static struct trap_regs stopped;
static uint64_t stopped_at;
static unsigned nr_stops;
static void *missing;
static pfn_t missing_pfn;

/* The page comes, and the instruction goes on. */
static bool page_in(struct trap_regs *regs)
{
    pfn_t pfn;
    unsigned was;

    stopped = *regs;
    stopped_at = trap_fault_address();
    return nr_stops++ == 0 &&
           (map_lookup(missing, &pfn, &was) ? map_protect(missing, 1, MAP_R | MAP_W)
                                            : map_page(missing, missing_pfn, MAP_R | MAP_W)) == 0;
}

/* Where the second page is not there, or (rights) may not be written. */
static void fault(const char *name, bool in, uint64_t count, uint64_t offset, bool read_only,
                  uint64_t done, uint64_t address)
{
    uint8_t *window = window_alloc(2);
    struct at a = {count, (uintptr_t)window + offset, (uintptr_t)window + offset};
    uint32_t code = in ? PF_WRITE : 0;

    missing = window + PAGE_SIZE;
    missing_pfn = pfn_of_va(pages + PAGE_SIZE);
    nr_stops = 0;
    if (window == NULL || map_page(window, pfn_of_va(pages), MAP_R | MAP_W) != 0 ||
        (read_only && map_page(missing, missing_pfn, MAP_R) != 0)) {
        test_error("no memory for a window");
    }
    if (in) {
        STRING("rep insw", NO_PORT, &a);
    } else {
        STRING("rep outsw", NO_PORT, &a);
    }
    code |= read_only ? PF_PRESENT : 0;
    test_check(nr_stops == 1 && stopped.error_code == code &&
                   stopped_at == (uintptr_t)window + address,
               "%s: the fault and its address", name);
    test_check(stopped.rcx == count - done &&
                   (in ? stopped.rdi : stopped.rsi) == (uintptr_t)window + offset + 2 * done,
               "%s: what had been moved", name);
    test_check((in ? a.rdi : a.rsi) == (uintptr_t)window + offset + 2 * count && a.rcx == 0,
               "%s: it goes on to its end", name);
    test_check(!in || ones_at(offset, 2 * count), "%s: and moves it all", name);
    test_must(map_remove(window, 2) == 0, "%s: the window closes", name);
    window_free(window, 2);
}

static void faults(void)
{
    trap_handler *before = trap_set_handler(TRAP_PF, page_in);

    fault("insw to a page that is not there", true, 1000, 4000, false, 48, PAGE_SIZE);
    fault("insw across the page's end", true, 1000, 4001, false, 47, PAGE_SIZE);
    fault("insw to a page that may not be written", true, 1000, 4000, true, 48, PAGE_SIZE);
    fault("outsw from a page that is not there", false, 1000, 3000, false, 548, PAGE_SIZE);
    trap_set_handler(TRAP_PF, before);
}

static void to_nowhere(void *unused)
{
    struct at a = {1, 0, BAD_ADDRESS};

    (void)unused;
    STRING("rep insb", NO_PORT, &a);
}

/* ---- who may ---- */

static USER_CODE void user_string(uint64_t to)
{
    uint64_t count = 4;

    __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"((uint16_t)NO_PORT) : "memory");
    __asm__ volatile("syscall" : : "a"(to) : "rcx", "r11", "memory");
    for (;;) {
    }
}

static void rights(void)
{
    struct user_space *space = user_space_create();
    void *stack = page_alloc(0);
    struct user_context context;
    enum user_exit exit;

    if (space == NULL || stack == NULL || user_map_code(space) != 0 ||
        user_map(space, STACK_VA, pfn_of_va(stack), MAP_R | MAP_W) != 0 ||
        user_map(space, LOW_VA, pfn_of_va(pages), MAP_R | MAP_W) != 0) {
        test_error("no memory for user code");
    }
    user_context_init(&context, space, user_code_address((const void *)user_string),
                      STACK_VA + PAGE_SIZE - 8, LOW_VA);
    exit = user_run(&context);
    test_check(exit == USER_EXCEPTION && context.regs.vector == TRAP_GP && ones_at(0, 0),
               "user code may not");
    user_context_init(&context, space, user_code_address((const void *)user_string),
                      STACK_VA + PAGE_SIZE - 8, LOW_VA);
    context.regs.rflags |= FLAG_IOPL;
    exit = user_run(&context);
    test_check(exit == USER_SYSCALL && context.regs.rax == LOW_VA + 4 && ones_at(0, 4),
               "but it may with the privilege for it");
    user_context_init(&context, space, user_code_address((const void *)user_string),
                      STACK_VA + PAGE_SIZE - 8, (uintptr_t)pages);
    context.regs.rflags |= FLAG_IOPL;
    exit = user_run(&context);
    test_check(exit == USER_EXCEPTION && context.regs.vector == TRAP_PF &&
                   context.regs.error_code == (PF_PRESENT | PF_WRITE | PF_USER) && ones_at(0, 0),
               "and not into the kernel's memory");
    user_space_use(NULL);
    user_space_destroy(space);
    page_free(stack, 0);
}

void test_main(void)
{
    struct trap_seen seen;
    bool returned;

    pages = page_alloc(1);
    if (pages == NULL) {
        test_error("no memory");
    }
    input();
    output();
    chip();
    prefixes();
    faults();
    returned = trap_catch(to_nowhere, NULL, &seen);
    test_note("insb to no address: %s", test_trap(returned, &seen));
    rights();
}
