/* SPDX-License-Identifier: MIT */
/*
 * The crash report: reason, registers, backtrace with function names, the last refused hypercall. Then the machine ends.
 * Takes no locks, allocates nothing, and reads the stack with accesses that may fault: it works in a broken kernel.
 */
#include <stdarg.h>
#include <stdio.h>

#include "common/format.h"
#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/symbols.h"
#include "pvk/memory.h"
#include "pvk/traps.h"

static void report(const char *fmt, ...) __printf_like(1, 2);
static void report(const char *fmt, ...)
{
    char line[256];
    va_list args;
    int len;

    va_start(args, fmt);
    len = format_v(line, sizeof(line), fmt, args);
    va_end(args);
    backend_console_panic_write(line, MIN((size_t)len, sizeof(line) - 1));
}

static void print_code_address(const char *what, uint64_t address)
{
    uint64_t offset;
    const char *name = symbol_lookup(address, &offset);

    if (name != NULL) {
        report("  %s %#lx  %s+%#lx\n", what, address, name, offset);
    } else {
        report("  %s %#lx\n", what, address);
    }
}

static void print_regs(const struct trap_regs *r)
{
    report("  %s, error code %#x, in %s mode, interrupts %s\n", trap_name(r->vector), r->error_code,
           regs_from_user(r) ? "user" : "kernel", r->saved_mask != 0 ? "off" : "on");
    if (r->vector == TRAP_PF) {
        report("  the %s of address %#lx (%s)\n",
               (r->error_code & PF_FETCH)   ? "fetch"
               : (r->error_code & PF_WRITE) ? "write"
                                            : "read",
               this_cpu()->fault_address,
               (r->error_code & PF_PRESENT) ? "mapped without that right" : "not mapped");
    }
    report("  rip %016lx  cs  %04x  rflags %08lx\n", r->rip, r->cs, r->rflags);
    report("  rax %016lx  rbx %016lx  rcx %016lx\n", r->rax, r->rbx, r->rcx);
    report("  rdx %016lx  rsi %016lx  rdi %016lx\n", r->rdx, r->rsi, r->rdi);
    report("  rbp %016lx  rsp %016lx  r8  %016lx\n", r->rbp, r->rsp, r->r8);
    report("  r9  %016lx  r10 %016lx  r11 %016lx\n", r->r9, r->r10, r->r11);
    report("  r12 %016lx  r13 %016lx  r14 %016lx\n", r->r12, r->r13, r->r14);
    report("  r15 %016lx\n", r->r15);
}

/* Follow the chain of frame pointers: [rbp] is the caller's rbp, [rbp + 8] the return address. */
static void print_backtrace(uint64_t rbp)
{
    for (unsigned depth = 0; depth < 32 && rbp != 0 && rbp % 8 == 0; depth++) {
        uint64_t next;
        uint64_t ret;

        if (!probe_read((void *)rbp, &next) || !probe_read((void *)(rbp + 8), &ret) || ret == 0) {
            return;
        }
        print_code_address("from", ret);
        if (next <= rbp) {
            return; /* frames of callers lie above: anything else is the end or a broken chain */
        }
        rbp = next;
    }
}

void crash_regs(const struct trap_regs *regs, const char *fmt, ...)
{
    static bool crashing;
    char reason[200];
    va_list args;

    irq_save();
    if (__atomic_exchange_n(&crashing, true, __ATOMIC_ACQ_REL)) {
        backend_exit(
            EXIT_CRASH, 0,
            0); /* a crash within the report, or a second CPU's: the first one is printed */
    }
    this_cpu()->catch = NULL;
    va_start(args, fmt);
    format_v(reason, sizeof(reason), fmt, args);
    va_end(args);

    report("\n*** CRASH on CPU %u: %s\n", this_cpu()->id, reason);
    if (regs != NULL) {
        print_regs(regs);
        print_code_address("at  ", regs->rip);
        if (!regs_from_user(regs)) {
            print_backtrace(regs->rbp);
        }
    } else {
        print_backtrace((uint64_t)(uintptr_t)__builtin_frame_address(0));
    }
    backend_print_last_failure();
    pvk_exit(EXIT_CRASH, EXIT_CRASH);
}
