/* SPDX-License-Identifier: MIT */
/*
 * The little of ACPI that the hypervisor needs: which CPUs, interrupt controllers and power registers there are (ACPI 6.4, 5.2.5-5.2.12).
 * Pure: tables are read through the caller's function, checked for length and checksum, and never trusted beyond that.
 */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "boot/boot_info.h"
#include "x86/apic.h"
#include "x86/layout.h"

struct acpi_info {
    uint32_t nr_cpus; /* enabled ones, at most MAX_CPUS */
    uint32_t cpus_left_out;
    uint32_t apic_ids[MAX_CPUS];
    uint32_t acpi_ids[MAX_CPUS]; /* the firmware's numbers for the same CPUs */
    uint16_t pm1a_control, pm1b_control; /* ports; 0: none */
    struct apic_config apic;
};

/*
 * Fill `out` from the tables; rsdp is where the loader says it is, 0 to search the BIOS area. -ENOENT without ACPI or
 * without a MADT, -EINVAL for damaged tables; *why says which.
 */
int acpi_parse(const struct boot_reader *r, uint64_t rsdp, struct acpi_info *out, const char **why);

#endif
