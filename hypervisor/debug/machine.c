/* SPDX-License-Identifier: MIT */
/* The machine's end: QEMU's debug exit device, reset, halt. */
#include "common/string.h"
#include "debug/console.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/ipi.h"
#include "x86/port.h"

#define DEBUG_EXIT_PORT 0x501 /* isa-debug-exit: a write of v ends QEMU with status 2v + 1 */
#define RESET_PORT      0xcf9 /* PCI reset control: 2 = full reset, 4 = now */
#define KBC_PORT        0x64  /* keyboard controller: 0xfe pulses the reset line */

static bool exit_debug, exit_reboot;

void machine_exit_how(const char *option)
{
    exit_debug = !strcmp(option, "debug");
    exit_reboot = !strcmp(option, "reboot");
}

void machine_exit(int status)
{
    irq_disable();
    if (exit_debug) {
        outw(DEBUG_EXIT_PORT, (uint16_t)status);
    }
    if (status == EXIT_STATUS_OK) {
        log_info("it is now safe to switch off the machine");
    } else if (exit_reboot) {
        machine_reboot();
    }
    machine_halt();
}

void machine_halt(void)
{
    irq_disable();
    ipi_stop_others();
    for (;;) {
        cpu_halt();
    }
}

void machine_reboot(void)
{
    irq_disable();
    ipi_stop_others();
    outb(RESET_PORT, 2);
    outb(RESET_PORT, 6);
    outb(KBC_PORT, 0xfe);
    cpu_triple_fault();
}
