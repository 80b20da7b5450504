/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: native
 * NATIVE: yes
 * A kernel that owns its machine and abuses it. Without arguments it stays in bounds and ends; with what=NAME it does the one thing for
 * ever, or until its machine is gone. tests/system/test_full_hostile.py lets it, and looks at what comes of it for the others.
 */
#include <string.h>

#include "framework/test.h"
#include "pvk/cpu.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/smp.h"
#include "pvk/thread.h"
#include "pvk/user.h"

#define APIC_PADDR   0xfee00000ul
#define APIC_VERSION 0x30u
#define NOTHING      0xd0000000ul /* an address where neither memory nor a device is */
#define NO_PORT      0x1234u
#define PTE_RAM      0x7ff000ul /* frames from RAM_START on */
#define RAM_START    0x100000ul
#define TABLES       8u
#define SLOT         400u /* of the root, for tables of any content */

static uint32_t seed = 1;

static uint32_t random_number(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

/* ---- devices ---- */

static void storm(unsigned int rounds)
{
    volatile uint32_t *apic = window_alloc(2), *nothing = apic + PAGE_SIZE / sizeof(*apic);
    unsigned int wrong = 0;

    if (!apic || map_page((void *)apic, pfn_make(APIC_PADDR >> PAGE_SHIFT), MAP_R | MAP_W) ||
        map_page((void *)nothing, pfn_make(NOTHING >> PAGE_SHIFT), MAP_R | MAP_W)) {
        test_error("no addresses for devices");
    }
    for (unsigned int i = 0; i < rounds; i++) {
        uint8_t byte;

        wrong += (apic[APIC_VERSION / 4] & 0xff) == 0;
        nothing[i % 1024] = i | 1; /* what is not there reads as zeros or as ones */
        wrong += nothing[i % 1024] == (i | 1);
        __asm__ volatile("outb %b1, %w2; inb %w2, %0"
                         : "=a"(byte)
                         : "0"((uint8_t)i), "Nd"((uint16_t)NO_PORT));
        wrong += byte != 0xff;
    }
    test_check(wrong == 0, "devices answer, and nothing where none is");
}

/* ---- page tables of any content, below a slot of our own ---- */

static uint64_t *tables[TABLES]; /* 4 levels' worth: each may be linked at any level */

static uint64_t *root(void)
{
    return va_of_pfn(pfn_make(cpu_page_root() >> PAGE_SHIFT));
}

static uint64_t table_entry(uint64_t bits)
{
    return pfn_raw(pfn_of_va(tables[random_number() % TABLES])) << PAGE_SHIFT | bits;
}

static void tables_alloc(void)
{
    for (unsigned int i = 0; i < TABLES; i++) {
        tables[i] = page_alloc(0);
        if (!tables[i]) {
            test_error("no memory for tables");
        }
        memset(tables[i], 0, PAGE_SIZE);
    }
}

/* An address below the slot, of those that eight entries of each table are for. */
static uint64_t random_va(void)
{
    return ~0xffffffffffffull | (uint64_t)SLOT << 39 | (uint64_t)(random_number() % 8) << 30 |
           (uint64_t)(random_number() % 8) << 21 | (uint64_t)(random_number() % 8) << 12 |
           (random_number() & 0xff8);
}

/* Read only: what is mapped may be the tables themselves, the kernel, or nothing. */
static void wild_tables(unsigned int rounds)
{
    uint64_t value;

    tables_alloc();
    for (unsigned int i = 0; i < rounds; i++) {
        uint64_t *table = tables[random_number() % TABLES];
        uint64_t entry = (uint64_t)random_number() << 40 | random_number(), va;

        entry =
            ((entry & (PTE_RAM | 0x6full | 1ull << 63)) | 1) + RAM_START; /* any rights and marks */
        if (random_number() % 2) {
            entry = table_entry(1 | (entry & 0x66));
        }
        table[random_number() % 8] = random_number() % 4 ? entry : 0;
        root()[SLOT] = random_number() % 8 ? table_entry(7) : 0;
        va = random_va();
        if (random_number() % 2) {
            __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=&r"(value) : : "memory");
        } else {
            __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
        }
        (void)probe_read((const uint64_t *)va, &value);
    }
    root()[SLOT] = 0;
    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=&r"(value) : : "memory");
    test_check(true, "tables of any content are walked");
}

/*
 * Both CPUs link the tables with one another, at any level, and write them through what is mapped of them at that moment. All that can be
 * reached are the tables.
 */
static void race_for_tables(void *rounds)
{
    uint64_t value;

    for (uintptr_t i = 0; i < (uintptr_t)rounds; i++) {
        uint64_t va = random_va(), entry = random_number() % 4 ? table_entry(7) : 0;

        if (random_number() % 2) {
            __atomic_store_n(&tables[random_number() % TABLES][random_number() % 8], entry,
                             __ATOMIC_RELAXED);
        } else if (random_number() % 2) {
            (void)probe_write((uint64_t *)(va & ~0xfc0ull), entry);
        } else {
            (void)probe_read((const uint64_t *)va, &value);
        }
        if (random_number() % 4 == 0) {
            __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
        }
        if (random_number() % 16 == 0) {
            __atomic_store_n(&root()[SLOT], table_entry(7), __ATOMIC_RELAXED);
            __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=&r"(value) : : "memory");
        }
    }
}

static void race(unsigned int rounds)
{
    struct thread *other;

    if (cpu_count() < 2) {
        return; /* nobody to race with */
    }
    tables_alloc();
    other = cpu_start(1) ? NULL
                         : thread_create_on(1, "race", race_for_tables, (void *)(uintptr_t)rounds);
    if (!other) {
        test_error("no second CPU");
    }
    race_for_tables((void *)(uintptr_t)rounds);
    thread_join(other);
    __atomic_store_n(&root()[SLOT], 0, __ATOMIC_RELAXED);
    test_check(true, "two CPUs change tables that both walk");
}

/* ---- more address spaces than an engine in software has shadow tables for: 48 times 9 tables, and it has 255 ---- */

#define SPACES  48u
#define REGIONS 6u /* a table each */
#define REGION  (2ul << 20)

static void many_spaces(unsigned int rounds)
{
    static struct user_space *space[SPACES];
    static volatile uint64_t *page[SPACES];
    static uint64_t visits[SPACES];
    unsigned int wrong = 0;

    for (unsigned int s = 0; s < SPACES; s++) {
        space[s] = user_space_create();
        page[s] = page_alloc(0);
        for (unsigned int r = 0; r < REGIONS; r++) {
            if (!space[s] || !page[s] ||
                user_map(space[s], (1 + r) * REGION, pfn_of_va((void *)page[s]), MAP_R | MAP_W)) {
                test_error("no memory for address spaces");
            }
        }
    }
    for (unsigned int i = 0; i < rounds; i += 40) {
        unsigned int s = i / 40 % SPACES;

        user_space_use(space[s]);
        for (unsigned int r = 0; r < REGIONS; r++) {
            volatile uint64_t *at = (volatile uint64_t *)((1 + r) * REGION);

            wrong += at[0] != visits[s];
            at[1 + r]++;
        }
        page[s][0] = ++visits[s];
    }
    user_space_use(NULL);
    for (unsigned int s = 0; s < SPACES; s++) {
        for (unsigned int r = 0; r < REGIONS; r++) {
            wrong += page[s][1 + r] != visits[s];
        }
        user_space_destroy(space[s]);
        page_free((void *)page[s], 0);
    }
    test_check(wrong == 0, "many address spaces, each with what is its own");
}

/* ---- code that never stays as it is ---- */

static void changing_code(unsigned int rounds)
{
    static const uint8_t text[] = {0xff, 0x05, 2, 0, 0, 0, /* incl 2(%rip): the number below */
                                   0x90, 0xb8, 0, 0, 0, 0, 0xc3};
    uint8_t *page = page_alloc(0), *code = window_alloc(1);
    uint32_t got = 0;

    if (!page || !code || map_page(code, pfn_of_va(page), MAP_R | MAP_W | MAP_X)) {
        test_error("no memory for code");
    }
    memcpy(code, text, sizeof(text));
    for (unsigned int i = 0; i < rounds; i++) {
        got = ((uint32_t(*)(void))(uintptr_t)code)();
    }
    test_check(got == rounds, "code that changes itself runs as it stands");
}

/* ---- the end of the machine ---- */

struct table {
    uint16_t limit;
    uint64_t base;
} __packed_struct;

static void triple_fault(void)
{
    const struct table none = {0, 0};

    __asm__ volatile("lidt %0; ud2" : : "m"(none));
}

/* The descriptors are where nothing is: no handler can be entered any more. */
static void wild_descriptors(void)
{
    const struct table wild = {0xffff, 0xffffdead00000000ul};

    __asm__ volatile("lgdt %0; int3" : : "m"(wild));
}

/* The table of gates is itself a gate's target, and the stack is the hypervisor's. */
static void wild_gates(void)
{
    const struct table wild = {0xffff, 0xffff800000000000ul};

    __asm__ volatile("lidt %0; mov %1, %%rsp; int $0x80" : : "m"(wild), "r"(0xffff810000000000ul));
}

static void endless(void)
{
    __asm__ volatile("cli; 1: jmp 1b");
}

static void endless_emulation(void)
{
    __asm__ volatile("1: cli; sti; mov %%cr3, %%rax; mov %%rax, %%cr3; str %%eax; jmp 1b"
                     :
                     :
                     : "rax");
}

static void faults(void)
{
    __asm__ volatile("cli; mov $0x1000, %%rsp; 1: push $0; jmp 1b" : :);
}

void test_main(void)
{
    static const struct {
        const char *name;
        void (*once)(void);
        void (*rounds)(unsigned int);
    } all[] = {{"triple", triple_fault, NULL},
               {"descriptors", wild_descriptors, NULL},
               {"gates", wild_gates, NULL},
               {"endless", endless, NULL},
               {"emulation", endless_emulation, NULL},
               {"faults", faults, NULL},
               {"storm", NULL, storm},
               {"tables", NULL, wild_tables},
               {"race", NULL, race},
               {"spaces", NULL, many_spaces},
               {"code", NULL, changing_code}};
    char what[16] = "";

    (void)cmdline_value("what", what, sizeof(what));
    for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
        if (what[0] == '\0' && all[i].rounds) {
            all[i].rounds(2000);
        } else if (strcmp(what, all[i].name) == 0) {
            test_note("%s", what);
            if (all[i].once) {
                all[i].once();
            }
            all[i].rounds(UINT32_MAX);
        }
    }
}
