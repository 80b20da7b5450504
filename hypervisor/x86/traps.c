/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts by where they came from. A guest's exceptions are pv/'s; ours have a row in the exception table
 * or end the machine. Interrupts only note what is to be done (percpu.work) and never reschedule here.
 */
#include "x86/traps.h"

#include "debug/console.h"
#include "debug/counters.h"
#include "debug/panic.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/extable.h"
#include "x86/ipi.h"
#include "x86/percpu.h"
#include "x86/upcalls.h"
#include "x86/vcpu_head.h"

#define DR6_IDLE 0xffff0ff0ul /* SDM vol. 3, 17.2.3: the bits that read as one, no breakpoint hit */

extern const struct extable_entry __extable_start[], __extable_end[];

static const char *const exception_names[32] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode", "no FPU",
    "double fault", [10] = "invalid TSS", "segment not present", "stack fault", "general protection",
    "page fault", [16] = "x87 error", "alignment check", "machine check", "SIMD error", "virtualization",
    "control protection",
};

static void interrupt(uint32_t vector)
{
    switch (vector) {
    case VEC_LAPIC_TIMER:
        apic_eoi();
        upcall_timer_irq();
        if (!apic_console_irq_works()) {
            console_poll_input();
        }
        break;
    case VEC_IPI:
        apic_eoi();
        ipi_poll();
        break;
    case VEC_UART:
        console_poll_input();
        apic_eoi();
        break;
    case VEC_SPURIOUS:
        break;
    default:
        upcall_device_irq(vector);
        apic_eoi();
        break;
    }
}

/* Another CPU's panic or halt stops us by NMI; one from the board is only reported. */
static void nmi(void)
{
    if (ipi_is_stopping()) {
        ipi_stopped();
    }
    log_warn("CPU %u: NMI from the machine", this_cpu()->cpu);
}

static void guest_exception(struct vcpu *v, uint32_t vector)
{
    switch (vector) {
    case VEC_NMI:
        nmi();
        return;
    case VEC_MC:
        panic_regs(&vcpu_head(v)->regs, "machine check");
    case VEC_PF:
        upcall_guest_exception(v, vector, read_cr2());
        return;
    default:
        upcall_guest_exception(v, vector, 0);
        return;
    }
}

/* pv/ counts the exceptions that it gets; the time of all, and the interrupts, are counted here. */
void trap_from_guest(struct vcpu *v)
{
    struct vcpu_counters *counters = vcpu_head(v)->counters;
    uint64_t rip = vcpu_head(v)->regs.rip;
    uint32_t vector = vcpu_head(v)->regs.entry_vector;
    uint64_t start = rdtsc();
    uint32_t index = vector;

    if (vector < 32) {
        guest_exception(v, vector);
    } else {
        index = vector >= VEC_LAPIC_TIMER ? COUNT_TRAP_IPI : COUNT_TRAP_DEVICE;
        counted(counters, &counters->trap[index], rip);
        interrupt(vector);
    }
    counted_time(counters, &counters->trap[index], rip, rdtsc() - start);
}

void trap_from_hv(struct cpu_user_regs *r)
{
    struct percpu *p = this_cpu();
    uint32_t vector = r->entry_vector;
    uint64_t cr2 = read_cr2();
    const struct extable_entry *row;

    if (vector >= 32) {
        interrupt(vector);
        return;
    }
    if (vector == VEC_NMI) {
        nmi();
        return;
    }
    if (vector == VEC_DB) {
        /* A guest's breakpoint on memory that we read for it, or on a SYSCALL behind MOV SS: the guest gets none of it. */
        write_dr6(DR6_IDLE);
        return;
    }
    row = extable_find(__extable_start, __extable_end, r->rip);
    if (row && vector != VEC_DF && vector != VEC_MC) {
        p->fault_vector = vector;
        p->fault_code = r->error_code;
        p->fault_cr2 = cr2;
        r->rip = row->fixup;
        return;
    }
    if (vector == VEC_PF) {
        panic_regs(r, "page fault at %016lx (%s%s)", cr2,
                   (r->error_code & PFEC_W) ? "write" : "read",
                   (r->error_code & PFEC_I) ? ", fetch" : "");
    }
    panic_regs(r, "%s in the hypervisor", exception_names[vector] ? exception_names[vector] : "reserved exception");
}

void trap_exit_work(void)
{
    uint32_t work = __atomic_exchange_n(&this_cpu()->work, 0, __ATOMIC_ACQ_REL);

    if (work) {
        upcall_do_work(work);
    }
}
