/* SPDX-License-Identifier: MIT */
/*
 * What firmware's tables say: the CPUs, the power button, and the register that switches the machine off.
 */
#ifndef PVK_NATIVE_ACPI_H
#define PVK_NATIVE_ACPI_H

#include <stdbool.h>

/* Read the tables; a machine without them has one CPU and stays on. */
void acpi_init(void);

/* CPUs that can be started, the running one first; 0: not told. */
unsigned acpi_nr_cpus(void);
unsigned acpi_apic_id(unsigned cpu);

/* From now on the power button ends the machine; where there is none, nothing happens. And its interrupt. */
void acpi_button_enable(void);
bool acpi_is_line(unsigned line);
void acpi_interrupt(void);

/* Switch the machine off; returns if it cannot be done. */
void acpi_power_off(void);

#endif
