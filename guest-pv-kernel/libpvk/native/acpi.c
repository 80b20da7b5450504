/* SPDX-License-Identifier: MIT */
/*
 * RSDP, RSDT or XSDT; of the MADT the local APICs, of the FADT the power register, of the DSDT the value that means "off".
 * Section numbers: ACPI 6.4. Invariant: a table is read through a window of its own length, and no further.
 */
#include "libpvk/native/acpi.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/compiler.h"
#include "libpvk/core/cpu.h"
#include "libpvk/native/boot_info.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/memory.h"
#include "libpvk/native/pic.h"
#include "pvk/machine.h"
#include "pvk/memory.h"

#define BIOS_START        0xe0000u /* 5.2.5.1: where to look for the RSDP */
#define BIOS_END          0x100000u
#define TABLE_MAX         0x100000u /* no real table is longer */

#define FADT_DSDT         40 /* 5.2.9 */
#define FADT_SCI          46
#define FADT_PM1A_EVENT   56
#define FADT_PM1A_CONTROL 64
#define FADT_FLAGS        112
#define NO_FIXED_BUTTON   0x10u
#define PM1_BUTTON        0x0100u /* 4.8.3.1: in status and enable */
#define PM1_SCI_EN        1u
#define MADT_ENTRIES      44 /* 5.2.12 */
#define MADT_LAPIC        0
#define LAPIC_ENABLED     1u
#define PM1_SLP_EN        0x2000u /* 4.8.3.2.1 */
#define PM1_SLP_TYP_SHIFT 10
#define AML_PACKAGE       0x12
#define AML_BYTE          0x0a

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
} __packed_struct;

struct table_head {
    char signature[4];
    uint32_t length;
    uint8_t rest[28];
} __packed_struct;

static unsigned nr_cpus;
static uint8_t apic_ids[PVK_MAX_CPUS];
static uint16_t pm1a_control;
static uint16_t pm1a_event; /* 0: no power button */
static uint16_t sci_line;
static uint8_t sleep_type;
static bool can_sleep;

/* A whole table in a window; NULL if there is none or it is not what it should be. */
static const struct table_head *open_table(uint64_t paddr)
{
    struct table_head *head = paddr == 0 ? NULL : map_device(paddr, sizeof(*head));
    uint32_t length = 0;

    if (head != NULL) {
        length = head->length;
        unmap_device(head, sizeof(*head));
    }
    return length < sizeof(*head) || length > TABLE_MAX ? NULL : map_device(paddr, length);
}

static void close_table(const struct table_head *table)
{
    unmap_device((void *)(uintptr_t)table, table->length);
}

static void read_madt(const struct table_head *table)
{
    const uint8_t *bytes = (const uint8_t *)table;

    for (uint32_t at = MADT_ENTRIES; at + 2 <= table->length && bytes[at + 1] >= 2;
         at += bytes[at + 1]) {
        /* type, length, processor, APIC id, flags */
        if (bytes[at] == MADT_LAPIC && at + 8 <= table->length &&
            (bytes[at + 4] & LAPIC_ENABLED) != 0 && nr_cpus < PVK_MAX_CPUS) {
            apic_ids[nr_cpus++] = bytes[at + 3];
        }
    }
}

/* The first element of the package _S5_, a small number: found by its name, for AML is not interpreted here (20.2). */
static void read_dsdt(uint64_t paddr)
{
    const struct table_head *table = open_table(paddr);
    const uint8_t *bytes = (const uint8_t *)table;

    for (uint32_t at = sizeof(*table); table != NULL && at + 12 <= table->length; at++) {
        if (memcmp(bytes + at, "_S5_", 4) == 0 && bytes[at + 4] == AML_PACKAGE) {
            uint32_t first = at + 7u + (bytes[at + 5] >> 6); /* behind package length and count */

            if (first + 1 < table->length) {
                first += bytes[first] == AML_BYTE;
                sleep_type = bytes[first] & 7;
                can_sleep = true;
            }
        }
    }
    if (table != NULL) {
        close_table(table);
    }
}

