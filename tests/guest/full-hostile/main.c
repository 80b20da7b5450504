/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: native
 * NATIVE: yes
 * What a kernel on a machine of its own can do to whoever emulates that machine. Without arguments it does a little of each that a machine
 * survives; on a bare one nothing must come of it. With a word it does that one for ever, or what must end it: tests/system/test_full.py
 * lets it loose beside another domain.
 */
#include <string.h>

#include "framework/test.h"
#include "libpvk/native/insn.h"
#include "pvk/machine.h"
#include "pvk/memory.h"

#define ROUNDS     200u
#define NO_MEMORY  0xd0000000u /* neither memory nor a device */
#define LAPIC      0xfee00000u
#define LAPIC_PAGE 0x400u /* bytes of it that have registers */

static uint32_t seed = 1;
static volatile uint32_t *nothing, *lapic;
static uint8_t buffer[1024];

static uint32_t next(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

/* Ports of the hypervisor's chips, of nobody, and of the device model. */
static void ports(void)
{
    (void)insn_inb(0x40);
    (void)insn_inb(0x21);
    insn_outb(0x80, (uint8_t)next());
    (void)insn_inw(0x1234);
}

static void model(void)
{
    insn_outb(0x70, (uint8_t)(next() % 128));
    (void)insn_inb(0x71);
    (void)insn_inb(0x3fd);
}

static void memory(void)
{
    nothing[next() % 1024] = next();
    (void)nothing[next() % 1024];
    (void)lapic[next() % LAPIC_PAGE / 4];
}

static void undefined(void *unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

/* As many as one instruction can, to nobody, to a chip and to the device model. */
static void strings(void)
{
    static const uint16_t to[] = {0x1234, 0x21, 0x3ff};
    uint16_t port = to[next() % 3];
    const uint8_t *from = buffer;
    uint64_t count = sizeof(buffer);

    memset(buffer, 0xff, sizeof(buffer));
    __asm__ volatile(
        "cli; in $0x21, %%al; mov %%eax, %%ebx; rep outsb; mov %%ebx, %%eax; out %%al, $0x21; sti"
        : "+S"(from), "+c"(count)
        : "d"(port)
        : "memory", "rax", "rbx");
    insn_insw(0x1234, buffer, sizeof(buffer) / 2);
}

static void exceptions(void)
{
    struct trap_seen seen;

    test_must(!trap_catch(undefined, NULL, &seen) && seen.vector == TRAP_UD,
              "an undefined instruction is one");
}

/* Registers of the CPU's own virtualization, and instructions of it: none of them is this machine's. */
static void svm_instruction(void *which)
{
    switch (*(const unsigned *)which) {
    case 0:
        __asm__ volatile("vmrun" : : "a"(0x1000));
        break;
    case 1:
        __asm__ volatile("vmload" : : "a"(0x1000));
        break;
    case 2:
        __asm__ volatile("vmsave" : : "a"(0x1000));
        break;
    case 3:
        __asm__ volatile("stgi");
        break;
    case 4:
        __asm__ volatile("clgi");
        break;
    default:
        __asm__ volatile("vmmcall");
        break;
    }
}

static void virtualization(void)
{
    struct trap_seen seen;

    for (unsigned i = 0; i < 6; i++) {
        test_must(!trap_catch(svm_instruction, &i, &seen) && seen.vector == TRAP_UD,
                  "instruction %u of virtualization is undefined", i);
    }
}

static void write_register(void *number)
{
    insn_wrmsr(*(const uint32_t *)number, (uint64_t)next() << 32 | next());
}

/* Registers that a kernel has no use for while it runs; what comes of each is the machine's to say. */
static void registers(void)
{
    static const uint32_t numbers[] = {0x277,      0x1b0,      0x2ff,      0x200,
                                       0xc0010010, 0xc0010114, 0xc0010117, 0xc0011029,
                                       0x40000000, 0xc0000103, 0x6e0,      0x10a};
    uint32_t number = numbers[next() % (sizeof(numbers) / sizeof(numbers[0]))];
    struct trap_seen seen;

    if (number != 0x277 && !trap_catch(write_register, &number, &seen)) {
        test_must(seen.vector == TRAP_GP, "a register that is refused is a #GP");
    }
}

/* ---- what ends it ---- */

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void triple(void)
{
    const struct table_register none = {0, 0};

    test_expect_crash("no interrupt table");
    __asm__ volatile("lidt %0; ud2" : : "m"(none));
}

/* Page tables where there is no memory. */
static void tables(void)
{
    test_expect_crash("no page tables");
    insn_write_cr3(NO_MEMORY);
}

static const struct {
    const char *name;
    void (*fn)(void);
    bool ends;
} deeds[] = {{"ports", ports, false},           {"model", model, false},
             {"memory", memory, false},         {"strings", strings, false},
             {"exceptions", exceptions, false}, {"virtualization", virtualization, false},
             {"registers", registers, false},   {"triple", triple, true},
             {"tables", tables, true}};

static volatile uint32_t *map(uint32_t paddr)
{
    void *va = window_alloc(1);

    if (va == NULL || map_page(va, pfn_make(paddr >> PAGE_SHIFT), MAP_W) != 0) {
        test_error("no memory to map devices");
    }
    return va;
}

void test_main(void)
{
    nothing = map(NO_MEMORY);
    lapic = map(LAPIC);
    for (unsigned i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        bool asked = cmdline_has(deeds[i].name);

        if (asked) {
            test_note("%s", deeds[i].name);
        }
        for (unsigned n = 0; asked || (n < ROUNDS && !deeds[i].ends); n++) {
            deeds[i].fn();
        }
        if (!deeds[i].ends) {
            test_check(true, "%s", deeds[i].name);
        }
    }
}
