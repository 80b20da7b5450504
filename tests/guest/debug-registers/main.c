/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: native
 * NATIVE: yes
 * A kernel that debugs itself on a machine of its own: breakpoints on code, on stores and on any access, single steps through plain
 * instructions and through those that an engine emulates, and what DR6 says of each. The trap engine runs such a kernel in ring 3:
 * its breakpoints are the CPU's all the same, and a step over an emulated instruction ends behind it. With the word 'detects' the use of
 * debug registers must be detected, which QEMU's own CPU does not.
 */
#include "framework/test.h"
#include "libpvk/native/insn.h"
#include "pvk/machine.h"

#define MAX_STOPS   16u
#define FLAG_TF     0x100ul
#define FLAG_RF     0x10000ul
#define DR6_IDLE    0xffff0ff0ul
#define DR6_STEP    0x4000ul
#define DR6_DETECT  0x2000ul
#define DR6_CAUSE   0x600ful /* step, detection, breakpoints */
#define DR7_IDLE    0x400ul
#define DR7_DETECT  0x2400ul
#define DR7_EXECUTE 0x00000402ul /* breakpoint 0, one byte */
#define DR7_WRITE   0x00d00408ul /* breakpoint 1, four bytes */
#define DR7_ACCESS  0x0f000420ul /* breakpoint 2, four bytes */
#define NO_PORT     0x1234u

static volatile unsigned nr_stops;
static struct {
    uint64_t rip, dr6;
} stop[MAX_STOPS];
static bool keep_stepping;

static uint64_t dr6_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%dr6, %0" : "=r"(value));
    return value;
}

static void dr6_reset(void)
{
    __asm__ volatile("mov %0, %%dr6" : : "r"(DR6_IDLE));
}

static void dr7_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(value) : "memory");
}

static bool stopped(struct trap_regs *regs)
{
    if (nr_stops < MAX_STOPS) {
        stop[nr_stops].rip = regs->rip;
        stop[nr_stops].dr6 = dr6_read() & DR6_CAUSE;
    }
    nr_stops++;
    dr6_reset();
    if (!keep_stepping) {
        regs->rflags &= ~FLAG_TF;
    }
    regs->rflags |= FLAG_RF; /* past a breakpoint on this instruction */
    return true;
}

static bool stopped_once(const void *at, uint64_t dr6)
{
    return nr_stops == 1 && stop[0].rip == (uintptr_t)at && stop[0].dr6 == dr6;
}

static volatile uint32_t watched, other;
extern char code_here[], write_end[], read_end[], emulated_here[];

static void breakpoints(void)
{
    uint32_t value;

    nr_stops = 0;
    __asm__ volatile("mov %0, %%dr0" : : "r"(code_here));
    dr7_write(DR7_EXECUTE);
    __asm__ volatile("nop\n"
                     "code_here: nop");
    test_check(stopped_once(code_here, 1), "code stops before the instruction, and goes on");
    nr_stops = 0;
    __asm__ volatile("mov %0, %%dr0" : : "r"(emulated_here));
    __asm__ volatile("nop\n"
                     "emulated_here: mov %%cr3, %%rax"
                     :
                     :
                     : "rax");
    test_check(stopped_once(emulated_here, 1), "before one that may be emulated as well");
    dr7_write(DR7_IDLE);

    nr_stops = 0;
    __asm__ volatile("mov %0, %%dr1" : : "r"(&watched));
    dr7_write(DR7_WRITE);
    other = watched;
    test_check(nr_stops == 0, "loads, and stores elsewhere, do not stop where stores are watched");
    __asm__ volatile("movl $7, %0\n"
                     "write_end:"
                     : "=m"(watched));
    test_check(stopped_once(write_end, 2) && watched == 7, "a store stops behind itself");
    dr7_write(DR7_IDLE);

    nr_stops = 0;
    __asm__ volatile("mov %0, %%dr2" : : "r"(&watched));
    dr7_write(DR7_ACCESS);
    __asm__ volatile("movl %1, %0\n"
                     "read_end:"
                     : "=r"(value)
                     : "m"(watched));
    test_check(stopped_once(read_end, 4) && value == 7,
               "a load stops where all accesses are watched");
    dr7_write(DR7_IDLE);
    nr_stops = 0;
    other = watched++;
    __asm__ volatile("call 1f; jmp 2f; 1: ret; 2:");
    test_check(nr_stops == 0, "and nothing stops any more when they are off");
}

