/* SPDX-License-Identifier: MIT */
/*
 * The interrupt flag, and what each interrupt means.
 */
#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "libpvk/native/acpi.h"
#include "libpvk/native/apic.h"
#include "libpvk/native/ata.h"
#include "libpvk/native/descriptors.h"
#include "libpvk/native/pagetable.h"
#include "libpvk/native/pic.h"
#include "libpvk/native/uart.h"
#include "pvk/clock.h"
#include "pvk/machine.h"

irq_state irq_save(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
    return (flags & RFLAGS_IF) != 0;
}

void irq_restore(irq_state was)
{
    if (was) {
        irq_enable();
    }
}

void irq_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

void backend_idle(void)
{
    uint64_t start = clock_ns();

    /* sti holds for one instruction: no wake-up is lost. */
    __asm__ volatile("sti; hlt" : : : "memory");
    this_cpu()->slept_ns += clock_ns() - start;
}

static void pic_interrupt(unsigned line)
{
    if (!pic_is_real(line)) {
        return;
    }
    pic_end(line);
    if (line == PIC_LINE_TIMER) {
        timers_run();
    } else if (line == PIC_LINE_COM1) {
        uart_interrupt();
    } else if (line == PIC_LINE_ATA) {
        ata_interrupt();
    } else if (acpi_is_line(line)) {
        acpi_interrupt();
    }
}

void backend_handle_interrupts(void)
{
    unsigned vector = interrupt_vector();

    switch (vector) {
    case VECTOR_TIMER:
        apic_end();
        timers_run();
        break;
    case VECTOR_KICK: /* idle loops and returns to user mode look at the run queue */
        apic_end();
        this_cpu()->nr_kicks++;
        break;
    case VECTOR_FLUSH:
        apic_end();
        pt_flush_requested();
        break;
    default:
        if (vector >= VECTOR_PIC && vector < VECTOR_PIC + PIC_LINES) {
            pic_interrupt(vector - VECTOR_PIC);
        }
        break; /* a spurious interrupt wants no answer (SDM vol. 3, 10.9) */
    }
}
