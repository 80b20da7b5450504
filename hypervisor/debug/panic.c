/* SPDX-License-Identifier: MIT */
/*
 * The last report: why, where, who ran, registers, backtrace with symbols. Nothing in here takes a lock or trusts a
 * pointer: a stack is read only inside the area that the stack pointer names.
 */
#include "debug/panic.h"

#include <stdarg.h>
#include <stdbool.h>

#include <xen/xen.h>

#include "common/format.h"
#include "debug/console.h"
#include "debug/symtab.h"
#include "x86/cpu.h"
#include "x86/ipi.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"

#define TRACE_MAX  24
#define SCAN_WORDS 512ul

#ifdef XENO_DEBUG
#define HAVE_FRAME_POINTERS true
#else
#define HAVE_FRAME_POINTERS false
#endif

extern const char __text_end[];

static uint32_t panicking; /* CPU number + 1 of the first to panic */
static void (*describe)(char *buf, size_t size);

void panic_set_context(void (*fn)(char *buf, size_t size))
{
    describe = fn;
}

static bool in_text(uint64_t addr)
{
    return addr >= (uint64_t)__image_start && addr < (uint64_t)__text_end;
}

/* back: 1 for a return address, whose call may be its function's last instruction. */
static void print_addr(const char *mark, uint64_t addr, uint32_t back)
{
    uint32_t offset = 0;
    const char *name = NULL;

    if (in_text(addr)) {
        name = symtab_find(symtab, symtab_count, symtab_names,
                           (uint32_t)(addr - (uint64_t)__image_start) - back, &offset);
        offset += back;
    }
    log_err("  %s%016lx %s+0x%x", mark, addr, name ? name : "?", offset);
}

/* Is [addr, addr + 16) on a stack of the CPU that owns `sp`, or on any mapped page of its area? */
static bool on_stack(uint64_t addr, uint64_t sp)
{
    uint64_t area = sp & ~(PERCPU_AREA_SIZE - 1);
    uint64_t off = addr - area;
    const uint64_t *ptes = this_cpu()->area_ptes;

    if (addr < area || off >= PERCPU_AREA_SIZE || off < PCPU_DATA_OFFSET || (addr & 7)) {
        return false;
    }
    if (!ptes) {
        return off >= PCPU_STACK_OFFSET + 0x1000 && off + 16 <= PCPU_STACK_TOP;
    }
    return (ptes[off >> 12] & HV_PTE_P) && (ptes[(off + 15) >> 12] & HV_PTE_P);
}

/* Without frame pointers every word that points into code may be a return address; they are marked as guesses. */
static void backtrace_scan(uint64_t sp)
{
    int shown = 0;

    /* Below the stack's end there is a guard page: what led there is above it. */
    if (!on_stack(ALIGN_UP(sp, 8ul), sp)) {
        sp = ALIGN_UP(sp, 4096ul);
    }
    for (uint64_t at = ALIGN_UP(sp, 8ul);
         at < sp + SCAN_WORDS * 8 && shown < TRACE_MAX && on_stack(at, sp); at += 8) {
        uint64_t word = *(const uint64_t *)at;

        if (in_text(word)) {
            print_addr("? ", word, 1);
            shown++;
        }
    }
}

static void backtrace_print(uint64_t rip, uint64_t rbp)
{
    print_addr("", rip, 0);
    for (int i = 0; i < TRACE_MAX && on_stack(rbp, rbp); i++) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (!in_text(frame[1])) {
            break;
        }
        print_addr("", frame[1], 1);
        if (frame[0] <= rbp) {
            break;
        }
        rbp = frame[0];
    }
}

static void backtrace(uint64_t rip, uint64_t rsp, uint64_t rbp)
{
    log_err("backtrace:");
    if (HAVE_FRAME_POINTERS) {
        backtrace_print(rip, rbp);
    } else {
        print_addr("", rip, 0);
        backtrace_scan(rsp);
    }
}

static void print_regs(const struct cpu_user_regs *r)
{
    log_err("rip %04x:%016lx  rflags %08lx  vector %u  error code %x", r->cs, r->rip, r->rflags,
            r->entry_vector, r->error_code);
    log_err("rsp %04x:%016lx  rbp %016lx  rax %016lx", r->ss, r->rsp, r->rbp, r->rax);
    log_err("rbx %016lx  rcx %016lx  rdx %016lx  rsi %016lx", r->rbx, r->rcx, r->rdx, r->rsi);
    log_err("rdi %016lx  r8  %016lx  r9  %016lx  r10 %016lx", r->rdi, r->r8, r->r9, r->r10);
    log_err("r11 %016lx  r12 %016lx  r13 %016lx  r14 %016lx", r->r11, r->r12, r->r13, r->r14);
    log_err("r15 %016lx  cr0 %08lx  cr2 %016lx  cr3 %016lx  cr4 %08lx", r->r15, read_cr0(),
            read_cr2(), read_cr3(), read_cr4());
}

/* The first CPU goes on; others, and a panic in the panic, stop here. */
static void panic_begin(void)
{
    uint32_t nobody = 0;

    irq_disable();
    if (!__atomic_compare_exchange_n(&panicking, &nobody, this_cpu()->cpu + 1, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        if (nobody == this_cpu()->cpu + 1) {
            log_err("panic while reporting the panic");
            machine_exit(EXIT_STATUS_PANIC);
        }
        for (;;) {
            cpu_halt();
        }
    }
    ipi_stop_others();
    console_panic_mode();
}

static void __printf_like(1, 0) print_head(const char *fmt, va_list args)
{
    char text[256];
    char who[128] = "no domain";

    panic_begin();
    format_v(text, sizeof(text), fmt, args);
    if (describe) {
        describe(who, sizeof(who));
    }
    log_err("PANIC on CPU %u: %s", this_cpu()->cpu, text);
    log_err("running: %s", who);
}

static void __noreturn_fn panic_end(void)
{
    log_err("the machine stops here");
    machine_exit(EXIT_STATUS_PANIC);
}

void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_head(fmt, args);
    va_end(args);
    backtrace((uint64_t)__builtin_return_address(0), read_rsp(),
              *(const uint64_t *)__builtin_frame_address(0));
    panic_end();
}

void panic_regs(const struct cpu_user_regs *regs, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_head(fmt, args);
    va_end(args);
    print_regs(regs);
    backtrace(regs->rip, regs->rsp, regs->rbp);
    panic_end();
}
