/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * Single steps and breakpoints belong to the guest: they stop its code where a machine would, also right behind an
 * instruction that was emulated, and never show themselves for what the hypervisor does on its behalf.
 */
#include <xen/physdev.h>

#include "framework/test.h"
#include "pvk/pv/hypercall.h"

#define MAX_STEPS 16

static volatile unsigned nr_stops;
static uint64_t stop_rip[MAX_STEPS];
static uint64_t stop_dr6[MAX_STEPS];
static bool keep_stepping;

static bool stopped(struct trap_regs *regs)
{
    if (nr_stops < MAX_STEPS) {
        stop_rip[nr_stops] = regs->rip;
        stop_dr6[nr_stops] = (uint64_t)hc_get_debugreg(6);
    }
    nr_stops++;
    hc_set_debugreg(6, 0xffff0ff0);
    if (!keep_stepping) {
        regs->rflags &= ~0x100ul;
    }
    regs->rflags |= 0x10000; /* past a breakpoint on this instruction */
    return true;
}

extern char step_start[], step_end[], emulated_end[], cpuid_end[], break_here[];

/* popf turns stepping on behind the instruction that follows it. */
static void steps(void)
{
    nr_stops = 0;
    keep_stepping = true;
    __asm__ volatile("pushf\n\t"
                     "orl $0x100, (%%rsp)\n\t"
                     "popf\n\t"
                     "nop\n"
                     "step_start:\n\t"
                     "nop\n\t"
                     "nop\n\t"
                     "pushf\n\t"
                     "andl $~0x100, (%%rsp)\n\t"
                     "popf\n"
                     "step_end:\n\t"
                     "nop"
                     :
                     :
                     : "memory", "cc");
    test_note("single steps: %u", nr_stops);
    test_check(stop_rip[0] == (uint64_t)step_start, "the first is behind one instruction");
    test_check((stop_dr6[0] & 0x4000) != 0, "DR6 says that it was a step");
}

static void emulated_steps(void)
{
    nr_stops = 0;
    keep_stepping = false;
    __asm__ volatile("pushf\n\t"
                     "orl $0x100, (%%rsp)\n\t"
                     "popf\n\t"
                     "cli\n"
                     "emulated_end:\n\t"
                     "nop"
                     :
                     :
                     : "memory", "cc");
    /* Some hypervisors emulate and let the next instruction run. */
    test_check(nr_stops == 1 && stop_rip[0] - (uint64_t)emulated_end <= 1, "a step ends behind an emulated instruction");
    nr_stops = 0;
    __asm__ volatile("pushf\n\t"
                     "orl $0x100, (%%rsp)\n\t"
                     "mov $0x40000000, %%eax\n\t"
                     "popf\n\t" XEN_CPUID "\n"
                     "cpuid_end:\n\t"
                     "nop"
                     :
                     :
                     : "rax", "rbx", "rcx", "rdx", "memory", "cc");
    test_check(nr_stops == 1 && stop_rip[0] == (uint64_t)cpuid_end, "and behind a forced cpuid");
}

static void breakpoints(void)
{
    static volatile uint64_t watched;
    static volatile uint64_t other;
    struct multicall_entry call = {.op = __HYPERVISOR_xen_version};

    nr_stops = 0;
    keep_stepping = false;
    test_note("DR0: %s, DR7: %s", test_rc(hc_set_debugreg(0, HC_ARG(break_here))), test_rc(hc_set_debugreg(7, 0x401)));
    __asm__ volatile("nop\n"
                     "break_here:\n\t"
                     "nop");
    test_check(nr_stops == 1 && stop_rip[0] == (uint64_t)break_here, "an execution breakpoint stops before the instruction");
    test_check((stop_dr6[0] & 0xf) == 1, "DR6 names it");
    test_note("off: %s", test_rc(hc_set_debugreg(7, 0x400)));

    nr_stops = 0;
    test_note("DR1: %s, DR7: %s", test_rc(hc_set_debugreg(1, HC_ARG(&watched))), test_rc(hc_set_debugreg(7, 0x900404)));
    other++;
    test_check(nr_stops == 0, "another variable is free");
    watched++;
    test_check(nr_stops == 1 && (stop_dr6[0] & 0xf) == 2, "a write to the watched one stops");
    test_note("off: %s", test_rc(hc_set_debugreg(7, 0x400)));

    /* The hypervisor writes call.result for us. */
    nr_stops = 0;
    test_note("DR2: %s, DR7: %s", test_rc(hc_set_debugreg(2, HC_ARG(&call.result))),
              test_rc(hc_set_debugreg(7, 0x9000410)));
    test_note("multicall: %s", test_rc(hc_multicall(&call, 1)));
    test_check(call.result == (4 << 16 | 17), "the hypervisor can write where a breakpoint is");
    test_note("off: %s", test_rc(hc_set_debugreg(7, 0x400)));
}

void test_main(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};

    if (hc_physdev_op(PHYSDEVOP_set_iopl, &iopl)) {
        test_error("set_iopl");
    }
    trap_set_handler(TRAP_DB, stopped);
    steps();
    emulated_steps();
    breakpoints();
}
