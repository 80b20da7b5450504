/* SPDX-License-Identifier: MIT */
/*
 * The start of the kernel on a bare machine, step by step. Order matters: each step may use the ones before it only.
 */
#include "libpvk/native/boot.h"

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/native/acpi.h"
#include "libpvk/native/apic.h"
#include "libpvk/native/boot_info.h"
#include "libpvk/native/clock.h"
#include "libpvk/native/descriptors.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/memory.h"
#include "libpvk/native/pic.h"
#include "libpvk/native/uart.h"

#define CANARY                                                                                     \
    0x5d00ff0a0d5ca1abul /* holds a zero byte and a newline, so that string overruns cannot reproduce it */

struct cpu cpus[PVK_MAX_CPUS];

void cpu_init_self(unsigned id)
{
    struct cpu *cpu = &cpus[id];

    cpu->self = cpu;
    cpu->id = id;
    cpu->stack_canary = CANARY;
    insn_wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
    insn_wrmsr(MSR_KERNEL_GS, 0);
    insn_wrmsr(MSR_FS_BASE, (uintptr_t)cpu);
}

void backend_start_services(void)
{
    uart_enable_input();
    acpi_button_enable();
}

void backend_print_last_failure(void)
{
    /* Nothing below us refuses anything: a wrong privileged instruction is the exception that is being reported. */
}

void pvk_boot(uint32_t magic, uint32_t info)
{
    cpu_init_self(0);                /*  1 per-CPU area: this_cpu() */
    uart_init();                     /*  2 output */
    descriptors_init_cpu(0);         /*  3 exceptions: crash reports */
    boot_info_init(magic, info);     /*  4 */
    cmdline_init(boot_info.cmdline); /*  5 */
    memory_init();                   /*  6 linear map, rights, allocator */
    acpi_init();                     /*  7 CPUs, and how to switch the machine off */
    pic_init();                      /*  8 interrupts of devices */
    clock_init();                    /*  9 how fast the time stamp counter runs */
    apic_init();                     /* 10 interrupts of this CPU */
    clock_init_cpu();                /* 11 timers */
    core_boot();                     /* 12 threads, main() */
}
