/* SPDX-License-Identifier: MIT */
/* Upcalls of rooms that are not there yet; goes with the last of them. */
#include "debug/panic.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/upcalls.h"

void upcall_guest_exception(struct vcpu *v, uint32_t vector, uint64_t cr2)
{
    panic("guest exception %u at %lx, vCPU %p", vector, cr2, (void *)v);
}

void upcall_guest_syscall(struct vcpu *v)
{
    panic("guest syscall, vCPU %p", (void *)v);
}

void upcall_hypercall(struct vcpu *v)
{
    panic("hypercall, vCPU %p", (void *)v);
}

void upcall_exit_fault(struct vcpu *v, uint32_t vector, uint32_t error_code)
{
    panic("exit fault %u (%x), vCPU %p", vector, error_code, (void *)v);
}

void upcall_exit_to_guest(struct vcpu *v)
{
    (void)v;
}

void upcall_do_work(uint32_t work)
{
    (void)work;
}

void upcall_timer_irq(void)
{
}

void upcall_device_irq(uint32_t vector)
{
    (void)vector;
}

void upcall_ap_ready(void)
{
    for (;;) {
        cpu_sleep();
    }
}
