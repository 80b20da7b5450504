/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: native
 * NATIVE: yes
 * What x86 does not trap outside of ring 0: instructions that show or change the machine's state without a fault. A kernel that owns
 * the machine sees what it has set; one that is deprivileged without more ado sees the hypervisor's. Then the same in code that is cut by
 * a page's end, that changes, and that changes itself. tests/system/test_full_code.py says which lines fail when code is not scanned.
 */
#include <string.h>

#include "framework/test.h"
#include "pvk/cpu.h"
#include "pvk/memory.h"

#define KERNEL_CS 0x08u
#define KERNEL_SS 0x10u
#define TASK      0x28u
#define GDT_LIMIT 55u
#define IDT_LIMIT 4095u
#define FLAG_IF   (1ul << 9)
#define FLAG_ZF   (1ul << 6)
#define KERNEL    0xffff880000000000ul

struct table {
    uint16_t limit;
    uint64_t base;
} __packed_struct;

static uint64_t flags_read(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq; pop %0" : "=r"(flags) : : "memory");
    return flags;
}

static void flags_write(uint64_t flags)
{
    __asm__ volatile("push %0; popfq" : : "r"(flags) : "memory", "cc");
}

static void interrupt_flag(void)
{
    uint64_t on = flags_read() | FLAG_IF;

    __asm__ volatile("cli" : : : "memory");
    test_check(!(flags_read() & FLAG_IF), "pushf shows what cli did");
    flags_write(on);
    test_check(flags_read() & FLAG_IF, "popf switches interrupts on");
    flags_write(on & ~FLAG_IF);
    test_check(!(flags_read() & FLAG_IF), "popf switches interrupts off");
    __asm__ volatile("sti" : : : "memory");
    test_check(flags_read() & FLAG_IF, "pushf shows what sti did");
}

static void tables(void)
{
    struct table gdt, idt;
    uint16_t ldt, task;
    uint64_t cr0;
    uint32_t msw;

    __asm__ volatile("sgdt %0; sidt %1" : "=m"(gdt), "=m"(idt));
    __asm__ volatile("sldt %0; str %1" : "=m"(ldt), "=m"(task));
    __asm__ volatile("smsw %0; mov %%cr0, %1" : "=r"(msw), "=r"(cr0));
    test_check(gdt.limit == GDT_LIMIT && gdt.base >= KERNEL, "sgdt shows the kernel's own table");
    test_check(idt.limit == IDT_LIMIT && idt.base >= KERNEL, "sidt shows the kernel's own table");
    test_check(ldt == 0, "sldt: there is none");
    test_check(task == TASK, "str shows the kernel's own task");
    test_check(msw == (uint32_t)cr0, "smsw shows what cr0 has");
}

static void selectors(void)
{
    uint64_t cs, ss, fs, zf_lar, zf_verr, zf_verw, zf_code, limit = 0, rights = 0;

    __asm__ volatile("mov %%cs, %0; mov %%ss, %1; push %%fs; pop %2"
                     : "=r"(cs), "=r"(ss), "=r"(fs));
    test_check(cs == KERNEL_CS, "cs has no privilege bits");
    test_check(ss == KERNEL_SS || ss == 0, "ss neither");
    test_check(fs == 0, "fs is null");
    __asm__ volatile("lar %3, %0; pushfq; pop %2; lsl %3, %1"
                     : "+&r"(rights), "+&r"(limit), "=&r"(zf_lar)
                     : "r"((uint64_t)KERNEL_CS)
                     : "cc");
    test_check(zf_lar & FLAG_ZF && (rights >> 8 & 0xfb) == 0x9a,
               "lar shows the kernel's code segment");
    test_check((uint32_t)limit == UINT32_MAX, "lsl its limit");
    __asm__ volatile("verr %w3; pushfq; pop %0; verw %w3; pushfq; pop %1; verw %w4; pushfq; pop %2"
                     : "=&r"(zf_verr), "=&r"(zf_verw), "=&r"(zf_code)
                     : "r"(KERNEL_SS), "r"(KERNEL_CS)
                     : "cc");
    test_check(zf_verr & FLAG_ZF && zf_verw & FLAG_ZF && !(zf_code & FLAG_ZF),
               "verr and verw know data and code");
}

static void far_transfers(void)
{
    uint64_t cs;

    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    if (!test_check(cs == KERNEL_CS, "far returns have a code segment to go to")) {
        return;
    }
    __asm__ volatile("push %0\n"
                     "lea 1f(%%rip), %0\n"
                     "push %0\n"
                     "lretq\n"
                     "1: mov %%cs, %0\n"
                     : "+&r"(cs)
                     :
                     : "memory");
    test_check(cs == KERNEL_CS, "a far return to the code segment that cs names");
    __asm__ volatile("mov %%rsp, %%rcx\n"
                     "mov %%ss, %%edx\n"
                     "push %%rdx\n"
                     "push %%rcx\n"
                     "pushfq\n"
                     "push %0\n"
                     "lea 1f(%%rip), %0\n"
                     "push %0\n"
                     "iretq\n"
                     "1: mov %%cs, %0\n"
                     : "+&r"(cs)
                     :
                     : "memory", "rcx", "rdx");
    test_check(cs == KERNEL_CS, "an interrupt's return to it, with the flags that pushf shows");
}