static void read_button(const struct table_head *table)
{
    const uint8_t *bytes = (const uint8_t *)table;

    if (table->length > FADT_FLAGS && (bytes[FADT_FLAGS] & NO_FIXED_BUTTON) == 0) {
        memcpy(&pm1a_event, bytes + FADT_PM1A_EVENT, sizeof(pm1a_event));
        memcpy(&sci_line, bytes + FADT_SCI, sizeof(sci_line));
    }
}

static void read_table(uint64_t paddr)
{
    const struct table_head *table = open_table(paddr);
    const uint8_t *bytes = (const uint8_t *)table;
    uint32_t dsdt;

    if (table == NULL) {
        return;
    }
    if (memcmp(table->signature, "APIC", 4) == 0) {
        read_madt(table);
    } else if (memcmp(table->signature, "FACP", 4) == 0 && table->length >= FADT_PM1A_CONTROL + 4) {
        memcpy(&pm1a_control, bytes + FADT_PM1A_CONTROL, sizeof(pm1a_control));
        read_button(table);
        memcpy(&dsdt, bytes + FADT_DSDT, sizeof(dsdt));
        read_dsdt(dsdt);
    }
    close_table(table);
}

static bool find_rsdp(struct rsdp *found)
{
    uint64_t paddr = boot_info.rsdp;
    const struct rsdp *rsdp;

    if (paddr != 0) {
        rsdp = map_device(paddr, sizeof(*rsdp));
        if (rsdp != NULL) {
            *found = *rsdp;
            unmap_device((void *)(uintptr_t)rsdp, sizeof(*rsdp));
            return memcmp(found->signature, "RSD PTR ", 8) == 0;
        }
    }
    for (paddr = BIOS_START; paddr < BIOS_END; paddr += 16) {
        rsdp = (const struct rsdp *)(VIRT_BASE + paddr);
        if (memcmp(rsdp->signature, "RSD PTR ", 8) == 0) {
            *found = *rsdp;
            return true;
        }
    }
    return false;
}

void acpi_init(void)
{
    struct rsdp rsdp;
    const struct table_head *list;
    uint64_t entry = 0;
    uint32_t width;

    if (!find_rsdp(&rsdp)) {
        return;
    }
    width = rsdp.revision >= 2 && rsdp.xsdt != 0 ? 8 : 4;
    list = open_table(width == 8 ? rsdp.xsdt : rsdp.rsdt);
    for (uint32_t at = sizeof(*list); list != NULL && at + width <= list->length; at += width) {
        memcpy(&entry, (const uint8_t *)list + at, width);
        read_table(entry);
    }
    if (list != NULL) {
        close_table(list);
    }
}

unsigned acpi_nr_cpus(void)
{
    return nr_cpus;
}

unsigned acpi_apic_id(unsigned cpu)
{
    return apic_ids[cpu];
}

void acpi_button_enable(void)
{
    if (pm1a_event == 0 || pm1a_control == 0 || sci_line >= PIC_LINES ||
        (insn_inw(pm1a_control) & PM1_SCI_EN) == 0) {
        pm1a_event = 0; /* events do not interrupt on this machine, or firmware takes them */
        return;
    }
    insn_outw(pm1a_event, PM1_BUTTON);
    insn_outw((uint16_t)(pm1a_event + 2), PM1_BUTTON);
    pic_unmask(sci_line);
}

bool acpi_is_line(unsigned line)
{
    return pm1a_event != 0 && line == sci_line;
}

void acpi_interrupt(void)
{
    if ((insn_inw(pm1a_event) & PM1_BUTTON) != 0) {
        insn_outw(pm1a_event, PM1_BUTTON);
        pvk_exit(EXIT_POWEROFF, 0);
    }
}

void acpi_power_off(void)
{
    if (can_sleep && pm1a_control != 0) {
        insn_outw(pm1a_control, (uint16_t)(PM1_SLP_EN | sleep_type << PM1_SLP_TYP_SHIFT));
    }
}
