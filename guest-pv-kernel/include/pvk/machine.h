/* SPDX-License-Identifier: MIT */
/*
 * The machine as a whole: its command line, how it ends, and switching interrupts off on this CPU.
 */
#ifndef PVK_MACHINE_H
#define PVK_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"

enum exit_reason {
    EXIT_POWEROFF = 0,
    EXIT_REBOOT = 1,
    EXIT_CRASH = 3
};

/*
 * End the machine. If the command line has exit-port=P and the machine may use I/O ports, status is written to port P
 * first (16 bits), which is how a test harness learns it.
 */
__noreturn_fn void pvk_exit(enum exit_reason reason, int status);

/* The whole command line, terminated. */
const char *cmdline(void);

/* Value of `name=value` on the command line, copied to buf (truncated to size); NULL if it is not there. */
const char *cmdline_value(const char *name, char *buf, size_t size);

/* Number in `name=number` (0x.. allowed), or otherwise if it is not there or not a number. */
uint64_t cmdline_number(const char *name, uint64_t otherwise);

/* True if `name` stands on the command line as a word of its own. */
bool cmdline_has(const char *name);

/* Interrupts (on a hypervisor: events) of this CPU off, and back to what they were. Calls nest. */
typedef bool irq_state;
irq_state irq_save(void);
void irq_restore(irq_state was);
void irq_enable(void);

#endif
