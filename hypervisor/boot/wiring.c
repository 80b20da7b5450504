/* SPDX-License-Identifier: MIT */
/*
 * The calls upward that go through pointers, because the caller's room lies below: switch hooks, virtual interrupts of
 * timers and console, who ran for the panic report; and device interrupts, of which no domain has any yet.
 */
#include "boot/wiring.h"

#include <xen/sched.h>

#include "common/format.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "domain/domain.h"
#include "event/event.h"
#include "event/pirq.h"
#include "sched/sched.h"
#include "x86/percpu.h"
#include "x86/upcalls.h"

/* In interrupt context only the bit is set; the event is sent on the way out (upcall_do_work). */
static void console_input(void)
{
    __atomic_fetch_or(&this_cpu()->work, WORK_CONSOLE, __ATOMIC_RELAXED);
}

static void console_event(void)
{
    virq_raise_control(VIRQ_CONSOLE);
}

static void describe_running(char *buf, size_t size)
{
    const struct vcpu *v = current_vcpu();

    if (!v) {
        format(buf, size, "no domain, this CPU is idle");
        return;
    }
    format(buf, size, "domain %u vCPU %u, %s mode, rip %016lx, rsp %016lx, rax %016lx",
           v->domain->id, v->id, v->guest_kernel ? "kernel" : "user", v->regs.rip, v->regs.rsp,
           v->regs.rax);
}

/* The machine ends with the domain that has its devices, unless the boot domain has handed them over. */
static void machine_follows(const struct domain *d)
{
    switch (d->shutdown_code) {
    case SHUTDOWN_poweroff:
        log_info("domain %u has shut down", d->id);
        machine_exit(EXIT_STATUS_OK);
    case SHUTDOWN_reboot:
        log_info("domain %u wants a reboot", d->id);
        machine_reboot();
    default:
        log_err("domain %u has crashed (reason %u)%s%s", d->id, d->shutdown_code,
                d->crash_reason[0] ? ": " : "", d->crash_reason);
        machine_exit(EXIT_STATUS_CRASHED);
    }
}

static void domain_has_shut_down(struct domain *d)
{
    struct domain *successor;

    if (!d->hardware) {
        virq_raise_control(VIRQ_DOM_EXC);
        return;
    }
    successor = d->boot && d->shutdown_code == SHUTDOWN_poweroff ? domain_get_by_id(0) : NULL;
    if (!successor) {
        machine_follows(d);
    }
    domain_put(successor);
    domain_reap_later(d);
}

static void domain_is_gone(void)
{
    virq_raise_control(VIRQ_DOM_EXC);
}

void upcall_device_irq(uint32_t vector)
{
    if (vector >= PIRQ_VECTOR_FIRST && vector < PIRQ_VECTOR_FIRST + NR_PIRQS) {
        pirq_interrupt(vector);
    } else {
        log_warn("CPU %u: interrupt %u, which nobody asked for", this_cpu()->cpu, vector);
    }
}

void wiring_connect(void)
{
    sched_virq_hook = virq_raise_vcpu;
    sched_console_hook = console_event;
    domain_hooks.shutdown = domain_has_shut_down;
    domain_hooks.gone = domain_is_gone;
    console_set_input_hook(console_input);
    panic_set_context(describe_running);
}
