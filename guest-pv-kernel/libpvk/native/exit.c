/* SPDX-License-Identifier: MIT */
/*
 * The end of a machine: a status for a test harness, then power off or reset. A crashed machine stops, so that its report
 * stays readable.
 */
#include "libpvk/core/backend.h"
#include "libpvk/native/acpi.h"
#include "libpvk/native/insn.h"
#include "pvk/console.h"

#define RESET_PORT    0xcf9 /* of the chipset: bit 1 full, bit 2 now */
#define KEYBOARD_PORT 0x64  /* its controller's pulse on the reset line */

void backend_exit(enum exit_reason reason, unsigned port, int status)
{
    irq_save();
    console_flush();
    if (port != 0) {
        insn_outw((uint16_t)port, (uint16_t)status);
    }
    if (reason == EXIT_REBOOT) {
        insn_outb(RESET_PORT, 0x06);
        insn_outb(KEYBOARD_PORT, 0xfe);
    } else if (reason == EXIT_POWEROFF) {
        acpi_power_off();
    }
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
