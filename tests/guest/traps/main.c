/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * MODELS: yes
 * AS: both
 * Exceptions of the kernel itself must arrive at its own handlers: vector, error code, fault address, and a frame that
 * leads back to the interrupted code.
 */
#include "framework/test.h"
#include "pvk/memory.h"

static char page[PAGE_SIZE] __aligned_to(4096);

static void read_null(void *arg)
{
    (void)*(volatile char *)arg;
}

static void write_byte(void *arg)
{
    *(volatile char *)arg = 1;
}

static void call(void *arg)
{
    ((void (*)(void))arg)();
}

static void divide(void *arg)
{
    (void)arg;
    __asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; mov $1, %%eax; div %%ecx"
                     :
                     :
                     : "rax", "rcx", "rdx");
}

static void ud2(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void int3(void *arg)
{
    (void)arg;
    __asm__ volatile("int3");
}

static void privileged(void *arg)
{
    (void)arg;
    __asm__ volatile("lgdt %0" : : "m"(page));
}

static void noncanonical(void *arg)
{
    (void)arg;
    (void)*(volatile char *)0x0001000000000000ul;
}

static void observe(const char *what, void (*fn)(void *arg), void *arg)
{
    struct trap_seen seen = {0};
    bool returned = trap_catch(fn, arg, &seen);

    test_note("%s: %s", what, test_trap(returned, &seen));
    if (!returned && seen.vector == TRAP_PF) {
        test_check(seen.fault_address == (uint64_t)arg,
                   "the fault address is the one that was touched");
    }
}

static volatile unsigned handled;

static bool skip_ud2(struct trap_regs *regs)
{
    handled++;
    regs->rip += 2;
    regs->rax = 0x1234;
    return true;
}

static void check_handler(void)
{
    uint64_t rax = 0;
    uint64_t rbx = 0x1111;
    uint64_t r11 = 0x2222;
    uint64_t rcx = 0x3333;

    trap_set_handler(TRAP_UD, skip_ud2);
    __asm__ volatile("mov %[r11], %%r11; ud2; mov %%r11, %[r11]"
                     : "+a"(rax), "+b"(rbx), "+c"(rcx), [r11] "+r"(r11)
                     :
                     : "r11");
    trap_set_handler(TRAP_UD, NULL);
    test_check(handled == 1 && rax == 0x1234, "a handler can change registers and resume");
    test_check(rbx == 0x1111 && rcx == 0x3333 && r11 == 0x2222, "all other registers survive");
}

void test_main(void)
{
    observe("read of an unmapped page", read_null, (void *)0x1000);
    observe("write to an unmapped page", write_byte, (void *)0x1000);
    observe("write to the code", write_byte, (void *)(uintptr_t)read_null);
    observe("execution of data", call, page);
    observe("division by zero", divide, NULL);
    observe("ud2", ud2, NULL);
    observe("int3", int3, NULL);
    observe("a privileged instruction", privileged, NULL);
    observe("an address that is not canonical", noncanonical, NULL);
    check_handler();
}
