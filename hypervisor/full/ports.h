/* SPDX-License-Identifier: MIT */
/*
 * Port addresses of a fully virtualized domain's board beside those of its chips. The builder's ACPI tables name the power
 * register, so dom0-tools/libxeno has the same number: docs/abi/full-machine.md lists them.
 */
#ifndef FULL_PORTS_H
#define FULL_PORTS_H

#define FULL_PORT_COM1        0x3f8u
#define FULL_PORT_CMOS_DATA   0x71u
#define FULL_PORT_RESET       0xcf9u
#define FULL_PORT_PM1_CONTROL 0xb004u /* ABI: ACPI_PM1A_CNT_BLK_ADDRESS_V1 */
#define FULL_PM1_SLP_EN       0x2000u /* ACPI 6.4, 4.8.3.2.1 */

#endif