/* ---- code in two pages of its own ---- */

static uint8_t *code;

static uint64_t call(const uint8_t *at)
{
    return ((uint64_t(*)(void))(uintptr_t)at)();
}

static const uint8_t *put(uint64_t offset, const void *bytes, size_t nr)
{
    memcpy(code + offset, bytes, nr);
    return code + offset;
}

static void cut_by_a_page(void)
{
    static const uint8_t read_cs[] = {0x48, 0x8c, 0xc8, 0xc3}; /* mov %cs,%rax; ret */
    static const uint8_t number[] = {0x48, 0xc7, 0xc0, 0x8c,
                                     0xc8, 0x9c, 0x9d, 0xc3}; /* mov $0x9d9cc88c,%rax; ret */
    static const uint8_t group[] = {0x31, 0xc0, 0x0f,
                                    0x01, 0xe0, 0xc3}; /* xor %eax,%eax; smsw %eax; ret */
    uint64_t cr0;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    for (unsigned int cut = 1; cut <= 3; cut++) {
        test_must(call(put(PAGE_SIZE - cut, read_cs, sizeof(read_cs))) == KERNEL_CS,
                  "mov from cs, %u bytes before the page's end", cut);
    }
    test_check(true, "a read of cs that a page's end cuts");
    for (unsigned int cut = 1; cut <= 7; cut++) {
        test_must(call(put(PAGE_SIZE - cut, number, sizeof(number))) == 0xffffffff9d9cc88cul,
                  "a number, cut at %u", cut);
    }
    test_check(true, "a number that looks like silent instructions");
    for (unsigned int cut = 3; cut <= 4; cut++) {
        test_must(call(put(PAGE_SIZE - cut, group, sizeof(group))) == (uint32_t)cr0,
                  "smsw, cut at %u", cut);
    }
    test_check(true, "smsw with its operand on the next page");
}

static void changed(void)
{
    static const uint8_t first[] = {0xb8, 1, 0, 0, 0, 0xc3}; /* mov $1,%eax; ret */
    static const uint8_t second[] = {0x31, 0xc0, 0x66,
                                     0x8c, 0xc8, 0xc3}; /* xor %eax,%eax; mov %cs,%ax; ret */
    static const uint8_t itself[] = {0xc6, 0x05, 1, 0, 0, 0,
                                     7, /* movb $7, 1(%rip): into the next instruction */
                                     0xb8, 1,    0, 0, 0, 0xc3};
    static const uint8_t loop[] = {0xb9, 100,  0, 0, 0,    /* mov $100,%ecx */
                                   0xff, 0x05, 3, 0, 0, 0, /* 1: incl 3(%rip): the number below */
                                   0xe2, 0xf8,             /* loop 1b */
                                   0xb8, 0,    0, 0, 0, 0xc3}; /* mov $0,%eax; ret */

    test_check(call(put(64, first, sizeof(first))) == 1, "code that was just written");
    code[65] = 2;
    test_check(call(code + 64) == 2, "a number in it that was changed");
    test_check(call(put(64, second, sizeof(second))) == KERNEL_CS, "a read of cs in its place");
    test_check(call(put(128, itself, sizeof(itself))) == 7,
               "an instruction that changes the next one");
    test_check(call(put(256, loop, sizeof(loop))) == 100, "a loop that counts in its own code");
}

/* The tables that map the page at hand can be changed through a page that they map. */
static void rights_change(void)
{
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < 64; i++) {
        unsigned int rights = i & 1 ? MAP_R | MAP_X : MAP_R | MAP_W;

        wrong += map_protect(code, 2, rights) != 0;
        if (!(i & 1)) {
            code[0] = (uint8_t)i;
        }
        wrong += code[0] != (i & ~1u);
    }
    test_check(wrong == 0, "a page's rights can be changed again and again");
}

void test_main(void)
{
    uint8_t *pages = page_alloc(1);

    code = window_alloc(2);
    if (!pages || !code || map_page(code, pfn_of_va(pages), MAP_R | MAP_W | MAP_X) ||
        map_page(code + PAGE_SIZE, pfn_of_va(pages + PAGE_SIZE), MAP_R | MAP_W | MAP_X)) {
        test_error("no memory for code");
    }
    interrupt_flag();
    tables();
    selectors();
    far_transfers();
    cut_by_a_page();
    changed();
    rights_change();
}
