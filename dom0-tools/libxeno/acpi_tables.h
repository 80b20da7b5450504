/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables of a fully virtualized domain: its CPUs, and how to switch it off. Pure.
 */
#ifndef LIBXENO_ACPI_TABLES_H
#define LIBXENO_ACPI_TABLES_H

#include <stdint.h>

#define ACPI_TABLES_BYTES 8192u

/*
 * Fill buf (ACPI_TABLES_BYTES, zeroed) with tables that will lie at guest-physical address paddr; the RSDP is the first. At
 * most 128 CPUs, whose APIC ids count from 0; power goes off by a write of SLP_EN to port pm1_control.
 */
void acpi_tables_write(uint8_t *buf, uint32_t paddr, uint32_t nr_cpus, uint16_t pm1_control);

#endif
