/* SPDX-License-Identifier: MIT */
/* What the boot code knows of the machine and a hardware domain asks for by platform_op; told once, before the first domain. */
#ifndef HYPERCALL_HC_PLATFORM_H
#define HYPERCALL_HC_PLATFORM_H

#include <stdint.h>

/* The firmware's number for the CPU with this local APIC. */
void platform_cpu_tell(uint32_t apic_id, uint32_t acpi_id);

/* Ports of the ACPI power management control registers (FADT: PM1a_CNT_BLK, PM1b_CNT_BLK); 0: there is none. */
void platform_acpi_tell(uint16_t pm1a_control, uint16_t pm1b_control);

#endif