static void registers(void)
{
    uint64_t seven, six, zero;

    __asm__ volatile("mov %3, %%dr7; mov %%dr7, %0; mov %%dr6, %1; mov %%dr0, %2"
                     : "=&r"(seven), "=&r"(six), "=&r"(zero)
                     : "r"(DR7_WRITE & ~0xfful));
    test_check(seven == (DR7_WRITE & ~0xfful) && six == DR6_IDLE &&
                   zero == (uintptr_t)emulated_here,
               "the registers keep what they are given");
    nr_stops = 0;
    dr7_write(DR7_DETECT);
    six = dr6_read(); /* the handler is free to use them: detection is off then */
    test_check(nr_stops == 0 ? !cmdline_has("detects") : nr_stops == 1 && stop[0].dr6 == DR6_DETECT,
               "a CPU that detects their use says so");
    dr7_write(DR7_IDLE);
}

extern char steps_first[], steps_last[];

#define STEPS_BEGIN "pushfq; orl $0x100, (%%rsp); popfq\n"
#define STEPS_END   "pushfq; andl $~0x100, (%%rsp); popfq\n"

static void single_steps(void)
{
    uint64_t scratch;

    nr_stops = 0;
    keep_stepping = true;
    __asm__ volatile(STEPS_BEGIN "nop\n"
                                 "steps_first: nop\n"
                                 "inc %0\n" STEPS_END "steps_last: nop"
                     : "=r"(scratch)
                     : "0"(1ul)
                     : "memory", "cc");
    test_note("steps: %u", nr_stops);
    test_check(stop[0].rip == (uintptr_t)steps_first && stop[0].dr6 == DR6_STEP,
               "the first stops behind one instruction, and DR6 says so");
    test_check(nr_stops <= MAX_STOPS && stop[nr_stops - 1].rip == (uintptr_t)steps_last,
               "the last behind the one that ends them");
}

extern char step_cr3[], step_cpuid[], step_in[], step_dr[], step_string[], step_behind[];

/* Each stops behind itself, and INS behind each element. */
static void emulated_steps(void)
{
    static uint8_t to[4];
    const char *const ends[] = {step_cr3,    step_cpuid,  step_in,    step_dr,
                                step_string, step_string, step_behind};
    uint64_t count = 3, at = (uintptr_t)to;
    unsigned wrong = 0;

    nr_stops = 0;
    keep_stepping = true;
    __asm__ volatile(STEPS_BEGIN "mov %%cr3, %%rax\n"
                                 "step_cr3: cpuid\n"
                                 "step_cpuid: inb $0x80, %%al\n"
                                 "step_in: mov %%dr0, %%rax\n"
                                 "step_dr: mov $0x1234, %%edx\n"
                                 "mov %1, %%rcx\n"
                                 "step_string: rep insb\n"
                                 "step_behind:\n" STEPS_END
                     : "+D"(at)
                     : "r"(count)
                     : "memory", "cc", "rax", "rbx", "rcx", "rdx");
    for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        unsigned n = i < 4 ? i : i + 2; /* two plain moves are between */

        wrong += stop[n].rip != (uintptr_t)ends[i] || stop[n].dr6 != DR6_STEP;
    }
    test_check(wrong == 0 && at == (uintptr_t)to + 3 && to[2] == 0xff && to[3] == 0,
               "steps through emulated instructions");
}

void test_main(void)
{
    irq_state was = irq_save();

    (void)trap_set_handler(TRAP_DB, stopped);
    dr6_reset();
    breakpoints();
    registers();
    single_steps();
    emulated_steps();
    irq_restore(was);
}
